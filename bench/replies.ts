import { createSecretKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { createChoriaFederationIngress } from '../src/adapters/choria/federation-ingress.ts';
import { encodeToken } from '../src/adapters/kit/token.ts';
import { createMcollectiveStompEgress } from '../src/adapters/mcollective/stomp-egress.ts';
import { replyDestination } from '../src/adapters/mcollective/wire/addressing.ts';
import { replyPayloadToRuby } from '../src/adapters/mcollective/wire/payload.ts';
import { binary } from '../src/adapters/mcollective/wire/text.ts';
import { Bridge } from '../src/bridge/bridge.ts';
import { LogObserver } from '../src/bridge/log-observer.ts';
import { encodeBase64 } from '../src/codec/base64.ts';
import { encodeMarshal, RubyHash, RubySymbol } from '../src/codec/ruby/index.ts';
import type { ReadableReplyAddress } from '../src/envelope/message.ts';
import { SigningPool } from '../src/pki/signing-pool.ts';
import type { IncomingMessage, Link, Subscription } from '../src/transport/link.ts';
import { type BenchResult, interleave } from './table.ts';

const CLUSTER = 'bench';
const COLLECTIVE = 'mcollective';
const NODES_PER_REQUEST = 200;
const REPLIES = 8_000;

/** A link to nowhere: hands over what it is told to, and counts what is sent. */
export interface LooseLink extends Link {
  readonly deliver: (message: IncomingMessage) => void;
  readonly sent: () => number;
}

export const looseLink = (): LooseLink => {
  let subscription: Subscription | undefined;
  let sent = 0;
  return {
    open: async () => undefined,
    subscribe: async (wanted) => {
      subscription = wanted;
      return { unsubscribe: async () => undefined };
    },
    send: () => void sent++,
    sendAll: (messages) => {
      sent += messages.length;
    },
    close: async () => undefined,
    state: () => ({ up: true, server: 'bench', buffered: 0 }),
    deliver: (message) => subscription?.onMessage(message),
    sent: () => sent,
  };
};

export const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const nodeName = (n: number): string => `node${n}.example.net`;

/** What a daemon signs: an RPC reply whose document is 300 bytes long. */
const replyBody = (n: number): Buffer => {
  const data = new Map([
    ['fact', 'osfamily'],
    ['value', `Debian ${n}`],
    ['output', 'x'.repeat(180)],
    ['exitcode', '0'],
  ]);
  return encodeMarshal(
    replyPayloadToRuby({ kind: 'rpc', statusCode: 0, statusMessage: 'OK', data }, 'package'),
  );
};

export interface Material {
  readonly replies: readonly IncomingMessage[];
  readonly signed: readonly { readonly body: Buffer; readonly signature: Buffer }[];
  readonly serverKey: KeyObject;
  readonly tokenKey: KeyObject;
}

/** Replies of 200 nodes to each of many requests. Signatures are the dear part, so nodes give the same answer each time. */
export const makeMaterial = (): Material => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const tokenKey = createSecretKey(Buffer.alloc(32, 7));
  const signed = Array.from({ length: NODES_PER_REQUEST }, (_, n) => {
    const body = replyBody(n);
    return { body, signature: sign('sha1', body, privateKey) };
  });
  const nodes = signed.map((_, n) => nodeName(n));
  const symbol = (name: string): RubySymbol => new RubySymbol(name);
  const now = Math.floor(Date.now() / 1000);
  const replies: IncomingMessage[] = [];
  for (let request = 0; replies.length < REPLIES; request++) {
    const requestId = request.toString(16).padStart(32, '0');
    const home: ReadableReplyAddress = {
      ingress: 'federation',
      replyTo: `${COLLECTIVE}.reply.74ce5a833e16d4afa24ecbc90fff8506.${requestId}`,
      requestId,
      agent: 'rpcutil',
      collective: COLLECTIVE,
      dialect: 'ruby',
      expires: (now + 3_600) * 1000,
    };
    const token = encodeToken(home, nodes, {
      key: tokenKey,
      cluster: CLUSTER,
      protocol: 'mcollective',
      collective: COLLECTIVE,
    });
    for (const [n, { body, signature }] of signed.entries()) {
      const message = new RubyHash([
        [symbol('senderid'), nodeName(n)],
        [symbol('requestid'), requestId],
        [symbol('senderagent'), 'rpcutil'],
        [symbol('msgtime'), now],
        [symbol('body'), binary(body)],
        [symbol('hash'), encodeBase64(signature, 'wrapped')],
      ]);
      replies.push({
        destination: replyDestination(COLLECTIVE, CLUSTER, token),
        headers: {},
        body: encodeMarshal(message),
      });
    }
  }
  return { replies, signed, serverKey: publicKey, tokenKey };
};

export const startBench = async ({
  serverKey,
  tokenKey,
}: Material): Promise<{ readonly stomp: LooseLink; readonly nats: LooseLink }> => {
  const [stomp, nats] = [looseLink(), looseLink()];
  const from = createChoriaFederationIngress({
    name: 'federation',
    config: { cluster: CLUSTER, subscriptions: 1 },
    around: { maxMessageBytes: 1024 * 1024, maxTargets: 1_000, maxTtl: 3_600 },
    services: { link: nats, clock: Date.now },
    verifier: { verify: () => ({ name: 'alice', privileged: false, certificate: 'alice' }) },
    replyCollectives: new Set([COLLECTIVE]),
    opaque: new Map(),
  });
  const to = createMcollectiveStompEgress({
    name: 'legacy',
    config: {
      serializer: 'marshal',
      base64: false,
      agentsMultiplex: false,
      priority: 0,
      directLimit: 200,
      discovery: {},
      buffer: { messages: 10_000, bytes: 16 * 1024 ** 2 },
    },
    around: {
      identity: 'bench',
      cluster: CLUSTER,
      collectives: [COLLECTIVE],
      maxMessageBytes: 1024 * 1024,
    },
    services: {
      link: stomp,
      tokenKey,
      nodes: { whereabouts: () => 'here' },
      pool: new SigningPool(),
      clock: Date.now,
    },
    signers: { signerFor: (caller) => ({ callerId: caller, key: serverKey }) },
    serverKeys: [serverKey],
  });
  const routes = [
    { from, to, collectives: new Set([COLLECTIVE]), identities: { rules: [], privileged: [] } },
  ];
  const bridge = new Bridge({
    identity: 'bench',
    cluster: CLUSTER,
    instance: '1',
    routes,
    observers: [new LogObserver({ log: silent, clock: Date.now })],
    clock: Date.now,
    drainTimeout: 0,
  });
  await bridge.start();
  return { stomp, nats };
};

const rate = (count: number, run: () => void): number => {
  const started = performance.now();
  run();
  return (count / (performance.now() - started)) * 1000;
};

/** (a) Legacy → Choria: parse, verify, translate, encode anew, against `crypto.verify` alone. */
export const benchReplies = async (): Promise<BenchResult> => {
  const material = makeMaterial();
  const { stomp, nats } = await startBench(material);
  const { replies, signed, serverKey } = material;
  const bare = (): number =>
    rate(REPLIES, () => {
      for (let i = 0; i < REPLIES; i++) {
        const one = signed[i % signed.length];
        if (one === undefined || !verify('sha1', one.body, serverKey, one.signature))
          throw new Error('a signature does not verify');
      }
    });
  const translated = (): number => {
    const before = nats.sent();
    const perSecond = rate(replies.length, () => {
      for (const reply of replies) stomp.deliver(reply);
    });
    if (nats.sent() - before !== replies.length) throw new Error('replies were refused');
    return perSecond;
  };
  bare();
  translated();
  const rates = await interleave(7, { bare, translated });
  const [yardstick = 0, bridge = 0] = [rates['bare'], rates['translated']];
  const bytes = signed[0]?.body.length ?? 0;
  return {
    name: `(a) Replies legacy → Choria, ${bytes}-byte body, 2048-bit key, one core, replies/s`,
    goal: '0.50 of bare crypto.verify',
    rows: [
      { label: 'bare crypto.verify with a KeyObject', perSecond: yardstick },
      { label: 'bridge: parse, verify, translate, encode', perSecond: bridge, ratio: bridge / yardstick },
    ],
  };
};

const residentMiB = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024 / 1024;
};

/** (c) Resident memory after 10,000 and after 100,000 replies. */
export const benchMemory = async (): Promise<BenchResult> => {
  const material = makeMaterial();
  const { stomp } = await startBench(material);
  const deliver = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const reply = material.replies[i % material.replies.length];
      if (reply !== undefined) stomp.deliver(reply);
      if (i % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await deliver(10_000);
  const early = residentMiB();
  await deliver(90_000);
  const late = residentMiB();
  return {
    name: '(c) Resident memory, MiB',
    goal: 'within 0.20 of 1',
    rows: [
      { label: 'after 10,000 replies', perSecond: early },
      { label: 'after 100,000 replies', perSecond: late, ratio: late / early },
    ],
  };
};
