import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { privilegedCredentials, readCredential } from '../src/adapters/choria/collective/credentials.ts';
import { createChoriaCollectiveEgress } from '../src/adapters/choria/collective-egress.ts';
import { DEFAULT_PRIVILEGED } from '../src/adapters/choria/wire/index.ts';
import { Handled } from '../src/adapters/kit/handled.ts';
import { createMcollectiveStompIngress } from '../src/adapters/mcollective/stomp-ingress.ts';
import { broadcastWildcard } from '../src/adapters/mcollective/wire/addressing.ts';
import {
  encodeRequestBody,
  encodeSignedRequest,
  type LegacyRequest,
} from '../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../src/adapters/mcollective/wire/serializer.ts';
import { Bridge } from '../src/bridge/bridge.ts';
import { DEFAULT_RUBY_LIMITS } from '../src/codec/ruby/value.ts';
import type { Policy } from '../src/envelope/decision.ts';
import { EMPTY_FILTER } from '../src/envelope/filter.ts';
import { SigningPool } from '../src/pki/signing-pool.ts';
import type { IncomingMessage } from '../src/transport/link.ts';
import { makeAuthority } from '../test/support/pki.ts';
import { onOneCore } from './one-core.ts';
import { type LooseLink, looseLink } from './replies.ts';
import { type BenchResult, interleave } from './table.ts';

const CLUSTER = 'bench';
const COLLECTIVE = 'mcollective';
/** Of each round; the ingress takes none twice. */
export const REQUESTS = 1_000;
const ROUNDS = 7;
/** Rounds that the engine has to compile what is slow. */
const WARM_UP = 6;
/** As many as may come in one read of the connection. */
const AT_ONCE = 20;

const serializer = createSerializer('marshal', { ...DEFAULT_RUBY_LIMITS, maxBytes: 1024 * 1024 });

interface Material {
  readonly frames: readonly IncomingMessage[];
  /** What alice has signed with SHA-1. */
  readonly signed: readonly { readonly body: Buffer; readonly signature: Buffer }[];
  readonly clientKey: KeyObject;
  readonly certificate: string;
  readonly privateKey: KeyObject;
}

/** Requests as `mco rpc rpcutil get_fact fact=osfamily -F country=uk` sends them, each with an id of its own. */
export const makeRequests = (count: number): Material => {
  const client = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const bridge = makeAuthority('bench CA').issue({ commonName: 'mcbridge.privileged.mcollective' });
  const time = Math.floor(Date.now() / 1000);
  const all = Array.from({ length: count }, (_, n) => {
    const request: LegacyRequest = {
      requestId: n.toString(16).padStart(32, '0'),
      senderId: 'client.example.net',
      callerId: 'cert=alice',
      collective: COLLECTIVE,
      agent: 'rpcutil',
      ttl: 3_600,
      time,
      filter: {
        ...EMPTY_FILTER,
        agent: ['rpcutil'],
        fact: [{ fact: 'country', operator: '==', value: 'uk' }],
      },
      payload: {
        kind: 'rpc',
        action: 'get_fact',
        data: new Map<string, string | boolean>([
          ['fact', `fact${n}`],
          ['process_results', true],
        ]),
      },
    };
    const body = encodeRequestBody(request, serializer);
    const signature = sign('sha1', body, client.privateKey);
    const frame: IncomingMessage = {
      destination: `/topic/${COLLECTIVE}.rpcutil.agent`,
      replyTo: `/queue/${COLLECTIVE}.reply.client.example.net_5069.${n}`,
      headers: { mc_sender: 'client.example.net' },
      body: encodeSignedRequest(request, body, signature, serializer),
    };
    return { frame, body, signature };
  });
  return {
    frames: all.map(({ frame }) => frame),
    signed: all,
    clientKey: createPublicKey(client.publicKey.export({ type: 'spki', format: 'pem' })),
    certificate: bridge.certificate,
    privateKey: createPrivateKey(bridge.privateKey),
  };
};

/** A link that hands over what comes to one destination. */
const sourceLink = (destination: string): LooseLink => {
  const link = looseLink();
  return {
    ...link,
    subscribe: async (wanted) =>
      wanted.destination === destination ? link.subscribe(wanted) : { unsubscribe: async () => undefined },
  };
};

/** A link to nowhere that one can wait on without spinning, which would count as the bridge's work. */
const waitingLink = (): LooseLink & { readonly more: () => Promise<void> } => {
  const link = looseLink();
  let wake: (() => void) | undefined;
  return {
    ...link,
    send: (message) => {
      link.send(message);
      wake?.();
    },
    more: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
};

/** Nobody waits for a request that is refused. */
const fail = (message: string): never => {
  console.error(message);
  process.exit(1);
};

export const startBridge = async ({ certificate, privateKey, clientKey }: Material, policy?: Policy) => {
  const [stomp, nats] = [sourceLink(broadcastWildcard(COLLECTIVE)), waitingLink()];
  const pool = new SigningPool();
  const from = createMcollectiveStompIngress({
    name: 'legacy',
    config: {
      serializer: 'marshal',
      base64: false,
      agentsMultiplex: false,
      priority: 0,
      callers: { keysDir: '', enforceTtl: true, maxAhead: 86_400, replyTo: [] },
      share: 'single',
      buffer: { messages: 10_000, bytes: 64 * 1024 ** 2 },
    },
    around: {
      identity: 'bench.example.net',
      cluster: 'bench',
      collectives: [COLLECTIVE],
      maxTargets: 1_000,
      maxMessageBytes: 1024 * 1024,
      maxTtl: 3_600,
    },
    services: {
      link: stomp,
      handled: new Handled(),
      pool,
      remoteNodes: {
        patterns: () => ['*'],
        names: () => new Set(),
        has: () => true,
        onChange: () => undefined,
      },
      clock: Date.now,
    },
    keys: { callers: { keyFor: () => clientKey }, server: privateKey },
    onError: (rejection) => fail(rejection.message),
    onNote: fail,
  });
  const to = createChoriaCollectiveEgress({
    name: 'choria',
    homes: new Map(),
    credentials: privilegedCredentials(
      readCredential(certificate, Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      { clock: Date.now },
    ),
    config: {
      subscriptions: 1,
      compound: 'expr',
      buffer: { messages: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER },
    },
    around: { identity: 'bench.example.net', cluster: CLUSTER, maxMessageBytes: 1024 * 1024 },
    services: { link: nats, tokenKey: createSecretKey(Buffer.alloc(32, 7)), pool, clock: Date.now },
  });
  const rule = {
    match: { kind: 'regex', pattern: /^cert=(\w+)$/ },
    to: 'choria=$1.mcollective',
    privileged: false,
  } as const;
  const bridge = new Bridge({
    identity: 'bench.example.net',
    cluster: CLUSTER,
    instance: '1',
    routes: [
      {
        from,
        to,
        collectives: new Set([COLLECTIVE]),
        identities: { rules: [rule], privileged: DEFAULT_PRIVILEGED },
        ...(policy !== undefined && { policy }),
      },
    ],
    // Not by the warnings of its log: that no node answers is as it should be here.
    observers: [{ refused: ({ sentence }) => fail(sentence) }],
    clock: Date.now,
    drainTimeout: 0,
  });
  await bridge.start();
  return { stomp, nats, bridge };
};

type Started = Awaited<ReturnType<typeof startBridge>>;

/**
 * How many a second one core does: by the CPU time of all threads of this process, for signatures are made in others
 * than the event loop's, and other programs shall not count.
 */
export const perCore = async (count: number, run: () => void | Promise<void>): Promise<number> => {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (count / (user + system)) * 1_000_000;
};

/** Sends as many requests as a round has, each time others. */
export const translating =
  (frames: readonly IncomingMessage[], { stomp, nats }: Pick<Started, 'stomp' | 'nats'>) =>
  async (): Promise<number> => {
    const begin = nats.sent();
    return perCore(REQUESTS, async () => {
      for (const [n, frame] of frames.slice(begin, begin + REQUESTS).entries()) {
        stomp.deliver(frame);
        while (begin + n - nats.sent() >= AT_ONCE) await nats.more();
      }
      while (nats.sent() - begin < REQUESTS) await nats.more();
    });
  };

/** (g) Legacy → Choria: verify, translate, sign, encode, against `crypto.verify` and `crypto.sign` alone. */
export const benchLegacyRequests = async (): Promise<BenchResult> => {
  const material = makeRequests((WARM_UP + ROUNDS) * REQUESTS);
  const { stomp, nats, bridge } = await startBridge(material);
  const { frames, signed, clientKey, privateKey } = material;
  // About as long as the requests of Choria that are signed; to a signature of this length it makes no difference.
  const text = Buffer.alloc(600, 'x');
  const bare = (): Promise<number> =>
    perCore(REQUESTS, () => {
      for (const { body, signature } of signed.slice(0, REQUESTS)) {
        if (!verify('sha1', body, clientKey, signature)) throw new Error('a signature does not verify');
        sign('sha256', text, privateKey);
      }
    });
  const translated = translating(frames, { stomp, nats });
  const rates = await onOneCore(async () => {
    for (let round = 0; round < WARM_UP; round++) {
      await bare();
      await translated();
    }
    return interleave(ROUNDS, { bare, translated });
  });
  const [yardstick = 0, through = 0] = [rates['bare'], rates['translated']];
  await bridge.stop();
  return {
    name: `(g) Requests legacy → Choria, ${frames[0]?.body.length ?? 0}-byte frame, 2048-bit keys, on one core, by CPU time, requests/s`,
    goal: '0.60 of bare crypto.verify + crypto.sign',
    rows: [
      { label: 'bare crypto.verify (SHA-1) + crypto.sign (SHA-256)', perSecond: yardstick },
      {
        label: 'bridge: decode, verify, translate, sign, encode',
        perSecond: through,
        ratio: through / yardstick,
      },
    ],
  };
};
