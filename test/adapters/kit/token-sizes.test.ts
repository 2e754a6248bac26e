import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRequestDecoder } from '../../../src/adapters/choria/requests/request-decoder.ts';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../../src/adapters/choria/wire/index.ts';
import { encodeToken, readToken, type TokenContext } from '../../../src/adapters/kit/token.ts';
import { decodeRequest } from '../../../src/adapters/mcollective/wire/request.ts';
import { withHop } from '../../../src/bridge/trail.ts';
import { isOpaque, type ReadableReplyAddress } from '../../../src/envelope/message.ts';
import type { RequestSink } from '../../../src/envelope/port.ts';
import { toAll } from '../../../src/testing/targets.ts';
import { type Captured, capture, captureKey } from '../choria/wire/support.ts';
import { capturedRequests, serializers } from '../mcollective/wire/captures.ts';

/** What a broadcast or a request to one node may take: RabbitMQ's queue names end at 255 bytes, the cluster's name included. */
const MOST = 180;

const CLUSTER = 'production';
const NODE = 'node1.example.net';
const FLOW = '0123456789abcdef0123456789abcdef';
const key = createSecretKey(randomBytes(32));
const RUBY_CA = captureKey('ca.pem');
const GO_CA = captureKey('../choria-go/ca.pem');
const PROTOCOLS = ['mcollective', 'choria'] as const;

const contextOf = (
  { collective }: ReadableReplyAddress,
  protocol: TokenContext['protocol'],
): TokenContext => ({
  key,
  cluster: CLUSTER,
  protocol,
  collective,
});

/** The longer of the tokens of a broadcast and of a request to one node, both of which bring the home back. */
const sizeOf = (home: ReadableReplyAddress): number => {
  const sizes = PROTOCOLS.flatMap((protocol) =>
    [undefined, [NODE]].map((nodes) => {
      const context = contextOf(home, protocol);
      const token = encodeToken(home, nodes, context);
      expect(readToken(token, context).home).toEqual(home);
      return token.length;
    }),
  );
  return Math.max(...sizes);
};

const server = (url: string) => ({ name: 'link', up: true, server: url });

/** As the bridge has a home when it writes the token: with a flow, and with its hop where there is a trail. */
const onItsWay = (home: ReadableReplyAddress): ReadableReplyAddress =>
  withHop(
    { ...home, flow: FLOW },
    { cluster: CLUSTER, instance: '1' },
    server('nats://nats.example.net:4222'),
    server('stomp+ssl://activemq.example.net:61614'),
  );

/** Whether a message is a client's own request, and no broker's. */
const isClients = ({ subject, payload }: Captured): boolean =>
  /\.(federation|broadcast|node)\b/.test(subject) && !payload.includes('"choria.federation.');

/** What the ingress makes of the captured requests of one kind of client. */
const choriaHomes = (file: string, ca: string): readonly ReadableReplyAddress[] => {
  const verifier = createCallerVerifier({ ca, allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED });
  const homes: ReadableReplyAddress[] = [];
  const sink: RequestSink = {
    request: (request) => {
      if (!isOpaque(request)) homes.push(onItsWay(request.home));
    },
    rejected: () => undefined,
    foresee: () => undefined,
    ignored: () => undefined,
  };
  for (const one of capture(file).filter(isClients)) {
    const federated = one.subject.endsWith('.federation');
    const decoder = createRequestDecoder({
      name: federated ? 'federation' : 'choria-collective',
      verifier,
      exit: { check: () => undefined },
      federated,
      around: { maxMessageBytes: 1_000_000, maxTtl: 3600 },
      services: { clock: () => one.at },
    });
    const transport = decoder.read(Buffer.from(one.payload), sink);
    if (transport !== undefined) decoder.open(transport, () => () => toAll(), sink);
  }
  return homes;
};

const legacyHomes = (name: 'marshal' | 'yaml'): readonly ReadableReplyAddress[] =>
  capturedRequests(name).map(({ headers, body, at }) => {
    const { requestId, agent, collective } = decodeRequest(body, serializers[name]);
    return onItsWay({
      ingress: 'legacy-stomp',
      replyTo: headers['reply-to'] ?? '',
      requestId,
      agent,
      collective,
      dialect: 'legacy',
      expires: Math.floor(at / 1000) * 1000 + 60_000,
    });
  });

/** The longest of each kind, as docs/security.md names them. */
describe('the token of a captured request', () => {
  it.each([
    ['Ruby’s Choria client, also traced', 20, 144, () => choriaHomes('choria-v1.ndjson', RUBY_CA)],
    ['the same over a federation', 7, 144, () => choriaHomes('choria-v1-federated.ndjson', RUBY_CA)],
    ['Go’s Choria client, traced', 26, 155, () => choriaHomes('choria-go-v1.ndjson', GO_CA)],
    ['mco with Marshal over ActiveMQ', 25, 120, () => legacyHomes('marshal')],
    ['mco with YAML over ActiveMQ', 5, 120, () => legacyHomes('yaml')],
  ])('of %s has at most 180 characters', (_, count, longest, homes) => {
    const sizes = homes().map(sizeOf);
    expect(sizes).toHaveLength(count);
    expect(Math.max(...sizes)).toBe(longest);
    expect(longest).toBeLessThanOrEqual(MOST);
  });
});

describe('the token of a request', () => {
  const base: ReadableReplyAddress = {
    ingress: 'federation',
    replyTo: `uk_collective.reply.74ce5a833e16d4afa24ecbc90fff8506.${'b'.repeat(32)}`,
    requestId: 'b'.repeat(32),
    agent: 'package',
    collective: 'uk_collective',
    dialect: 'go',
    expires: 1_800_000_000_000,
    action: 'checkupdates',
  };
  const legacy: ReadableReplyAddress = { ...base, dialect: 'legacy', ingress: 'legacy-stomp' };

  it.each<[what: string, home: ReadableReplyAddress]>([
    ['of Go’s client', base],
    [
      'of Ruby’s',
      { ...base, dialect: 'ruby', replyTo: 'uk_collective.reply.74ce5a833e16d4afa24ecbc90fff8506.25906.312' },
    ],
    ['that a federation calls otherwise', { ...base, federationRequestId: 'c'.repeat(32) }],
    ['with an id that is no hex', { ...base, requestId: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123' }],
    [
      'whose replies go to the main collective',
      { ...base, replyTo: `mcollective.reply.${'d'.repeat(32)}.1234.1` },
    ],
    [
      'of mco over ActiveMQ',
      { ...legacy, replyTo: '/queue/uk_collective.reply.client01.eu-west.example.net_22742.12' },
    ],
    // As its plugins write them, see `legacy-rabbitmq-*` of the captures.
    ['of mco over RabbitMQ', { ...legacy, replyTo: '/temp-queue/mcollective_reply_checkupdates' }],
    [
      'of mco over RabbitMQ, as a daemon sees it',
      { ...legacy, replyTo: '/reply-queue/amq.gen-WEWXkJq8Zk3oUqEQ0fV8Zg' },
    ],
    [
      'of mco with a reply exchange',
      { ...legacy, replyTo: '/exchange/mcollective_reply/client.example.net_22868_0' },
    ],
  ])('%s has at most 180 characters', (_, home) => {
    expect(sizeOf({ ...home, flow: FLOW })).toBeLessThanOrEqual(MOST);
  });

  it('with an id of 100 characters that is no hex is longer by all of it', () => {
    const odd = 'Request_'.repeat(12).padEnd(100, 'x');
    const replyTo = `uk_collective.reply.74ce5a833e16d4afa24ecbc90fff8506.${odd}`;
    expect(sizeOf({ ...base, flow: FLOW }) + 115).toBe(238);
    expect(sizeOf({ ...base, flow: FLOW, requestId: odd, replyTo })).toBe(238);
  });

  it('grows by about as many characters as a name does, and works with names of any length', () => {
    const name = (letter: string): string => letter.repeat(30);
    const long = {
      ...base,
      flow: FLOW,
      ingress: name('i'),
      agent: name('a'),
      action: name('x'),
      collective: name('k'),
      replyTo: `${name('k')}.reply.74ce5a833e16d4afa24ecbc90fff8506.${base.requestId}`,
    };
    expect(sizeOf(long)).toBeLessThanOrEqual(204);
    expect(sizeOf({ ...long, ingress: name('i') + name('j') }) - sizeOf(long)).toBeLessThanOrEqual(32);
  });
});

/** Names as people give them, of the longest length or of any below. */
const upTo = (most: number, letters: string): fc.Arbitrary<string> => {
  const lengths = (range: string): fc.Arbitrary<string> =>
    fc.stringMatching(new RegExp(`^[a-z][${letters}]${range}$`));
  return fc.oneof(lengths(`{${most - 1}}`), lengths(`{0,${most - 1}}`));
};
const name = (most: number): fc.Arbitrary<string> => upTo(most, 'a-z0-9_-');
/** `node1.eu.example.net` */
const hostName = (most: number): fc.Arbitrary<string> => upTo(most, 'a-z0-9.-');
const hexId = fc.stringMatching(/^[0-9a-f]{32}$/);
/** `<pid>.<number>` */
const processId = fc.tuple(fc.integer({ min: 1, max: 4_194_304 }), fc.nat(99_999));

const named = fc.record({
  ingress: name(16),
  agent: name(24),
  requestId: hexId,
  collective: name(16),
  flow: hexId,
  expires: fc.constant(1_800_000_000_000),
});

describe('no token has more than 180 characters', () => {
  const holds = (homes: fc.Arbitrary<ReadableReplyAddress>): void =>
    fc.assert(
      fc.property(homes, (home) => {
        expect(sizeOf(home)).toBeLessThanOrEqual(MOST);
      }),
      { numRuns: 500 },
    );

  it('for Go’s client, where ingress and collectives have 16 characters, agent and action 24', () => {
    holds(
      fc.tuple(named, name(24), name(16), hexId).map(([home, action, main, md5]) => ({
        ...home,
        dialect: 'go',
        action,
        replyTo: `${main}.reply.${md5}.${home.requestId}`,
      })),
    );
  });

  it('for Ruby’s client of Choria, likewise', () => {
    holds(
      fc.tuple(named, processId, name(16), hexId).map(([home, [pid, number], main, md5]) => ({
        ...home,
        dialect: 'ruby',
        replyTo: `${main}.reply.${md5}.${pid}.${number}`,
      })),
    );
  });

  it('for mco, likewise, where its host’s name has 40 characters', () => {
    holds(
      fc.tuple(named, processId, hostName(40)).map(([home, [pid, number], host]) => ({
        ...home,
        dialect: 'legacy',
        replyTo: `/queue/${home.collective}.reply.${host}_${pid}.${number}`,
      })),
    );
  });

  it('for a traced request, where names are of few letters and servers of one domain', () => {
    const short = fc.record({
      ingress: name(9),
      agent: name(9),
      action: name(9),
      dialect: fc.constant('go'),
      requestId: hexId,
      collective: name(16),
      flow: hexId,
      expires: fc.constant(1_800_000_000_000),
    });
    const names = fc.record({ client: name(12), nats: name(12), stomp: name(12), domain: name(15) });
    holds(
      fc.tuple(short, names).map(([home, { client, nats, stomp, domain }]) => {
        const md5 = createHash('md5').update(`choria=${client}.mcollective`).digest('hex');
        const server = `nats://${nats}.${domain}.net:4222`;
        return {
          ...home,
          replyTo: `${home.collective}.reply.${md5}.${home.requestId}`,
          hops: [
            [server, `${client}.mcollective`, server],
            [server, `${CLUSTER}:1`, `stomp+ssl://${stomp}.${domain}.net:61614`],
          ],
        };
      }),
    );
  });
});
