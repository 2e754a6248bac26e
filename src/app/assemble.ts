import { createSecretKey } from 'node:crypto';
import type { Egress, Ingress, Ownership } from '../adapter/port.ts';
import { Bridge, type Route } from '../bridge/bridge.ts';
import type { Log } from '../bridge/log.ts';
import { LogObserver } from '../bridge/log-observer.ts';
import type { BridgeObserver } from '../bridge/observer.ts';
import { Stats } from '../bridge/stats.ts';
import { ALONE, createMembership, type Membership } from '../cluster/membership.ts';
import { fileParser, fileReader, readClusterKey } from '../config/files.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import type { MeteredLink } from '../stats/meter.ts';
import type { LinkState } from '../transport/link.ts';
import { SigningPool } from '../wire/signing-pool.ts';
import { egressOf } from './egresses.ts';
import { ingressOf } from './ingresses.ts';
import { BROKERS, isUsed, type Surroundings, type Transports } from './links.ts';
import { createInventory, createNodes, type Nodes } from './nodes.ts';
import { sharingPlace } from './sharing.ts';

export interface Assembled {
  readonly bridge: Bridge;
  /** The links of what routes use, counted. */
  readonly links: readonly MeteredLink[];
  /** Those on which statistics are published. */
  readonly networks: readonly MeteredLink[];
  /** Who lives where. */
  readonly nodes: Nodes;
  /** This instance's part in a cluster that gets copies; undefined where none does. */
  readonly membership: Membership | undefined;
}

export interface AssembleOptions {
  /** Ms since the epoch. */
  readonly clock?: () => number;
  readonly transports?: Transports;
  /** Told of what the bridge does, beside the log and the counters. */
  readonly observer?: Partial<BridgeObserver>;
  /** Whether it is known that no other instance gets copies of requests, as where there is no network. */
  readonly alone?: boolean;
  /** How long a request that comes as one message a node waits for further ones, in ms. */
  readonly collect?: number;
}

/** A client sends them in a row, and the network may pause for as long in between. */
const COLLECT = 5;

/**
 * The bridge that a configuration describes, not yet started. A new protocol is a case in `ingressOf` or
 * `egressOf`.
 * @throws ConfigError for a file that cannot be read or is not what it should be; `mcbridge check` says more
 */
export const assemble = (
  loaded: LoadedConfig,
  log: Log,
  {
    clock = Date.now,
    transports = BROKERS,
    observer,
    alone = false,
    collect = COLLECT,
  }: AssembleOptions = {},
): Assembled => {
  const { config } = loaded;
  const stats = new Stats();
  const read = fileReader(loaded);
  const inventory = createInventory(config, { log, clock });
  const around: Surroundings = {
    config,
    read,
    parse: fileParser(loaded, read),
    log,
    stats,
    clock,
    tokenKey: createSecretKey(readClusterKey(loaded, read)),
    pool: new SigningPool(),
    transports,
    links: [],
    inventory,
    collect,
  };
  const egresses = new Map([...config.egresses].map(([name, it]) => [name, egressOf(it, around)]));
  const nodes = createNodes(config, egresses, { inventory, log, clock });
  const share = lateOwnership();
  const ingresses = new Map(
    [...config.ingresses].map(([name, it]) => [
      name,
      ingressOf(it, { residents: nodes.residents(name), ownership: share.ownership }, around),
    ]),
  );
  const links = around.links.filter((link) => isUsed(link, config));
  const membership = alone ? undefined : membershipOf(config, links, around);
  share.set(membership ?? ALONE);
  const { identity, cluster, instance, drainTimeout } = config;
  const bridge = new Bridge({
    identity,
    cluster,
    instance,
    routes: routesOf(config, ingresses, egresses),
    beside: nodes.beside.map((name) => known(egresses, name)),
    clock,
    stats,
    drainTimeout: drainTimeout * 1000,
    observers: [new LogObserver({ log, clock }), ...(observer === undefined ? [] : [observer])],
    inventory: nodes.knowledge,
  });
  const networks = links.filter(
    (link) => link === membership?.link || (link.side === 'federation' && isNats(link, config)),
  );
  return { bridge, links, networks, nodes, membership };
};

const routesOf = (
  config: Config,
  ingresses: ReadonlyMap<string, Ingress>,
  egresses: ReadonlyMap<string, Egress>,
): readonly Route[] =>
  config.routes.map(({ from, to, collectives, identities }): Route => {
    const privileged = config.egresses.get(to)?.privileged ?? [];
    return {
      from: known(ingresses, from),
      to: known(egresses, to),
      collectives: new Set(collectives),
      identities: { rules: identities, privileged },
    };
  });

const known = <T>(adapters: ReadonlyMap<string, T>, name: string): T => {
  const adapter = adapters.get(name);
  if (adapter === undefined) throw new Error(`a route names ${name}, which is not configured`);
  return adapter;
};

/** Links are made with the adapters, and who shares what is told over one of them. */
const lateOwnership = (): { readonly ownership: Ownership; set(ownership: Ownership): void } => {
  let current: Ownership = { isMine: () => false, takesPart: () => false };
  return {
    ownership: {
      isMine: (requestId, time) => current.isMine(requestId, time),
      takesPart: () => current.takesPart(),
    },
    set: (ownership) => {
      current = ownership;
    },
  };
};

/**
 * Only requests on topics come as a copy to each instance; these are shared over a link to NATS that all instances have,
 * which for their way out is so.
 */
const membershipOf = (
  config: Config,
  links: readonly MeteredLink[],
  { tokenKey: key, clock, log }: Surroundings,
): Membership | undefined => {
  const { ingresses, routes, statistics, cluster, instance, maxTtl } = config;
  const copied = routes.filter(({ from }) => {
    const it = ingresses.get(from);
    return it?.type === 'mcollective-stomp' && it.broadcastQueue === undefined;
  });
  const place = sharingPlace(config);
  const link = links.find(
    ({ name, side }) =>
      name === place?.name && side === (place.side === 'ingress' ? 'federation' : 'collective'),
  );
  if (copied.length === 0 || statistics.interval === 0) return undefined;
  if (link === undefined) {
    // Between two legacy collectives there is no place to hear of each other.
    log.warn(
      { event: 'alone' },
      'without a connection to NATS only one instance may run: each would handle every broadcast',
    );
    return undefined;
  }
  const from = new Set(copied.map((route) => route.from));
  const sources = links.filter(({ name, side }) => side === 'federation' && from.has(name));
  return createMembership({
    link,
    cluster,
    instance,
    key,
    interval: statistics.interval * 1000,
    maxAge: maxTtl * 1000,
    hearsAll: () => sources.every(({ uncounted }) => hearsTopics(uncounted.state())),
    clock,
    log,
  });
};

/** A queue can wait for an instance, a topic does not. */
const hearsTopics = ({ up, unconfirmed = [] }: LinkState): boolean =>
  up && !unconfirmed.some((destination) => destination.startsWith('/topic/'));

const isNats = ({ name, side }: MeteredLink, { ingresses, egresses }: Config): boolean =>
  (side === 'federation' ? ingresses : egresses).get(name)?.type !== 'mcollective-stomp';
