import {
  type ChoriaCollectiveIngressOptions,
  createChoriaCollectiveIngress,
} from '../../../../src/adapters/choria/collective-ingress.ts';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../../../src/adapters/choria/wire/index.ts';
import {
  isOpaque,
  type ReadableReplyAddress,
  type ReadableRequest,
} from '../../../../src/envelope/message.ts';
import type { Ignored, Ingress, RemoteNodes, RequestSink } from '../../../../src/envelope/port.ts';
import type { Rejection, RejectionContext } from '../../../../src/envelope/rejection.ts';
import type { Link } from '../../../../src/transport/link.ts';
import { type Brokers, CLUSTER, COLLECTIVE, makeBrokers } from '../../brokers.ts';
import { type ChoriaClient, createChoriaClient, type Deviation } from '../../choria-client.ts';
import { alice, authority, MAX_BYTES, MAX_TTL } from '../../world.ts';

/** Who is stood in for in the one collective, as a test says and changes. */
export interface TestResidents extends RemoteNodes {
  /** @param natives those that are not stood in for after all; as before where left out */
  change(names: readonly string[], natives?: readonly string[]): void;
}

/** @param covers what the patterns mean, in a test's own words */
export const makeResidents = (
  names: readonly string[] = [],
  patterns: readonly string[] = [],
  covers: (node: string) => boolean = () => false,
): TestResidents => {
  let known = new Set(names);
  let native = new Set<string>();
  const listeners: (() => void)[] = [];
  return {
    patterns: (collective) => (collective === COLLECTIVE ? patterns : []),
    names: (collective) => (collective === COLLECTIVE ? known : new Set()),
    has: (collective, node) =>
      collective === COLLECTIVE && !native.has(node) && (known.has(node) || covers(node)),
    onChange: (listener) => void listeners.push(listener),
    change: (now, natives = [...native]) => {
      [known, native] = [new Set(now), new Set(natives)];
      for (const listener of listeners) listener();
    },
  };
};

/** What an ingress has handed over. */
export interface Handed {
  readonly requests: ReadableRequest[];
  readonly rejections: { readonly rejection: Rejection; readonly home: ReadableReplyAddress | undefined }[];
  readonly ignored: { readonly why: Ignored; readonly context: RejectionContext }[];
  readonly sink: RequestSink;
}

/** @param onRequest is called for each as well */
export const makeHanded = (onRequest?: (request: ReadableRequest) => void): Handed => {
  const requests: ReadableRequest[] = [];
  const rejections: Handed['rejections'] = [];
  const ignored: Handed['ignored'] = [];
  const sink: RequestSink = {
    request: (request) => {
      if (isOpaque(request)) throw new Error('an opaque request');
      requests.push(request);
      onRequest?.(request);
    },
    rejected: (rejection, home) => void rejections.push({ rejection, home }),
    foresee: () => undefined,
    ignored: (why, context) => void ignored.push({ why, context }),
  };
  return { requests, rejections, ignored, sink };
};

type Options = ChoriaCollectiveIngressOptions;

/** What an ingress is made with, all on one level. */
export type IngressOverrides = Partial<
  Omit<Options, 'around' | 'services'> & Options['around'] & Options['services']
>;

export const makeCollectiveIngress = (
  link: Link,
  remoteNodes: RemoteNodes,
  overrides: IngressOverrides = {},
): Ingress => {
  const all = {
    name: 'collective',
    link,
    cluster: CLUSTER,
    collectives: [COLLECTIVE],
    verifier: createCallerVerifier({
      ca: authority.certificate,
      allow: DEFAULT_ALLOW,
      privileged: DEFAULT_PRIVILEGED,
    }),
    remoteNodes,
    maxMessageBytes: MAX_BYTES,
    maxTargets: 1_000,
    collect: 0,
    maxTtl: MAX_TTL,
    clock: Date.now,
    ...overrides,
  };
  return createChoriaCollectiveIngress({ ...all, around: all, services: all });
};

export const NODES = ['n1.example.net', 'n2.example.net'];

/** As a client without a federation sends it: to the nodes' own subjects, or to the agent's. */
export const unfederated = (deviation: Deviation): Deviation => {
  const { agent = 'rpcutil', nodes } = deviation;
  return {
    subjects: nodes?.map((node) => `${COLLECTIVE}.node.${node}`) ?? [
      `${COLLECTIVE}.broadcast.agent.${agent}`,
    ],
    ...deviation,
    headers: { federation: undefined, ...deviation.headers },
  };
};

export interface CollectiveWorld extends Handed {
  readonly brokers: Brokers;
  readonly ingress: Ingress;
  readonly client: ChoriaClient;
  /** Sends a request as a client without a federation does. @returns its id */
  send(deviation?: Deviation): string;
}

/** A started ingress, in the place of two nodes unless told, and a client, on a broker inside this process. */
export const makeCollectiveWorld = async (
  remoteNodes: RemoteNodes = makeResidents(NODES),
  overrides: IngressOverrides = {},
): Promise<CollectiveWorld> => {
  const brokers = makeBrokers();
  const handed = makeHanded();
  const ingress = makeCollectiveIngress(brokers.nats.link(), remoteNodes, {
    clock: () => brokers.clock.now,
    ...overrides,
  });
  await ingress.start(handed.sink);
  const client = await createChoriaClient(brokers, alice);
  return {
    ...handed,
    brokers,
    ingress,
    client,
    send: (deviation = {}) => client.send(unfederated(deviation)),
  };
};
