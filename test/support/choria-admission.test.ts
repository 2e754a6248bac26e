import { describe, expect, test } from 'vitest';
import { Refused } from './choria-checks.ts';
import {
  type Dialect,
  type Json,
  newRequestId,
  requestLayer,
  rpcBody,
  secureLayer,
  toJson,
} from './choria-messages.ts';
import { createChoriaNode, type Handled, type NodeOptions } from './choria-node.ts';
import { type Identity, makeAuthority } from './pki.ts';

const authority = makeAuthority('nodes CA');
const alice = authority.issue({ commonName: 'alice.mcollective' });
const NOW = Date.now();
const SERVER = 'nats://127.0.0.1:4222';
const DIALECTS: readonly Dialect[] = ['ruby', 'go'];
const CALLER = 'choria=alice.mcollective';

interface Sent {
  readonly callerid?: string;
  readonly identity?: Identity;
  readonly certificate?: string;
  readonly body?: string;
  readonly agent?: string;
  readonly ttl?: number;
  readonly request?: (layer: Json) => Json;
  readonly secure?: (layer: Json) => Json;
  readonly headers?: Json;
}

/** What an unfederated client publishes. */
const payloadOf = (dialect: Dialect, sent: Sent): string => {
  const { callerid = CALLER, identity = alice, agent = 'rpcutil' } = sent;
  const same = (layer: Json): Json => layer;
  const request = requestLayer({
    dialect,
    requestId: newRequestId(),
    sender: 'client.example.net',
    callerid,
    collective: 'mcollective',
    agent,
    filter: {},
    ttl: sent.ttl ?? 60,
    time: Math.floor(NOW / 1000),
    body: sent.body ?? rpcBody(dialect, agent, 'ping', callerid, {}),
  });
  const text = toJson((sent.request ?? same)(request), dialect);
  const secure = secureLayer(dialect, text, identity.privateKey, sent.certificate ?? identity.certificate);
  const data = Buffer.from(toJson((sent.secure ?? same)(secure), dialect)).toString('base64');
  const headers = { 'reply-to': 'mcollective.reply.x.1', mc_sender: 'client.example.net', ...sent.headers };
  return toJson({ protocol: 'choria:transport:1', data, headers }, dialect);
};

const handle = (dialect: Dialect, sent: Sent, node: Partial<NodeOptions> = {}): Handled =>
  createChoriaNode({
    identity: 'c1.example.net',
    dialect,
    ca: authority.certificate,
    agents: ['discovery', 'rpcutil', 'echo'],
    collectives: ['mcollective'],
    ...node,
  }).handle(payloadOf(dialect, sent), SERVER, NOW);

const verdict = (dialect: Dialect, sent: Sent): string => {
  try {
    return handle(dialect, sent).reply === undefined ? 'silent' : 'answered';
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
};

const envelope =
  (change: (envelope: Record<string, unknown>) => void) =>
  (layer: Json): Json => {
    const changed = { ...Object(layer['envelope']) };
    change(changed);
    return { ...layer, envelope: changed };
  };
const withField = (key: string, value: unknown): Sent => ({ request: envelope((one) => (one[key] = value)) });
const issued = (options: Parameters<typeof authority.issue>[0]): Sent => ({
  identity: authority.issue(options),
});
const below = authority.intermediate('below').issue({ commonName: 'alice.mcollective' });

describe.each(DIALECTS)('a node that speaks %s', (dialect) => {
  test.each<[what: string, sent: Sent]>([
    ['what is well signed', {}],
    ['a certificate of no particular usage', issued({ commonName: 'alice.mcollective', usages: [] })],
    ['the shortest ttl', { ttl: 30 }],
  ])('answers %s', (_, sent) => {
    expect(verdict(dialect, sent)).toBe('answered');
  });

  test.each<[what: string, sent: Sent, why: string]>([
    ['a short request id', withField('requestid', 'a'.repeat(31)), 'length of the request id'],
    ['a long request id', withField('requestid', 'a'.repeat(33)), 'length of the request id'],
    ['a ttl in letters', withField('ttl', '60'), 'ttl is no integer'],
    ['a time with a fraction', withField('time', NOW / 1000 + 0.5), 'time is no integer'],
    ['no filter', withField('filter', null), 'filter is no object'],
    [
      'half a filter',
      withField('filter', { fact: [], cf_class: [], identity: [] }),
      'filter compound is no list',
    ],
    [
      'an unknown operator',
      withField('filter', {
        fact: [{ fact: 'a', operator: '=', value: 'b' }],
        cf_class: [],
        identity: [],
        compound: [],
      }),
      'operator =',
    ],
    [
      'another agent in the body',
      { body: rpcBody(dialect, 'echo', 'echo', CALLER, {}) },
      'the agent of the body',
    ],
    ['an agent that it has not', { agent: 'package' }, 'no agent package'],
    ['another collective', withField('collective', 'other'), 'not of the collective other'],
    ['a callerid without a name', { callerid: 'alice' }, 'callerid alice'],
    ['the name of another', { callerid: 'choria=bob.mcollective' }, 'bob.mcollective'],
    [
      'a caller who is not on the list',
      { ...issued({ commonName: 'alice.example.net' }), callerid: 'choria=alice.example.net' },
      'is not on the list',
    ],
    ['a server’s certificate', issued({ commonName: 'alice.mcollective', usages: ['server'] }), 'usage'],
    [
      'a certificate that has ended',
      issued({ commonName: 'alice.mcollective', notAfter: new Date(NOW - 1000) }),
      'valid',
    ],
    ['another’s signature', { identity: { ...alice, privateKey: below.privateKey } }, 'signature'],
    ['no certificate', { certificate: 'insecure' }, 'is no certificate'],
    [
      'a replay of the secure message',
      { secure: (layer) => ({ ...layer, protocol: 'choria:secure:reply:1' }) },
      'protocol',
    ],
  ])('refuses %s', (_, sent, why) => {
    expect(verdict(dialect, sent)).toContain(why);
  });

  test.each(['requestid', 'senderid', 'callerid', 'collective', 'agent', 'ttl', 'time', 'filter'])(
    'refuses an envelope without %s',
    (key) => {
      expect(verdict(dialect, { request: envelope((one) => delete one[key]) })).toBe(
        `the envelope lacks ${key}`,
      );
    },
  );
});

test.each<[what: string, sent: Sent, ruby: string, go: string]>([
  [
    'a privileged caller under another’s name',
    issued({ commonName: 'b.privileged.mcollective' }),
    `Could not parse certificate with subject CN=b.privileged.mcollective as it has no CN part, or name alice.mcollective invalid`,
    'answered',
  ],
  [
    'a privileged caller under a name that nobody is allowed',
    { ...issued({ commonName: 'b.privileged.mcollective' }), callerid: 'choria=root' },
    `Could not parse certificate with subject CN=b.privileged.mcollective as it has no CN part, or name root invalid`,
    'answered',
  ],
  ['a ttl of less than 30', { ttl: 29 }, 'answered', 'ttl 29 is less than 30'],
  ['more in the envelope', withField('extra', 1), 'the envelope has extra', 'answered'],
  [
    'a callerid of another kind',
    { callerid: 'up=alice.mcollective' },
    'callerid up=alice.mcollective',
    'answered',
  ],
  [
    'an intermediate authority',
    { identity: below, certificate: below.chain },
    `certificate of ${CALLER} is not by the CA, or not valid now`,
    'answered',
  ],
  ['discovery in JSON', { agent: 'discovery', body: '"ping"' }, 'answered', 'answered'],
  ['discovery in base64', { agent: 'discovery', body: 'cGluZw==' }, 'answered', 'answered'],
  // Which is base64 itself.
  ['discovery bare', { agent: 'discovery', body: 'ping' }, 'answered', 'discovery asks ping'],
  ['no ping', { agent: 'discovery', body: '"pong"' }, 'answered', 'discovery asks "pong"'],
  [
    'nobody who waits',
    { body: rpcBody('ruby', 'rpcutil', 'ping', CALLER, { process_results: false }) },
    'silent',
    'answered',
  ],
])('%s: Ruby and Go differ', (_, sent, ruby, go) => {
  expect([verdict('ruby', sent), verdict('go', sent)]).toEqual([ruby, go]);
});

test.each([
  ['"ping"', '"pong"'],
  ['ping', '"pong"'],
  ['cGluZw==', '"Unknown Request: cGluZw=="'],
  ['"pong"', '"Unknown Request: pong"'],
])('Ruby’s discovery answers %s with %s', (body, said) => {
  const { reply } = handle('ruby', { agent: 'discovery', body });
  const secure = JSON.parse(Buffer.from(JSON.parse(reply?.payload ?? '{}').data, 'base64').toString());
  expect(JSON.parse(secure.message).message).toBe(said);
});

describe('headers of a reply', () => {
  const federation = { req: 'a'.repeat(32), 'reply-to': 'x.reply.y', target: [], odd: 1 };
  const hops = [['client', SERVER]];
  const own = [SERVER, 'c1.example.net', SERVER];
  const headersOf = (dialect: Dialect, headers: Json, node?: Partial<NodeOptions>): unknown => {
    const { reply } = handle(dialect, { headers }, node);
    return JSON.parse(reply?.payload ?? '{}').headers;
  };
  const mc_sender = 'c1.example.net';

  test('are copied whole by Ruby, with its hop where hops are asked for', () => {
    expect(headersOf('ruby', { federation })).toEqual({ mc_sender, federation });
    expect(headersOf('ruby', { federation, 'seen-by': hops })).toEqual({
      mc_sender,
      'seen-by': [...hops, own],
      federation,
    });
    expect(headersOf('ruby', { 'seen-by': [] })).toEqual({ mc_sender, 'seen-by': [own] });
  });

  test('are copied by Go as far as it knows them, and hops of federated requests only', () => {
    const { req, 'reply-to': replyTo } = federation;
    const known = { req, 'reply-to': replyTo };
    expect(headersOf('go', { federation })).toEqual({ mc_sender, federation: known });
    expect(headersOf('go', { federation, 'seen-by': hops })).toEqual({
      mc_sender,
      'seen-by': [...hops, own],
      federation: known,
    });
    expect(headersOf('go', { 'seen-by': hops })).toEqual({ mc_sender, 'seen-by': [own] });
    expect(headersOf('go', {}, { recordsAlways: true })).toEqual({ mc_sender, 'seen-by': [own] });
  });
});
