import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTransport } from '../../src/adapters/choria/wire/index.ts';
import { encodeMarshal } from '../../src/codec/ruby/index.ts';
import { replyAround, replyTo } from '../adapters/daemon.ts';
import { clientFrame, type Deviation } from '../adapters/mcollective/ingress-world.ts';
import { serverKeys } from '../adapters/world.ts';
import { caExtensions, oddCertificate, rsaSpki } from '../pki/odd-certificate.ts';
import type { BridgeProcess } from '../support/bridge.ts';
import type { ChoriaClient, Tampering } from '../support/choria-client.ts';
import type { Json } from '../support/choria-messages.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { connectStompClient, type StompClient, type StompMessage } from '../support/stomp-client.ts';
import { CLUSTER, startWorld, type World } from '../support/world.ts';

// Whoever may write to a broker sends what he likes, through real brokers to a real process: it stays small, says little,
// raises no alarm, and serves honest people meanwhile.

const MEGABYTE = 1024 ** 2;
const LONG = 900_000;
const NODE = 'daemon.example.net';
const NEW = 'c1.choria.example.net';
const FEDERATION = `choria.federation.${CLUSTER}.federation`;

let world: World;
let bridge: BridgeProcess;
let honest: ChoriaClient;
let mallory: ChoriaClient;
let daemon: StompClient;
let desk: StompClient;
/** The last request that came to the daemon, with its reply queue. */
let asked: StompMessage | undefined;
/** Where the last request to the node of Choria wants its reply. */
let askedNew: { readonly replyTo: string; readonly requestId: string } | undefined;
const rows: string[] = [];

const memory = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bridge.child.pid}/status`, 'utf8'))?.[1]) / 1024;
/** Ms of CPU so far: fields 14 and 15 of proc(5), in hundredths of a second. */
const spent = (): number => {
  const fields = readFileSync(`/proc/${bridge.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const alarms = (): number => bridge.lines().filter(({ code }) => code === 'internal').length;

const serve = async (next: () => Promise<StompMessage>): Promise<void> => {
  for (;;) {
    const frame = await next().catch(() => undefined);
    if (frame === undefined) continue;
    asked = frame;
    const reply = await replyTo(
      { destination: frame.destination, headers: frame.headers, body: frame.body },
      { node: NODE },
    );
    await daemon.send(frame.headers['reply-to'] ?? '', reply);
  }
};

/** An honest question and its answer. @returns ms */
const call = async (): Promise<number> => {
  const started = performance.now();
  const replies = await honest.rpc({ agent: 'rpcutil', action: 'ping', expect: 1, timeout: 120_000 });
  expect(replies.map(({ sender }) => sender)).toEqual([NODE]);
  return performance.now() - started;
};

beforeAll(async () => {
  world = await startWorld({ nodes: [] });
  const { authority, files, activemq } = world;
  const privileged = authority.issue({ commonName: 'mcbridge.privileged.mcollective', usages: ['client'] });
  files.write('server-public.pem', serverKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  files.write('server.pem', serverKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  files.write('clients/alice.pem', keyPair('legacy alice').publicKey);
  files.write('privileged.pem', privileged.certificate);
  files.write('privileged.key', privileged.privateKey);
  bridge = await world.bridge((config) => {
    const { servers, tls } = config.ingresses.federation;
    const { legacy } = config.egresses;
    return {
      ...config,
      log: { level: 'info', format: 'json' },
      ingresses: {
        ...config.ingresses,
        mco: {
          type: 'mcollective-stomp',
          servers: legacy.servers,
          user: legacy.user,
          password: legacy.password,
          callers: { keys_dir: 'clients' },
          server_private_key: 'server.pem',
        },
      },
      egresses: {
        legacy,
        choria: {
          type: 'choria-collective',
          servers,
          tls,
          signing: { cert: 'privileged.pem', key: 'privileged.key' },
          nodes: ['*.choria.example.net'],
          discovery: { every: 0 },
        },
      },
      routes: [
        config.routes[0],
        { from: 'federation', to: 'choria', collectives: ['opaque'] },
        { from: 'federation', to: 'choria', collectives: ['checked'], verify: true },
        {
          from: 'mco',
          to: 'choria',
          collectives: ['old'],
          identities: [{ regex: 'cert=(.+)', to: 'choria=$1.mcollective' }],
        },
      ],
    };
  });
  honest = await world.client();
  mallory = await world.client({ dialect: 'go' });
  const account = { port: activemq.port, user: activemq.user, password: activemq.password };
  [daemon, desk] = await Promise.all([connectStompClient(account), connectStompClient(account)]);
  const next = await daemon.subscribe('/topic/mcollective.rpcutil.agent');
  void serve(next);
  await mallory.subscribe(`old.node.${NEW}`, (payload) => {
    const { data, headers } = JSON.parse(payload);
    const secure = JSON.parse(Buffer.from(data, 'base64').toString());
    askedNew = { replyTo: headers['reply-to'], requestId: JSON.parse(secure.message).envelope.requestid };
  });
  await call();
});

afterAll(async () => {
  console.log(
    [`${'attack'.padEnd(56)}    n   ms each  log bytes each  MB after  honest ms`, ...rows].join('\n'),
  );
  daemon?.close();
  desk?.close();
  await world?.stop();
});

type Send = () => Promise<void>;

/**
 * Sends all, and an honest request behind them: it comes home, and nothing raised the alarm. Its row in the table may have
 * lines of requests that were sent before and whose ttl ends now.
 */
const attack = async (name: string, sends: readonly Send[]): Promise<void> => {
  const before = { spent: spent(), log: bridge.child.log().length, alarms: alarms() };
  for (const send of sends) await send();
  const latency = await call();
  const log = (bridge.child.log().length - before.log) / sends.length;
  const row = [
    name.padEnd(56),
    String(sends.length).padStart(5),
    ((spent() - before.spent) / sends.length).toFixed(1).padStart(9),
    log.toFixed(0).padStart(12),
    memory().toFixed(0).padStart(10),
    latency.toFixed(0).padStart(10),
  ].join(' ');
  rows.push(row);
  console.log(row);
  expect(alarms(), name).toBe(before.alarms);
};

const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const from = (
  tamper: Tampering,
  options: Partial<Parameters<ChoriaClient['buildRequest']>[0]> = {},
): Send => {
  const { payloads } = mallory.buildRequest({
    agent: 'rpcutil',
    body: '{"agent":"rpcutil","action":"ping","data":{}}',
    ...options,
    tamper,
  });
  return () => mallory.publish(FEDERATION, payloads[0] ?? '');
};
const raw =
  (text: string): Send =>
  () =>
    mallory.publish(FEDERATION, text);

const record = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
const envelope =
  (changes: Json) =>
  (layer: Json): Json => ({ ...layer, envelope: { ...record(layer['envelope']), ...changes } });
const headers =
  (changes: Json) =>
  (layer: Json): Json => ({ ...layer, headers: { ...record(layer['headers']), ...changes } });

const deep = (levels: number, open = '[', close = ']'): string => open.repeat(levels) + close.repeat(levels);

describe('certificates of strangers', () => {
  const stranger = makeAuthority('mcbridge test CA', { keys: keyPair('stranger CA') });
  const ca = (serial: string, more: object = {}) =>
    oddCertificate({
      issuer: stranger,
      commonNames: ['mcbridge test CA'],
      extensions: caExtensions(),
      serial,
      ...more,
    }).certificate;
  const leaf = (more: object = {}) => oddCertificate({ issuer: stranger, ...more }).certificate;
  const many = (count: number) => times(count, (index) => ca(`01${String(index).padStart(4, '0')}`)).join('');
  const name = (size: number) => leaf({ commonNames: ['n'.repeat(size)] });
  const block = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';
  const san = (count: number) =>
    leaf({
      extensions: [
        { name: 'subjectAltName', altNames: times(count, (i) => ({ type: 2, value: `h${i}.x` })) },
      ],
    });
  const usage = { name: 'extKeyUsage', clientAuth: true };

  it.each<[string, () => string]>([
    ['7 CAs of one name', () => leaf() + many(7)],
    [
      '7 CAs with exponents of 2047 bits',
      () => leaf() + times(7, (i) => ca(`01${i}0`, { spki: rsaSpki(2048, 2047) })).join(''),
    ],
    ['a name of 58 KB', () => name(58_000)],
    ['a name of 10 KB', () => name(10_000)],
    ['1,000 common names', () => leaf({ commonNames: times(1_000, (i) => `n${i}`) })],
    ['3,000 alternative names', () => san(3_000)],
    ['700 alternative names', () => san(700)],
    ['1,000 PEM blocks', () => block.repeat(1_000)],
    ['400 PEM blocks', () => block.repeat(400)],
    ['duplicate extensions', () => leaf({ extensions: times(400, () => usage) })],
    [
      'a loop of two that signed each other',
      () => {
        const [a, b] = [keyPair('loop a'), keyPair('loop b')];
        const first = { privateKey: a.privateKey, certificate: '', commonNames: ['Loop A'] };
        const second = { privateKey: b.privateKey, certificate: '', commonNames: ['Loop B'] };
        const of = (commonNames: string[], keys: typeof a, issuer: typeof first) =>
          oddCertificate({ commonNames, keys, issuer, extensions: caExtensions() }).certificate;
        const crossed = times(3, () => of(['Loop A'], a, second) + of(['Loop B'], b, first)).join('');
        return oddCertificate({ issuer: first, extensions: [usage] }).certificate + crossed;
      },
    ],
    ['lines of nothing but BEGIN', () => '-----BEGIN CERTIFICATE-----\n'.repeat(1_100)],
    ['30 KB of spaces', () => ' '.repeat(30_000)],
    [
      '30 KB of A in one block',
      () => `-----BEGIN CERTIFICATE-----\n${'A'.repeat(30_000)}\n-----END CERTIFICATE-----\n`,
    ],
    [
      'lengths that promise 4 GB',
      () =>
        `-----BEGIN CERTIFICATE-----\n${Buffer.from('3084ffffffff3084fffffff0', 'hex').toString('base64')}\n-----END CERTIFICATE-----\n`,
    ],
  ])('%s', async (what, make) => {
    const chain = make();
    // What stands between two certificates changes nothing but the hash by which a refusal is remembered.
    const sends = times(40, (index) =>
      from({ secure: (layer) => ({ ...layer, pubcert: `${index}\n${chain}` }) }),
    );
    await attack(`certificates: ${what}`, sends);
  });
});

describe('long and odd fields', () => {
  const long = 'x'.repeat(LONG);
  const signed = ['requestid', 'senderid', 'callerid', 'collective', 'agent', 'ttl', 'time', 'filter'];
  // A base64 in a base64: what is signed may have half as many.
  it.each(signed)('%s of the envelope', async (field) => {
    const values = [
      long.slice(0, 480_000),
      deep(100_000),
      '1'.repeat(480_000),
      1e308,
      -1,
      null,
      true,
      {},
      [],
    ];
    await attack(
      `envelope: ${field}`,
      times(4, () => values)
        .flat()
        .map((value) => from({ request: envelope({ [field]: value }) })),
    );
  });

  it.each(['mcollective', 'opaque', 'checked'])('headers, in %s', async (collective) => {
    const options = { collective };
    const target = (value: unknown) =>
      from({ transport: headers({ federation: { req: 'a'.repeat(32), target: value } }) }, options);
    const values = [long, deep(100_000), 1e308, null, {}, []];
    await attack(
      `headers, ${collective}: 100,000 targets`,
      times(5, () => target(times(100_000, () => 'a.b'))),
    );
    await attack(
      `headers, ${collective}: 20,000 good targets`,
      times(5, () => target(times(20_000, (i) => `${collective}.node.n${i}`))),
    );
    await attack(`headers, ${collective}: targets`, values.map(target));
    for (const field of ['reply-to', 'mc_sender', 'seen-by', 'x'])
      await attack(
        `headers, ${collective}: ${field}`,
        times(4, () => values)
          .flat()
          .map((value) => from({ transport: headers({ [field]: value }) }, options)),
      );
    await attack(
      `headers, ${collective}: 50,000 hops`,
      times(5, () =>
        from({ transport: headers({ 'seen-by': times(50_000, () => ['a', 'b', 'c']) }) }, options),
      ),
    );
    await attack(
      `ids of 900 KB, ${collective}`,
      times(200, (index) =>
        from(
          {
            transport: headers({
              federation: { req: `${index}${long}`, target: [`${collective}.node.n${index}`] },
            }),
          },
          options,
        ),
      ),
    );
  });

  it('text that is deep or no JSON', async () => {
    const texts = [
      deep(450_000),
      deep(150_000, '{"a":', '}').replaceAll('}', '}'),
      '['.repeat(900_000),
      '{"a":'.repeat(180_000),
      `"${'\\u0000'.repeat(150_000)}"`,
      '-'.repeat(900_000),
      `{"protocol":"choria:transport:1","data":"${'A'.repeat(900_000)}","headers":{}}`,
      `{${times(60_000, (i) => `"k${i}":0`).join()}}`,
      `{${times(70_000, () => '"protocol":0').join()}}`,
    ];
    for (const [index, text] of texts.entries())
      await attack(
        `a body: ${text.slice(0, 12)}… (${index})`,
        times(5, () => raw(text)),
      );
  });

  it('data and secure requests that are deep', async () => {
    const inside = [deep(300_000), `"${'x'.repeat(600_000)}"`, `{"a":${'9'.repeat(600_000)}}`];
    const data = (text: string) => (layer: Json) => ({
      ...layer,
      data: Buffer.from(text).toString('base64'),
    });
    for (const collective of ['mcollective', 'opaque', 'checked'])
      await attack(
        `data, ${collective}`,
        inside.map((text) => from({ transport: data(text) }, { collective })),
      );
    await attack(
      'secure: signature, message',
      inside.flatMap((text) => [
        from({ secure: (layer) => ({ ...layer, message: text }) }),
        from({ secure: (layer) => ({ ...layer, signature: text }) }),
        from({ secure: (layer) => ({ ...layer, pubcert: text }) }),
      ]),
    );
  });
});

describe('a caller who is believed', () => {
  it.each<[string, object]>([
    [
      '1,000 expressions as facts',
      { fact: times(1_000, (i) => ({ fact: `f${i}`, operator: '=~', value: '(a+)+'.repeat(60) })) },
    ],
    ['5,000 facts', { fact: times(5_000, (i) => ({ fact: `f${i}`, operator: '==', value: 'x' })) }],
    ['5,000 expressions as identities', { identity: times(5_000, (i) => `/^(n|m)*${i}$/`) }],
    ['an expression of 300 KB', { identity: [`/${'(a|b)'.repeat(60_000)}/`] }],
    [
      '9,000 tokens',
      {
        compound: [
          times(4_500, () => [
            { fstatement: { name: 'a', operator: '==', value: 'b' } },
            { and: 'and' },
          ]).flat(),
        ],
      },
    ],
    ['1,000 compound filters', { compound: times(1_000, () => [{ expr: 'with("a")' }]) }],
    ['parentheses, 60,000 deep', { compound: [[{ expr: '('.repeat(60_000) }]] }],
    ['not, 20,000 times', { compound: [[{ expr: `${'not '.repeat(15_000)}with("a")` }]] }],
    ['! 60,000 times', { compound: [[{ expr: `${'!'.repeat(60_000)}with("a")` }]] }],
    ['and, 5,000 times', { compound: [[{ expr: times(5_000, () => 'with("a")').join(' and ') }]] }],
    ['indices, 20,000 deep', { compound: [[{ expr: `facts${'["a"]'.repeat(12_000)} == "b"` }]] }],
    ['a deep filter', { compound: JSON.parse(deep(3_000)) }],
  ])('%s', async (what, filter) => {
    await attack(
      `filter: ${what}`,
      times(5, () => from({ request: envelope({ filter }) })),
    );
  });

  it('bodies', async () => {
    const bodies = [
      `{"agent":"rpcutil","action":"ping","data":${deep(100_000)}}`,
      `{"agent":"rpcutil","action":"ping","data":{"x":${'9'.repeat(300_000)}}}`,
      `{"agent":"rpcutil","action":"ping","data":[${times(100, () => '9'.repeat(3_000)).join()}]}`,
      `{"agent":"rpcutil","action":"ping","data":{"x":1e99999}}`,
      `{"agent":"rpcutil","action":"${'p'.repeat(300_000)}","data":{}}`,
      `{"agent":"rpcutil","action":"ping","data":{${times(30_000, (i) => `"k${i}":{}`).join()}}}`,
      `{"agent":"rpcutil","action":"ping","data":{"x":[${'0,'.repeat(150_000)}0]}}`,
    ];
    for (const body of bodies)
      await attack(
        `body ${body.slice(35, 60)}…`,
        times(5, () => from({}, { body, targets: ['n1.example.net'] })),
      );
  });
});

describe('whoever writes to the legacy broker', () => {
  const frame = (deviation: Deviation): Send => {
    const {
      destination,
      headers: own,
      replyTo: home,
      body,
    } = clientFrame({ collective: 'old', ...deviation });
    return () =>
      desk.send(destination, body, { ...own, ...(home === undefined ? {} : { 'reply-to': home }) });
  };
  const bytes =
    (body: Buffer, more: Readonly<Record<string, string>> = {}): Send =>
    () =>
      desk.send('/topic/old.rpcutil.agent', body, { 'reply-to': '/queue/old.reply.x', ...more });
  const long = 'x'.repeat(LONG);

  it.each(['requestid', 'senderid', 'callerid', 'collective', 'agent', 'filter', 'body', 'hash'])(
    '%s of any length',
    async (field) => {
      await attack(
        `legacy: ${field}`,
        times(10, () => frame({ outer: { [field]: long }, node: NEW })),
      );
    },
  );

  it('documents', async () => {
    const marshal = (open: number[], count: number) =>
      Buffer.concat([Buffer.from([4, 8]), Buffer.alloc(count * open.length, Buffer.from(open))]);
    const documents: readonly [string, Buffer][] = [
      ['deep arrays', marshal([0x5b, 0x06], 400_000)],
      ['deep ivars', marshal([0x49], 800_000)],
      ['user classes', marshal([0x43, 0x3a, 0x06, 0x61], 200_000)],
      [
        'an array of 900,000',
        Buffer.concat([Buffer.from([4, 8, 0x5b, 0x03, 0xa0, 0xbb, 0x0d]), Buffer.alloc(900_000, 0x30)]),
      ],
      ['a length of 1 GB', Buffer.from([4, 8, 0x22, 0x04, 0xff, 0xff, 0xff, 0x3f])],
      [
        'symbols, 200,000',
        Buffer.concat([
          Buffer.from([4, 8, 0x5b, 0x03, 0x40, 0x0d, 0x03]),
          ...times(200_000, (i) => Buffer.from([0x3a, 0x08, i & 255, (i >> 8) & 255, i >> 16])),
        ]),
      ],
      [
        'floats of 900 KB',
        Buffer.concat([Buffer.from([4, 8, 0x66, 0x03, 0xa0, 0xbb, 0x0d]), Buffer.alloc(900_000, 0x39)]),
      ],
      [
        'an expression of 900 KB',
        Buffer.concat([Buffer.from([4, 8, 0x2f, 0x03, 0xa0, 0xbb, 0x0d]), Buffer.alloc(900_001, 0x28)]),
      ],
      ['YAML, deep', Buffer.from(`--- ${deep(400_000)}`)],
      [
        'YAML, aliases',
        Buffer.from(
          `---\na: &a [x]\n${times(25, (i) => `b${i}: &b${i} [${times(20, () => (i === 0 ? '*a' : `*b${i - 1}`)).join()}]\n`).join('')}`,
        ),
      ],
      ['base64 of 900 KB', Buffer.from('A'.repeat(900_000))],
    ];
    for (const [what, body] of documents)
      await attack(
        `legacy: ${what}`,
        times(10, () => bytes(body)),
      );
  });

  it('headers', async () => {
    const odd: readonly Readonly<Record<string, string>>[] = [
      { 'reply-to': `/queue/old.reply.${'x'.repeat(8_000)}` },
      { 'reply-to': '/queue/>' },
      { 'reply-to': '/temp-queue/a' },
      { expires: '9'.repeat(18) },
      { timestamp: '-1' },
      { mc_identity: 'x'.repeat(8_000) },
      { mc_sender: '\\n\\c\\x' },
      { mc_identity: '' },
      Object.fromEntries(times(500, (i) => [`h${i}`, 'x'])),
      { __proto__x: 'y', constructor: 'z', 'content-type': 'x' },
    ];
    for (const [index, more] of odd.entries())
      await attack(
        `legacy headers (${index})`,
        times(5, () => frame({ headers: more, node: NEW })),
      );
  });
});

describe('hostile nodes', () => {
  it('of an opaque collective: ids, homes and senders of 900 KB', async () => {
    const content = { protocol: 'choria:transport:1', data: JSON.stringify('QUJD'), headers: {} };
    const home = 'opaque.reply.74ce5a833e16d4afa24ecbc90fff8506.1';
    const long = 'x'.repeat(LONG);
    const reply =
      (sender: string, federation: { request: string; home: string }): Send =>
      () =>
        mallory.publish(
          `choria.federation.${CLUSTER}.collective`,
          encodeTransport({ content, sender, federation }),
        );
    await attack(
      'opaque replies: ids',
      times(200, (i) => reply('n', { request: `${i}${long}`, home })),
    );
    await attack(
      'opaque replies: senders',
      times(50, (i) => reply(`${i}${long}`, { request: 'a', home })),
    );
    await attack(
      'opaque replies: homes',
      times(50, (i) => reply('n', { request: 'a', home: `${home}${i}${long}` })),
    );
    await attack(
      'opaque replies: short, 5,000',
      times(5_000, (i) => reply(`n${i}`, { request: `r${i}`, home })),
    );
  });

  it('of a legacy collective, signed and not', async () => {
    await call();
    const frame = asked;
    if (frame === undefined) throw new Error('nobody was asked');
    const queue = frame.headers['reply-to'] ?? '';
    const to =
      (body: Buffer): Send =>
      () =>
        daemon.send(queue, body);
    const inside: readonly [string, Buffer][] = [
      ['deep', Buffer.concat([Buffer.from([4, 8]), Buffer.alloc(800_000, Buffer.from([0x5b, 0x06]))])],
      ['190,000 values', encodeMarshal(times(190_000, () => 0))],
      [
        '900,000 values',
        Buffer.concat([Buffer.from([4, 8, 0x5b, 0x03, 0xa0, 0xbb, 0x0d]), Buffer.alloc(900_000, 0x30)]),
      ],
      [
        '3,900 integers',
        Buffer.concat([
          Buffer.from([4, 8, 0x5b, 0x02, 0x84, 0x03]),
          ...times(900, () =>
            Buffer.concat([Buffer.from([0x6c, 0x2b, 0x02, 0x00, 0x02]), Buffer.alloc(1024, 0xff)]),
          ),
        ]),
      ],
      ['a text of 900 KB', encodeMarshal('x'.repeat(900_000))],
      ['nothing', Buffer.alloc(0)],
    ];
    for (const [what, body] of inside) {
      const signed = await replyAround(frame, body);
      await attack(
        `legacy reply, signed: ${what}`,
        times(10, () => to(signed)),
      );
      await attack(
        `legacy reply, bare: ${what}`,
        times(10, () => to(body)),
      );
    }
    await attack(
      'legacy replies with sender names of 900 KB',
      await Promise.all(times(10, async () => to(await replyTo(frame, { node: 'x'.repeat(LONG) })))),
    );
  });

  it('of a Choria network', async () => {
    const {
      destination,
      headers: own,
      replyTo: home = '',
      body,
    } = clientFrame({ collective: 'old', node: NEW });
    await desk.send(destination, body, { ...own, 'reply-to': home });
    await expect.poll(() => askedNew, { timeout: 30_000 }).toBeDefined();
    const request = askedNew;
    if (request === undefined) throw new Error('nobody was asked');
    const reply = (message: string, changes: Json = {}): Send => {
      const text = `{"protocol":"choria:reply:1","message":${JSON.stringify(message)},"envelope":${JSON.stringify({ senderid: NEW, requestid: request.requestId, agent: 'rpcutil', time: Math.floor(Date.now() / 1000), ...changes })}}`;
      const hash = createHash('sha256').update(text).digest('base64');
      const secure = JSON.stringify({ protocol: 'choria:secure:reply:1', message: text, hash });
      const transport = JSON.stringify({
        protocol: 'choria:transport:1',
        data: Buffer.from(secure).toString('base64'),
        headers: { mc_sender: NEW },
      });
      return () => mallory.publish(request.replyTo, transport);
    };
    const ok = (data: string) => `{"statuscode":0,"statusmsg":"OK","data":${data}}`;
    for (const [what, text] of [
      ['deep', ok(deep(150_000))],
      ['long numbers', ok(`{"x":${'9'.repeat(300_000)}}`)],
      ['100,000 values', ok(`{"x":[${'0,'.repeat(100_000)}0]}`)],
      ['40,000 keys', ok(`{${times(30_000, (i) => `"k${i}":0`).join()}}`)],
      ['a long status', `{"statuscode":0,"statusmsg":"${'x'.repeat(300_000)}","data":{}}`],
    ] as const)
      await attack(
        `Choria reply: ${what}`,
        times(5, () => reply(text)),
      );
    for (const field of ['senderid', 'requestid', 'agent', 'time'])
      await attack(
        `Choria reply: ${field}`,
        times(5, () => reply(ok('{}'), { [field]: 'x'.repeat(300_000) })),
      );
  });
});

it('is no larger at the end, and has no alarm', async () => {
  for (let turn = 0; turn < 3; turn++) await call();
  expect(memory()).toBeLessThan(400);
  expect(alarms()).toBe(0);
  expect(bridge.child.log().length).toBeLessThan(4 * MEGABYTE);
});
