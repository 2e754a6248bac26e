import { type KeyObject, sign } from 'node:crypto';
import { Handled } from '../../../src/adapters/kit/handled.ts';
import type { Callers } from '../../../src/adapters/mcollective/ingress/callers.ts';
import type { McollectiveStompIngressOptions } from '../../../src/adapters/mcollective/ingress/options.ts';
import { createMcollectiveStompIngress } from '../../../src/adapters/mcollective/stomp-ingress.ts';
import { decodeReply, verifyReply } from '../../../src/adapters/mcollective/wire/reply.ts';
import {
  encodeRequestBody,
  encodeSignedRequest,
  type LegacyRequest,
} from '../../../src/adapters/mcollective/wire/request.ts';
import { createSerializer, type SerializerName } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { encodeBase64 } from '../../../src/codec/base64.ts';
import {
  DEFAULT_RUBY_LIMITS,
  RubyHash,
  RubySymbol,
  type RubyValue,
  symbol,
} from '../../../src/codec/ruby/value.ts';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import { isOpaque, type ReadableReplyAddress, type ReadableRequest } from '../../../src/envelope/message.ts';
import type { Copy, Ignored, Ingress, RemoteNodes, RequestSink } from '../../../src/envelope/port.ts';
import { Rejection, type RejectionContext } from '../../../src/envelope/rejection.ts';
import { SigningPool } from '../../../src/pki/signing-pool.ts';
import type { IncomingMessage, Link, OutgoingMessage, Subscription } from '../../../src/transport/link.ts';
import { aliceKeys, BRIDGE, MAX_BYTES, MAX_TTL, serverKeys } from '../world.ts';

export const COLLECTIVE = 'mcollective';

/** Who lives beyond, as a test says. */
export interface TestResidents extends RemoteNodes {
  /** Says anew who lives beyond, and tells those who listen. */
  become(names: readonly string[], natives?: readonly string[]): void;
}

const globTest = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );

/** @param patterns globs @param natives nodes that live on the requester's own side, whatever the patterns say */
export const makeResidents = (
  initial: readonly string[] = [],
  patterns: readonly string[] = [],
  native: readonly string[] = [],
): TestResidents => {
  let names = new Set(initial);
  let natives = new Set(native);
  const listeners: (() => void)[] = [];
  return {
    patterns: () => patterns,
    names: () => names,
    has: (_, identity) =>
      !natives.has(identity) &&
      (names.has(identity) || patterns.some((glob) => globTest(glob).test(identity))),
    onChange: (listener) => void listeners.push(listener),
    become: (now, nowNative = []) => {
      names = new Set(now);
      natives = new Set(nowNative);
      for (const listener of listeners) listener();
    },
  };
};

/** What an ingress handed over, in order. */
export interface Handed {
  readonly requests: ReadableRequest[];
  /** Of those that every instance has got, in the same order. */
  readonly copies: (Copy | undefined)[];
  readonly rejections: {
    readonly rejection: Rejection;
    readonly home: ReadableReplyAddress | undefined;
    readonly copy: Copy | undefined;
  }[];
  readonly ignored: { readonly why: Ignored; readonly context: RejectionContext }[];
  readonly sink: RequestSink;
}

/** @param onRequest answers, where somebody waits */
export const recordingSink = (onRequest: (request: ReadableRequest) => void = () => undefined): Handed => {
  const requests: ReadableRequest[] = [];
  const copies: Handed['copies'] = [];
  const rejections: Handed['rejections'] = [];
  const ignored: Handed['ignored'] = [];
  return {
    requests,
    copies,
    rejections,
    ignored,
    sink: {
      request: (request, copy) => {
        if (isOpaque(request)) throw new Error('a legacy request was opaque');
        requests.push(request);
        copies.push(copy);
        onRequest(request);
      },
      rejected: (rejection, home, copy) => void rejections.push({ rejection, home, copy }),
      foresee: () => undefined,
      ignored: (why, context) => void ignored.push({ why, context }),
    },
  };
};

const publicKeys: ReadonlyMap<string, KeyObject> = new Map([['cert=alice', aliceKeys.publicKey]]);

type Options = McollectiveStompIngressOptions;

/** What an ingress is made with, all on one level. */
interface Flat
  extends Omit<Options['config'], 'callers' | 'buffer'>,
    Omit<Options['config']['callers'], 'keysDir'>,
    Omit<Options['around'], never>,
    Omit<Options['services'], never>,
    Pick<Options, 'onError' | 'onNote'> {
  readonly callers: Callers;
  readonly serverKey: KeyObject;
  readonly maxUnsignedBytes: number;
}

export type IngressOverrides = Partial<Flat>;

export const makeStompIngress = (link: Link, overrides: IngressOverrides = {}): Ingress => {
  const all: Flat = {
    link,
    identity: BRIDGE,
    cluster: 'prod',
    collectives: [COLLECTIVE],
    serializer: 'marshal',
    base64: false,
    agentsMultiplex: false,
    priority: 0,
    callers: {
      keyFor: (caller) => {
        const key = publicKeys.get(caller);
        if (key === undefined) throw new Rejection('caller_not_allowed', `no key of ${caller}`);
        return key;
      },
    },
    handled: new Handled(),
    enforceTtl: true,
    maxAhead: 86_400,
    replyTo: [],
    serverKey: serverKeys.privateKey,
    pool: new SigningPool(1),
    maxUnsignedBytes: 16 * 1024 ** 2,
    remoteNodes: makeResidents(['n1.example.net', 'n2.example.net']),
    share: 'single',
    maxMessageBytes: MAX_BYTES,
    maxTargets: 1_000,
    maxTtl: MAX_TTL,
    clock: () => Date.now(),
    onError: (rejection) => {
      throw rejection;
    },
    onNote: (text) => {
      throw new Error(`noted: ${text}`);
    },
    ...overrides,
  };
  return createMcollectiveStompIngress({
    ...all,
    name: 'mco',
    config: {
      ...all,
      callers: { ...all, keysDir: 'clients' },
      buffer: { messages: 1, bytes: all.maxUnsignedBytes },
    },
    around: all,
    services: all,
    keys: { callers: all.callers, server: all.serverKey },
  });
};

/** How a client's frame differs from a good one. */
export interface Deviation extends Partial<Omit<LegacyRequest, 'callerId'>> {
  readonly callerId?: string;
  /** Directed to this node. */
  readonly node?: string;
  readonly key?: KeyObject;
  readonly serializer?: SerializerName;
  readonly base64?: boolean;
  /** Fields of the outer message in place of the signed ones; undefined leaves one out. */
  readonly outer?: Readonly<Record<string, RubyValue | undefined>>;
  /** Fields of the signed document; undefined leaves one out. */
  readonly inner?: Readonly<Record<string, RubyValue | undefined>>;
  /** Signs the payload alone, or with these beside its ttl and time. */
  readonly bare?: boolean;
  readonly signed?: readonly (readonly [string, RubyValue])[];
  readonly destination?: string;
  /** Null: none. */
  readonly replyTo?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

const serializerOf = (name: SerializerName = 'marshal') => createSerializer(name, DEFAULT_RUBY_LIMITS);

const changed = (document: RubyValue, changes: Deviation['outer'] = {}): RubyHash => {
  if (!(document instanceof RubyHash)) throw new Error('not a hash');
  return new RubyHash(
    document.entries.flatMap(([key, old]) => {
      if (!(key instanceof RubySymbol) || !(key.name in changes)) return [[key, old] as const];
      const value = changes[key.name];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
};

const withoutWrapping = (document: RubyHash, signed: Deviation['signed']): RubyValue => {
  if (signed === undefined) return document.symbol('ssl_msg') ?? null;
  const times = document.entries.filter(([key]) => key instanceof RubySymbol && key.name !== 'ssl_msg');
  return new RubyHash([...signed.map(([name, value]) => [symbol(name), value] as const), ...times]);
};

export const REPLY_QUEUE = '/queue/mcollective.reply.client.example.net_4711.1';

let serial = 0;
export const nextRequestId = (): string => (++serial).toString(16).padStart(32, '0');

/** A client's frame, as the connector sends it. */
export const clientFrame = (deviation: Deviation = {}): IncomingMessage => {
  const serializer = serializerOf(deviation.serializer);
  const { node, key, outer, inner, destination, replyTo, headers, base64 } = deviation;
  const { serializer: _, ...fields } = deviation;
  const agent = fields.agent ?? 'rpcutil';
  const request: LegacyRequest = {
    requestId: nextRequestId(),
    senderId: 'client.example.net',
    callerId: 'cert=alice',
    collective: COLLECTIVE,
    agent,
    ttl: 60,
    time: Math.floor(Date.now() / 1000),
    filter: EMPTY_FILTER,
    payload:
      agent === 'discovery'
        ? { kind: 'discovery' }
        : { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'country']]) },
    ...fields,
  };
  const document = changed(serializer.decode(encodeRequestBody(request, serializer)), inner);
  const body = serializer.encode(
    deviation.bare === true ? withoutWrapping(document, deviation.signed) : document,
  );
  const signature = sign('sha1', body, key ?? aliceKeys.privateKey);
  const message = serializer.encode(
    changed(serializer.decode(encodeSignedRequest(request, body, signature, serializer)), outer),
  );
  const { collective } = request;
  return {
    destination:
      destination ??
      (node === undefined ? `/topic/${collective}.${agent}.agent` : `/queue/${collective}.nodes`),
    headers: {
      mc_sender: 'client.example.net',
      timestamp: String(request.time * 1000),
      expires: String((request.time + request.ttl + 10) * 1000),
      ...(node === undefined ? {} : { mc_identity: node }),
      ...headers,
    },
    ...(replyTo === null ? {} : { replyTo: replyTo ?? REPLY_QUEUE.replace(COLLECTIVE, collective) }),
    body: base64 === true ? Buffer.from(encodeBase64(message, 'wrapped')) : message,
  };
};

/** What a client reads out of a daemon's reply, verified with the server's public key. */
export const readReply = (body: Buffer, name: SerializerName = 'marshal') => {
  const serializer = serializerOf(name);
  const signed = decodeReply(body, serializer);
  return { ...signed, payload: verifyReply(signed, [serverKeys.publicKey], serializer) };
};

/** A link that does at once what a test says, for what needs no broker. */
export interface FakeLink extends Link {
  readonly sent: OutgoingMessage[];
  readonly subscriptions: Subscription[];
  /** Hands a frame to the subscriptions of that destination, as a broker without selectors. */
  deliver(message: IncomingMessage): void;
}

const matches = (pattern: string, destination: string): boolean => {
  const [start = '', end] = pattern.split('*');
  return end === undefined
    ? pattern === destination
    : destination.startsWith(start) && destination.endsWith(end);
};

export const fakeLink = (): FakeLink => {
  const sent: OutgoingMessage[] = [];
  const subscriptions: Subscription[] = [];
  return {
    sent,
    subscriptions,
    open: async () => undefined,
    subscribe: async (subscription) => {
      subscriptions.push(subscription);
      return {
        unsubscribe: async () => void subscriptions.splice(subscriptions.indexOf(subscription), 1),
      };
    },
    send: (message) => void sent.push(message),
    sendAll: (messages) => void sent.push(...messages),
    close: async () => undefined,
    state: () => ({ up: true, buffered: 0 }),
    deliver: (message) => {
      const one = subscriptions.find(({ destination }) => matches(destination, message.destination));
      if (one === undefined) throw new Error(`nobody listens to ${message.destination}`);
      one.onMessage(message);
    },
  };
};
