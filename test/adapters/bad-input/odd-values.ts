import { createPrivateKey, createSign } from 'node:crypto';
import { alice } from '../world.ts';

const nested = (open: string, close: string, levels: number): string =>
  open.repeat(levels) + close.repeat(levels);

/** JSON text of values that no program writes, and of some that one does by mistake. */
export const VALUES: readonly string[] = [
  'null',
  'true',
  '0',
  '-0.0',
  '1e999',
  '-1e-999',
  '9'.repeat(5_000),
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\u2028"',
  '"constructor"',
  '"__proto__"',
  `"${'x'.repeat(20_000)}"`,
  '[]',
  '[null]',
  '[[]]',
  '{}',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":null},"toString":1,"hasOwnProperty":2}',
  '{"a":1,"a":2,"A":3}',
  '{"base64":"****"}',
  '{"":{"":""}}',
  nested('[', ']', 100),
  nested('[', ']', 15_000),
  `${nested('{"a":', '}', 15_000).replace('}', '1}')}`,
  nested('[{"fact":', '}]', 10_000).replace('}', '1}'),
];

const SLOT = '"@@slot@@"';

export const LAYERS = [
  'body',
  'data',
  'filter',
  'entry',
  'envelope',
  'request',
  'secure',
  'federation',
  'headers',
  'transport',
] as const;

type Layer = (typeof LAYERS)[number];

/** Where in a request a value is put; `extra` is a field that nobody knows. */
export const PLACES: Readonly<Record<Layer, readonly string[]>> = {
  body: ['agent', 'action', 'caller', 'data', 'process_results', 'extra', '__proto__'],
  data: ['fact', '__proto__', ''],
  filter: ['fact', 'cf_class', 'agent', 'identity', 'compound', 'collective', 'extra', '__proto__'],
  entry: ['fact', 'cf_class', 'agent', 'identity', 'compound'],
  envelope: [
    'requestid',
    'senderid',
    'callerid',
    'filter',
    'collective',
    'agent',
    'ttl',
    'time',
    'extra',
    '__proto__',
  ],
  request: ['protocol', 'message', 'envelope', 'extra', '__proto__'],
  secure: ['protocol', 'message', 'signature', 'pubcert', 'extra', '__proto__'],
  federation: ['req', 'target', 'reply-to', 'extra', '__proto__'],
  headers: ['reply-to', 'mc_sender', 'seen-by', 'federation', 'x-unknown', '__proto__'],
  transport: ['protocol', 'data', 'headers', 'extra', '__proto__'],
};

const FILTER = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };

/** A request that is good but for one value, signed by alice wherever the value is inside what is signed. */
export const requestWith = (layer: Layer, place: string, value: string, collective: string): string => {
  const odd = (of: Layer): Readonly<Record<string, string>> =>
    // As a field of its own: a literal's `__proto__` would be the prototype.
    layer === of ? Object.fromEntries([[place, '@@slot@@']]) : {};
  const written = (fields: object): string => JSON.stringify(fields).replace(SLOT, () => value);
  const entries = layer === 'entry' ? { [place]: ['@@slot@@'] } : {};
  const body = written({
    agent: 'rpcutil',
    action: 'ping',
    data: { fact: 'a', ...odd('data') },
    ...odd('body'),
  });
  const request = written({
    protocol: 'choria:request:1',
    message: body,
    envelope: {
      requestid: 'a'.repeat(32),
      senderid: 'alice.mcollective',
      callerid: 'choria=alice.mcollective',
      filter: { ...FILTER, ...entries, ...odd('filter') },
      collective,
      agent: 'rpcutil',
      ttl: 60,
      time: Math.floor(Date.now() / 1000),
      ...odd('envelope'),
    },
    ...odd('request'),
  });
  const signature = createSign('sha256').update(request).sign(createPrivateKey(alice.privateKey));
  const secure = written({
    protocol: 'choria:secure:request:1',
    message: request,
    signature: signature.toString('base64'),
    pubcert: alice.chain,
    ...odd('secure'),
  });
  return written({
    protocol: 'choria:transport:1',
    data: Buffer.from(secure).toString('base64'),
    headers: {
      'reply-to': `${collective}.reply.abc.def`,
      mc_sender: 'alice.mcollective',
      federation: {
        req: 'a'.repeat(32),
        target: [`${collective}.broadcast.agent.rpcutil`],
        ...odd('federation'),
      },
      ...odd('headers'),
    },
    ...odd('transport'),
  });
};
