import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import {
  type ChoriaFederationIngressOptions,
  createChoriaFederationIngress,
} from '../../src/adapters/choria/federation-ingress.ts';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../src/adapters/choria/wire/index.ts';
import type { McollectiveStompEgressOptions } from '../../src/adapters/mcollective/egress/options.ts';
import { createMcollectiveStompEgress } from '../../src/adapters/mcollective/stomp-egress.ts';
import { Bridge, type Route } from '../../src/bridge/bridge.ts';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import type { Log } from '../../src/envelope/log.ts';
import { SigningPool } from '../../src/pki/signing-pool.ts';
import { until } from '../../src/testing/until.ts';
import type { IncomingMessage, Link } from '../../src/transport/link.ts';
import type { MemoryBroker } from '../../src/transport/memory/broker.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { type Brokers, CLUSTER, COLLECTIVE, makeBrokers } from './brokers.ts';
import { type ChoriaClient, createChoriaClient } from './choria-client.ts';

export { until };

export const BRIDGE = 'bridge.example.net';
export const MAX_TTL = 3_600;
export const MAX_BYTES = 1024 * 1024;

export const authority = makeAuthority('world CA');
export const alice = authority.issue({ commonName: 'alice.mcollective', usages: ['client'] });

const keys = (name: string): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } => {
  const pair = keyPair(name);
  return { privateKey: createPrivateKey(pair.privateKey), publicKey: createPublicKey(pair.publicKey) };
};

/** The key that all daemons sign with, and the one of `cert=alice`. */
export const serverKeys = keys('legacy server');
export const aliceKeys = keys('legacy alice');
export const tokenKey = createSecretKey(randomBytes(32));

/** One line that was logged. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export const recordingLog = (lines: LogLine[]): Log => {
  const at =
    (level: LogLine['level']) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void =>
      void lines.push({ level, fields, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

type IngressOptions = ChoriaFederationIngressOptions;

/** What an ingress is made with, all on one level. */
export type IngressOverrides = Partial<
  Omit<IngressOptions, 'config' | 'around' | 'services'> &
    IngressOptions['config'] &
    IngressOptions['around'] &
    IngressOptions['services']
>;

type EgressOptions = McollectiveStompEgressOptions;

/** What an egress is made with, all on one level. */
export type EgressOverrides = Partial<
  Omit<EgressOptions, 'config' | 'around' | 'services'> &
    Omit<EgressOptions['config'], 'buffer'> &
    EgressOptions['around'] &
    EgressOptions['services'] & { readonly maxUnsignedBytes: number }
>;

export interface WorldOptions {
  readonly ingress?: IngressOverrides;
  readonly egress?: EgressOverrides;
  readonly route?: Partial<Route>;
  readonly instance?: string;
  readonly drainTimeout?: number;
  /** Changes the bridge's link on a side. */
  readonly links?: { readonly ingress?: (link: Link) => Link; readonly egress?: (link: Link) => Link };
}

/** A bridge between two brokers, not yet started. */
export interface Instance {
  readonly bridge: Bridge;
  readonly log: LogLine[];
}

const ALICE_RULE = {
  match: { kind: 'regex', pattern: /choria=(.+)\.mcollective/ },
  to: 'cert=$1',
  privileged: false,
} as const;

export const makeIngress = (brokers: Brokers, overrides: IngressOverrides = {}) => {
  const all = {
    name: 'federation',
    link: brokers.nats.link(),
    cluster: CLUSTER,
    subscriptions: 1,
    verifier: createCallerVerifier({
      ca: authority.certificate,
      allow: DEFAULT_ALLOW,
      privileged: DEFAULT_PRIVILEGED,
    }),
    replyCollectives: new Set([COLLECTIVE]),
    opaque: new Map(),
    maxMessageBytes: MAX_BYTES,
    maxTargets: 1_000,
    maxTtl: MAX_TTL,
    clock: () => brokers.clock.now,
    ...overrides,
  };
  return createChoriaFederationIngress({ ...all, config: all, around: all, services: all });
};

export const makeEgress = (brokers: Brokers, overrides: EgressOverrides = {}) => {
  const all = {
    name: 'legacy',
    link: brokers.stomp.link(),
    identity: BRIDGE,
    cluster: CLUSTER,
    tokenKey,
    collectives: [COLLECTIVE],
    serializer: 'marshal',
    base64: false,
    agentsMultiplex: false,
    priority: 0,
    directLimit: 1_000,
    discovery: {},
    nodes: { whereabouts: () => 'here' as const },
    pool: new SigningPool(1),
    maxUnsignedBytes: 16 * 1024 ** 2,
    signers: { signerFor: (callerId: string) => ({ callerId, key: aliceKeys.privateKey }) },
    serverKeys: [serverKeys.publicKey],
    maxMessageBytes: MAX_BYTES,
    clock: () => brokers.clock.now,
    ...overrides,
  } as const;
  const config = { ...all, buffer: { messages: 1, bytes: all.maxUnsignedBytes } };
  return createMcollectiveStompEgress({ ...all, config, around: all, services: all });
};

const linkOf = (
  change: ((link: Link) => Link) | undefined,
  broker: MemoryBroker,
): { readonly link?: Link } => (change === undefined ? {} : { link: change(broker.link()) });

export const makeInstance = (brokers: Brokers, options: WorldOptions = {}): Instance => {
  const log: LogLine[] = [];
  const bridge = new Bridge({
    identity: BRIDGE,
    cluster: CLUSTER,
    instance: options.instance ?? '1',
    routes: [
      {
        from: makeIngress(brokers, { ...linkOf(options.links?.ingress, brokers.nats), ...options.ingress }),
        to: makeEgress(brokers, { ...linkOf(options.links?.egress, brokers.stomp), ...options.egress }),
        collectives: new Set([COLLECTIVE]),
        identities: { rules: [ALICE_RULE], privileged: [] },
        ...options.route,
      },
    ],
    observers: [new LogObserver({ log: recordingLog(log), clock: () => brokers.clock.now })],
    clock: () => brokers.clock.now,
    drainTimeout: options.drainTimeout ?? 0,
  });
  return { bridge, log };
};

export interface World extends Instance {
  readonly brokers: Brokers;
  readonly client: ChoriaClient;
  /** What went to the legacy collective. */
  readonly frames: readonly IncomingMessage[];
  /** Puts a frame onto the legacy side, as a daemon does. */
  toBridge(destination: string, body: Uint8Array): void;
  /** The lines that tell of a refusal. */
  refusals(): readonly LogLine[];
}

/** A started bridge with a client before it and an attentive but silent collective behind it. */
export const makeWorld = async (options: WorldOptions = {}): Promise<World> => {
  const brokers = makeBrokers();
  const { bridge, log } = makeInstance(brokers, options);
  const frames: IncomingMessage[] = [];
  const daemon = brokers.stomp.link();
  for (const destination of [`/topic/${COLLECTIVE}.>`, `/queue/${COLLECTIVE}.nodes`])
    await daemon.subscribe({ destination, onMessage: (message) => void frames.push(message) });
  await bridge.start();
  return {
    bridge,
    log,
    brokers,
    client: await createChoriaClient(brokers, alice),
    frames,
    toBridge: (destination, body) => daemon.send({ destination, body, expires: Number.POSITIVE_INFINITY }),
    refusals: () => log.filter(({ fields }) => fields['reason'] !== undefined),
  };
};

/** Lets everything that is on its way inside this process arrive. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};
