import { createSecretKey } from 'node:crypto';
import type { Egress, Ingress, LinkStatus } from '../adapter/port.ts';
import { Bridge, type Route } from '../bridge/bridge.ts';
import { LogObserver } from '../bridge/log-observer.ts';
import type { BridgeObserver } from '../bridge/observer.ts';
import { type Counts, Stats } from '../bridge/stats.ts';
import { ALONE } from '../cluster/membership.ts';
import { fileParser, fileReader, readClusterKey } from '../config/files.ts';
import { DISK } from '../config/key-files.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import type { Health } from '../stats/health.ts';
import { BROKERS } from '../transport/transports.ts';
import { SigningPool } from '../wire/signing-pool.ts';
import type { Context } from './context.ts';
import { egressOf } from './egresses.ts';
import { ingressOf } from './ingresses.ts';
import { createLink, isUsed, linkSpecs } from './links.ts';
import { createMonitor, serve } from './monitor.ts';
import { createInventory, createNodes, type Nodes } from './nodes.ts';
import type { Services } from './services.ts';
import { membershipOf } from './sharing.ts';

/** A bridge with all that belongs to it: made, started, stopped, and looked at. */
export interface App {
  /**
   * Links try for ever, so this may outlast the app's life: then it rejects.
   * @returns once the app takes requests on all sides
   * @throws ConfigError where metrics and health cannot be served
   */
  start(): Promise<void>;
  /** Takes no new work, waits for what is in flight, at most the drain timeout, then ends all that it has begun. */
  stop(): Promise<void>;
  status(): AppStatus;
  /** Who lives where. */
  readonly nodes: Pick<Nodes, 'snapshot' | 'moved' | 'onMove'>;
  /** @returns ends it */
  observe(observer: Partial<BridgeObserver>): () => void;
}

export interface AppStatus {
  readonly health: Health;
  readonly links: readonly LinkStatus[];
  readonly inFlight: number;
  readonly counts: Counts;
}

/** Ms between log lines of the counters, while anything changes. */
const COUNTERS_INTERVAL = 60_000;
/** A client sends copies of one request in a row, and the network may pause for as long in between. In ms. */
const COLLECT = 5;

/**
 * The app that a configuration describes, from its links to its recordings. Nothing is connected before `start`.
 * @throws ConfigError for a file that cannot be read or is not what it should be; `mcbridge check` says more
 */
export const createApp = (loaded: LoadedConfig, services: Services): App => {
  const { log, clock = Date.now, recordings = [], keys = DISK } = services;
  const config = { ...loaded.config, instance: services.instance ?? loaded.config.instance };
  const read = fileReader(loaded, keys);
  const stats = new Stats();

  // Links, with whatever records what goes through them.
  const transports = recordings.reduce(
    (inner, recording) => recording.wrap(inner),
    services.transports ?? BROKERS,
  );
  const links = linkSpecs(config, read).map((spec) =>
    createLink(spec, config, { log, stats, clock, transports }),
  );
  const used = links.filter((link) => isUsed(link, config));

  // Who lives where, and who shares what every instance gets a copy of.
  const inventory = createInventory(config, { log, clock });
  const tokenKey = createSecretKey(readClusterKey(loaded, read));
  const membership = services.offline ? undefined : membershipOf(config, used, { tokenKey, clock, log });

  // The two sides.
  const context: Context = {
    config,
    parse: fileParser(loaded, read),
    keys,
    log,
    stats,
    clock,
    tokenKey,
    pool: new SigningPool(),
    inventory,
    collect: services.collect ?? COLLECT,
    link: (name, side) => {
      const place = side === 'ingress' ? 'federation' : 'collective';
      return known(
        links.find((link) => link.name === name && link.side === place),
        name,
      ).link;
    },
  };
  const egresses = new Map([...config.egresses].map(([name, it]) => [name, egressOf(it, context)]));
  const nodes = createNodes(config, egresses, { inventory, log, clock, random: services.random });
  const ownership = membership ?? ALONE;
  const ingresses = new Map(
    [...config.ingresses].map(([name, it]) => [
      name,
      ingressOf(it, { residents: nodes.residents(name), ownership }, context),
    ]),
  );

  // What lies between them.
  const bridge = new Bridge({
    identity: config.identity,
    cluster: config.cluster,
    instance: config.instance,
    routes: routesOf(config, ingresses, egresses),
    beside: nodes.beside.map((name) => known(egresses.get(name), name)),
    clock,
    stats,
    ...(services.flows !== undefined && { flows: services.flows }),
    drainTimeout: config.drainTimeout * 1000,
    observers: [
      new LogObserver({ log, clock }),
      ...(services.observers ?? []),
      ...recordings.map(({ observer }) => observer),
    ],
    inventory: nodes.knowledge,
  });

  // What tells how it is.
  const monitor = createMonitor({ ...loaded, config }, { bridge, links: used, membership, nodes }, services);
  let told = '';
  const tellCounters = (): void => {
    const counts = stats.snapshot();
    const text = JSON.stringify(counts);
    if (text !== told) log.info({ event: 'counters', counts }, 'counters');
    told = text;
  };
  let timer: NodeJS.Timeout | undefined;
  let served: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  const start = async (): Promise<void> => {
    served = serve(monitor, { ...loaded, config }, services);
    try {
      await served;
    } catch (error) {
      for (const recording of recordings) await recording.abandon();
      throw error;
    }
    log.info({ event: 'starting', routes: config.routes.map(inWords) }, 'starting');
    timer = setInterval(tellCounters, COUNTERS_INTERVAL);
    if (!services.offline) nodes.survey.start();
    await Promise.all([
      bridge.start(async () => (services.offline ? undefined : nodes.survey.answered())),
      // Not only once all sides are there: what one of them cannot get does not keep the others waiting.
      bridge.taking.then(() => monitor.join()),
    ]);
    monitor.running();
    for (const recording of recordings) recording.begin(nodes);
    log.info({ event: 'ready', links: bridge.status() }, 'ready');
  };

  const stop = async (): Promise<void> => {
    monitor.draining();
    await served?.catch(() => undefined);
    // While the others take over, what comes is still this instance's.
    await monitor.leave();
    nodes.survey.stop();
    await bridge.stop();
    for (const recording of recordings) await recording.close();
    await monitor.close();
    clearInterval(timer);
    tellCounters();
  };

  return {
    start,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    status: () => ({
      health: monitor.health(),
      links: bridge.status(),
      inFlight: bridge.inFlight,
      counts: stats.snapshot(),
    }),
    nodes,
    observe: (observer) => bridge.observe(observer),
  };
};

const routesOf = (
  config: Config,
  ingresses: ReadonlyMap<string, Ingress>,
  egresses: ReadonlyMap<string, Egress>,
): readonly Route[] =>
  config.routes.map(({ from, to, collectives, identities }): Route => {
    const privileged = config.egresses.get(to)?.privileged ?? [];
    return {
      from: known(ingresses.get(from), from),
      to: known(egresses.get(to), to),
      collectives: new Set(collectives),
      identities: { rules: identities, privileged },
    };
  });

const known = <T>(part: T | undefined, name: string): T => {
  if (part === undefined) throw new Error(`a route names ${name}, which is not configured`);
  return part;
};

const inWords = ({ from, to, collectives }: Config['routes'][number]): string =>
  `${from} → ${to}: ${collectives.join(', ')}`;
