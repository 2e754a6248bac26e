import { createSecretKey } from 'node:crypto';
import { Bridge } from '../bridge/bridge.ts';
import { LogObserver } from '../bridge/log-observer.ts';
import { type Counts, Stats } from '../bridge/stats.ts';
import type { KnownNodes } from '../capture/record/transports.ts';
import { createClaims } from '../cluster/claims.ts';
import { fileReader, type ReadFile } from '../config/files.ts';
import { DISK } from '../config/key-files.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { LinkStatus } from '../envelope/port.ts';
import { Inventory, type Move } from '../nodes/inventory.ts';
import { SigningPool } from '../pki/signing-pool.ts';
import { readClusterKey } from '../setup/cluster-key.ts';
import type { LoadedConfig, RouteConfig } from '../setup/types.ts';
import type { Health } from '../telemetry/health.ts';
import { BROKERS } from '../transport/transports.ts';
import { createGeneration, type Lasting } from './generation.ts';
import { Links } from './links.ts';
import { createMonitor, serve } from './monitor.ts';
import { countingOf } from './nodes.ts';
import type { Services } from './services.ts';
import { checkWorkers, claimsSettings, conflictOf, lonePlaces } from './sharing.ts';
import { checkUnchanged, type MadeWith } from './unchangeable.ts';

/** A bridge with all that belongs to it: made, started, changed, stopped, and looked at. */
export interface App {
  /**
   * Links try for ever, so this may outlast the app's life: then it rejects.
   * @returns once the app takes requests on all sides
   * @throws ConfigError where metrics and health cannot be served
   */
  start(): Promise<void>;
  /**
   * Goes on by another configuration while it works, and loses nothing. Links whose settings stay the same stay connected;
   * what is in flight goes on by the rules that it came in by; what is counted and known stays.
   * @returns once it has taken over what can be reached
   * @throws ConfigError for what cannot be used, or not without a restart: then nothing has changed
   */
  apply(loaded: LoadedConfig): Promise<void>;
  /** Takes no new work, waits for what is in flight, at most the drain timeout, then ends all that it has begun. */
  stop(): Promise<void>;
  status(): AppStatus;
  /** Who lives where. */
  readonly nodes: AppNodes;
  /** @returns ends it */
  observe(observer: Partial<BridgeObserver>): () => void;
}

/** What an app knows of who lives where. */
export interface AppNodes extends KnownNodes {
  /** Takes over what another app has learned. */
  moved(move: Move): void;
}

export interface AppStatus {
  readonly health: Health;
  readonly links: readonly LinkStatus[];
  readonly inFlight: number;
  readonly counts: Counts;
}

/** Ms that ingresses wait for the claims' NATS, which need not be there for all that they take. */
const CLAIMS_TIMEOUT = 5_000;
/** Ms between log lines of the counters, while anything changes. */
const COUNTERS_INTERVAL = 60_000;
/** A client sends copies of one request in a row, and the network may pause for as long in between. In ms. */
const COLLECT = 5;

/**
 * The app that a configuration describes, from its links to its recordings. Nothing is connected before `start`.
 * @throws ConfigError for a file that cannot be read or is not what it should be; `mcbridge check` says more
 */
export const createApp = (configured: LoadedConfig, services: Services): App => {
  const {
    log,
    clock = Date.now,
    random,
    recordings = [],
    keys = DISK,
    sideKeys = () => keys,
    offline,
  } = services;
  const named = (loaded: LoadedConfig): LoadedConfig => ({
    ...loaded,
    config: { ...loaded.config, instance: services.instance ?? loaded.config.instance },
  });
  let loaded = named(configured);
  const { config } = loaded;
  checkWorkers(loaded, services.workers ?? 1);
  const stats = new Stats();

  // Links, with whatever records what goes through them.
  const brokers = services.transports ?? BROKERS;
  const transports = recordings.reduce((inner, recording) => recording.wrap(inner), brokers);
  const links = new Links({ log, stats, clock, transports });
  const read = fileReader(loaded, keys);
  const plan = links.plan(config, offline ? NOTHING : read);
  links.take(plan, config);

  // Who lives where, and who shares what every instance gets a copy of.
  const inventory = new Inventory({ clock, log, ...countingOf(config) });
  const key = readClusterKey(loaded, read);
  const tokenKey = createSecretKey(key);
  const made: MadeWith = { key, claims: offline ? undefined : claimsSettings(loaded, read) };
  const claims = made.claims && createClaims({ ...made.claims, log });
  const conflict = offline ? undefined : conflictOf({ config, tokenKey, clock, log });
  conflict?.follow(lonePlaces(links.used, config));

  // The two sides, and what leads from one to the other.
  const lasting: Lasting = {
    log,
    stats,
    clock,
    random,
    sideKeys,
    tokenKey,
    pool: new SigningPool(),
    inventory,
    collect: services.collect ?? COLLECT,
  };
  let now = createGeneration(loaded, plan, lasting);
  const bridge = new Bridge({
    identity: config.identity,
    cluster: config.cluster,
    instance: config.instance,
    routes: now.routes,
    localOnly: now.localOnly,
    clock,
    stats,
    ...(services.flows !== undefined && { flows: services.flows }),
    drainTimeout: config.drainTimeout * 1000,
    observers: [
      new LogObserver({ log, clock }),
      ...(services.observers ?? []),
      ...recordings.map(({ observer }) => observer),
    ],
    inventory: {
      seen: (egress, collective, node) => now.nodes.knowledge.seen(egress, collective, node),
      isNative: (ingress, collective, node) => now.nodes.knowledge.isNative(ingress, collective, node),
    },
    ...(claims !== undefined && { claims }),
    onFailed: (name, error) =>
      log.error({ event: 'config_failed', link: name, err: error }, 'not as the new configuration has it'),
  });
  const nodes: AppNodes = {
    snapshot: () => now.nodes.snapshot(),
    onMove: (watcher) => inventory.onMove(watcher),
    moved: ({ egress, collective, node, came }) => {
      if (came === undefined) inventory.left(egress, collective, node);
      else inventory.seen(egress, collective, node, came);
    },
  };

  // What tells how it is.
  const monitor = createMonitor(
    loaded,
    { bridge, links, claims, conflict, page: () => now.nodes.page() },
    services,
  );
  let told = '';
  const tellCounters = (): void => {
    const counts = stats.snapshot();
    const text = JSON.stringify(counts);
    if (text !== told) log.info({ event: 'counters', counts }, 'counters');
    told = text;
  };
  let timer: NodeJS.Timeout | undefined;

  const surveyed = async (): Promise<void> => {
    if (!offline) await now.nodes.survey.answered();
  };
  const start = async (): Promise<void> => {
    log.info({ event: 'starting', routes: config.routes.map(inWords) }, 'starting');
    timer = setInterval(tellCounters, COUNTERS_INTERVAL);
    if (!offline) now.nodes.survey.start();
    claims?.open();
    void bridge.taking.then(() => conflict?.start());
    await bridge.start(async () => {
      // What comes before broadcasts can be claimed nobody handles.
      await Promise.all([surveyed(), claims?.opened(CLAIMS_TIMEOUT)]);
    });
    if (stopped !== undefined) return;
    monitor.running();
    for (const recording of recordings) recording.begin(nodes);
    log.info({ event: 'ready', links: bridge.status() }, 'ready');
  };

  const apply = async (configured: LoadedConfig): Promise<void> => {
    const next = named(configured);
    const read = fileReader(next, keys);
    checkWorkers(next, services.workers ?? 1);
    const claims = offline ? undefined : claimsSettings(next, read);
    checkUnchanged(loaded, next, { made, read, claims });
    const plan = links.plan(next.config, offline ? NOTHING : read);
    const generation = createGeneration(next, plan, lasting, now);
    // From here on nothing is refused any more.
    now.nodes.survey.handOver();
    loaded = next;
    now = generation;
    inventory.follow(countingOf(next.config));
    if (!offline) now.nodes.survey.start();
    const changed = bridge.change(now.routes, now.localOnly, surveyed);
    links.take(plan, next.config);
    await changed;
    if (stopped !== undefined) return;
    conflict?.follow(lonePlaces(links.used, next.config));
    monitor.publish();
    log.info(
      { event: 'config_applied', routes: next.config.routes.map(inWords) },
      'another configuration is in force',
    );
  };

  const stop = async (): Promise<void> => {
    monitor.draining();
    // Nobody waits for a broker that may have stalled.
    void conflict?.stop();
    now.nodes.survey.stop();
    await bridge.stop(loaded.config.drainTimeout * 1000);
    await claims?.close();
    await links.close();
    for (const recording of recordings) await recording.close();
    await monitor.close();
    clearInterval(timer);
    tellCounters();
  };

  let served: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  let applied: Promise<void> = Promise.resolve();
  return {
    start: async () => {
      served = serve(monitor, loaded, services);
      try {
        await served;
      } catch (error) {
        for (const recording of recordings) await recording.abandon();
        throw error;
      }
      await start();
    },
    // One after the other.
    apply: (next) => {
      const mine = applied.then(async () => {
        // Before it has begun there is nothing to change.
        const isBegun = await served?.then(
          () => true,
          () => false,
        );
        if (isBegun !== true || stopped !== undefined) throw new Error('the app does not run');
        await apply(next);
      });
      applied = mine.catch(() => undefined);
      return mine;
    },
    stop: () => {
      stopped ??= (served ?? Promise.resolve()).then(stop, stop);
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

/** What is not connected needs no certificates and no login. */
const NOTHING: ReadFile = () => Buffer.alloc(0);

const inWords = ({ from, to, collectives }: RouteConfig): string =>
  `${from} → ${to}: ${collectives.join(', ')}`;
