import {
  collectiveSubject,
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
  federationSubject,
} from '../../../../src/adapters/choria/wire/index.ts';
import { Bridge } from '../../../../src/bridge/bridge.ts';
import { LogObserver } from '../../../../src/bridge/log-observer.ts';
import type { Link } from '../../../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES } from '../../../../src/transport/memory/broker.ts';
import {
  md5,
  newRequestId,
  requestLayer,
  rpcBody,
  secureLayer,
  toJson,
} from '../../../support/choria-messages.ts';
import type { Identity } from '../../../support/pki.ts';
import { makeBrokers } from '../../brokers.ts';
import {
  alice,
  authority,
  type IngressOverrides,
  type LogLine,
  makeIngress,
  recordingLog,
} from '../../world.ts';
import { makeCollectiveEgress } from './make-egress.ts';

export const CLUSTER = 'production';
/** Where the recorded networks were. */
export const FEDERATION_URL = 'nats://127.0.0.1:4223';
export const COLLECTIVE_URL = 'nats://127.0.0.1:4222';

export interface Seen {
  readonly subject: string;
  readonly payload: string;
}

/** A federation network, two member networks, and a bridge between them. */
export interface Federation {
  readonly bridge: Bridge;
  readonly log: readonly LogLine[];
  readonly clock: { now: number };
  /** What the bridge, or a client, has published on each network. */
  readonly federation: readonly Seen[];
  readonly collective: readonly Seen[];
  readonly other: readonly Seen[];
  /** As a client of the federation. */
  request(payload: string): void;
  /** As a node of the collective. */
  reply(payload: string): void;
  /** The reason codes of what was refused, in order. */
  refusals(): readonly unknown[];
}

export interface FederationOptions {
  readonly ingress?: IngressOverrides;
  /** PEM text; whom callers of verified requests are certified by. */
  readonly ca?: string;
  readonly instance?: string;
  readonly now?: number;
  /** Changes the bridge's link to the first member network. */
  readonly link?: (link: Link) => Link;
}

/** The collectives behind each member network; `strict` is one whose requests are verified. */
export const EXPORTED = ['mcollective', 'uk_collective'];
export const STRICT = 'strict';
export const OTHER = 'other';

export const makeFederation = async (options: FederationOptions = {}): Promise<Federation> => {
  const clock = { now: options.now ?? Date.now() };
  const federationNet = new MemoryBroker({ ...NATS_RULES, url: FEDERATION_URL });
  const collectiveNet = new MemoryBroker({ ...NATS_RULES, url: COLLECTIVE_URL });
  const otherNet = new MemoryBroker({ ...NATS_RULES, url: 'nats://other:4222' });
  const mode = { verify: false };
  const ingress = makeIngress(
    { ...makeBrokers(), nats: federationNet, clock },
    {
      cluster: CLUSTER,
      verifier: createCallerVerifier({
        ca: options.ca ?? authority.certificate,
        allow: DEFAULT_ALLOW,
        privileged: DEFAULT_PRIVILEGED,
      }),
      replyCollectives: new Set([...EXPORTED, STRICT, OTHER]),
      opaque: new Map([
        ...EXPORTED.map((name) => [name, mode] as const),
        [STRICT, { verify: true }],
        [OTHER, { verify: false }],
      ]),
      ...options.ingress,
    },
  );
  const egress = (name: string, link: Link) =>
    makeCollectiveEgress(link, {
      name,
      cluster: CLUSTER,
      homes: new Map([[CLUSTER, 'federation']]),
      clock: () => clock.now,
    });
  const { link: changed = (link: Link) => link } = options;
  const member = egress('member', changed(collectiveNet.link()));
  const other = egress('other', otherNet.link());
  const identities = { rules: [], privileged: [] };
  const carries = ['opaque'] as const;
  const log: LogLine[] = [];
  const bridge = new Bridge({
    identity: 'bridge.example.net',
    cluster: CLUSTER,
    instance: options.instance ?? '2',
    routes: [
      { from: ingress, to: member, collectives: new Set(EXPORTED), identities, carries },
      { from: ingress, to: member, collectives: new Set([STRICT]), identities, carries },
      { from: ingress, to: other, collectives: new Set([OTHER]), identities, carries },
    ],
    observers: [new LogObserver({ log: recordingLog(log), clock: () => clock.now })],
    clock: () => clock.now,
    drainTimeout: 0,
  });
  await bridge.start();

  const watch = async (net: MemoryBroker): Promise<Seen[]> => {
    const seen: Seen[] = [];
    await net.link().subscribe({
      destination: '>',
      onMessage: ({ destination, body }) =>
        void seen.push({ subject: destination, payload: body.toString() }),
    });
    return seen;
  };
  const [client, node] = [federationNet.link(), collectiveNet.link()];
  const send = (link: typeof client, destination: string, payload: string): void =>
    link.send({ destination, body: Buffer.from(payload), expires: Number.POSITIVE_INFINITY });
  return {
    bridge,
    log,
    clock,
    federation: await watch(federationNet),
    collective: await watch(collectiveNet),
    other: await watch(otherNet),
    request: (payload) => send(client, federationSubject(CLUSTER), payload),
    reply: (payload) => send(node, collectiveSubject(CLUSTER), payload),
    refusals: () =>
      log.filter(({ fields }) => fields['reason'] !== undefined).map(({ fields }) => fields['reason']),
  };
};

export interface ClientRequest {
  readonly collective?: string;
  readonly agent?: string;
  readonly targets?: readonly string[];
  /** Seconds. */
  readonly age?: number;
  readonly signer?: Identity;
  readonly callerid?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly data?: (data: string) => string;
}

/** A federated request, signed by alice unless somebody else is named. */
export const clientRequest = (given: ClientRequest = {}) => {
  const { collective = 'mcollective', agent = 'rpcutil', signer = alice } = given;
  const callerid = given.callerid ?? 'choria=alice.mcollective';
  const requestId = newRequestId();
  const text = toJson(
    requestLayer({
      dialect: 'ruby',
      requestId,
      sender: 'alice.mcollective',
      callerid,
      collective,
      agent,
      filter: {},
      ttl: 60,
      time: Math.floor(Date.now() / 1000) - (given.age ?? 0),
      body: rpcBody('ruby', agent, 'ping', callerid, {}),
    }),
    'ruby',
  );
  const secure = toJson(secureLayer('ruby', text, signer.privateKey, signer.certificate), 'ruby');
  const replyTo = `${collective}.reply.${md5(callerid)}.1`;
  const data = Buffer.from(secure).toString('base64');
  const transport = {
    protocol: 'choria:transport:1',
    data: given.data?.(data) ?? data,
    headers: {
      federation: { target: given.targets ?? [`${collective}.node.n1`], req: requestId },
      mc_sender: 'alice.mcollective',
      'reply-to': replyTo,
      ...given.headers,
    },
  };
  return { requestId, replyTo, payload: JSON.stringify(transport) };
};
