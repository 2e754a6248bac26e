import { Bridge } from '../bridge/bridge.ts';
import { LogObserver } from '../bridge/log-observer.ts';
import { Stats } from '../bridge/stats.ts';
import { fileProblem } from '../config/files.ts';
import { DISK } from '../config/key-files.ts';
import { Inventory } from '../nodes/inventory.ts';
import { Wires } from '../page/wires.ts';
import { SigningPool } from '../pki/signing-pool.ts';
import { PolicyMemory } from '../policy/memory.ts';
import { keyChanges } from '../setup/changes.ts';
import { readClusterKeys } from '../setup/cluster-key.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { LinkPlace } from '../transport/spec.ts';
import { BROKERS } from '../transport/transports.ts';
import { createAppAudit } from './audit/audit.ts';
import { createAppClaims } from './claims.ts';
import { tellingCounters } from './counters.ts';
import { checkFits, Rotation } from './files/rotation.ts';
import { createGeneration, type Lasting } from './generation.ts';
import { Links, specsOf } from './links.ts';
import { listFiles, listStore } from './list-files.ts';
import { createMonitor } from './monitor.ts';
import { appNodes, bridgeNodes, countingOf } from './nodes.ts';
import { ordersOf } from './orders.ts';
import { createOutside } from './outside.ts';
import { createAppPage } from './page.ts';
import { type Changes, Reloads } from './reloads.ts';
import { ReplyNetworks } from './reply-networks.ts';
import type { Services } from './services.ts';
import { checkWorkers, claimsSettings, conflictOf, lonePlaces, usesClaims } from './sharing.ts';
import { createStatusBook, statusOf } from './status.ts';
import { checkKeyStep, helloKeysOf, tokenKeysOf } from './token-keys.ts';
import { NOT_RUNNING, takingTurns } from './turns.ts';
import type { App } from './types.ts';
import { checkUnchanged } from './unchangeable.ts';
import { inWords, NOTHING } from './wiring.ts';

export type { App, AppNodes, AppStatus } from './types.ts';

/** Ms that ingresses wait for the claims' NATS; most of what they take needs no claims. */
const CLAIMS_TIMEOUT_MS = 5_000;
/** A client sends copies of one request in a row, and the network may pause for as long in between. In ms. */
const COPIES_DELAY_MS = 5;

/**
 * The app that a configuration describes, from its links to its recordings. Nothing is connected before `start`.
 * @throws ConfigError for a file that cannot be read or is not what it should be; `mcbridge check` says more
 */
export const createApp = (configured: LoadedConfig, services: Services): App => {
  const { log, clock = Date.now, random, recordings = [], keys = DISK, sideKeys, offline } = services;
  const named = (loaded: LoadedConfig): LoadedConfig => ({
    ...loaded,
    config: { ...loaded.config, instance: services.instance ?? loaded.config.instance },
  });
  let loaded = named(configured);
  const { config } = loaded;
  checkWorkers(loaded, services.workers ?? 1);
  const stats = new Stats();

  // Links, and the recorders of their messages.
  const wires = new Wires();
  const brokers = wires.wrap(services.transports ?? BROKERS);
  const transports = recordings.reduce((inner, recording) => recording.wrap(inner), brokers);
  const rotation = new Rotation({
    keys,
    loaded: () => loaded,
    links: () => links,
    apply: (held) => inTurn(async () => void (await apply(loaded, held))),
    log,
    clock,
    random,
    times: services.fileTimes,
  });
  const fresh = offline ? {} : { fresh: (place: LinkPlace) => rotation.fresh(place) };
  const links = new Links({ log, stats, clock, transports, ...fresh });
  const { read, commit } = rotation.begin(loaded);
  const specs = specsOf(config, offline ? NOTHING : read);
  const plan = links.plan(specs, config);
  links.take(plan, config);

  // Where nodes live, and how instances share copies.
  const inventory = new Inventory({ clock, log, ...countingOf(config) });
  let clusterKeys = readClusterKeys(loaded, read);
  let tokenKeys = tokenKeysOf(clusterKeys);
  const made = offline ? undefined : claimsSettings(loaded, read);
  const appClaims = createAppClaims({
    ...{ made, log, isUsed: () => usesClaims(loaded), fresh: () => rotation.freshClaims() },
  });
  const { claims, inUse: claimsInUse } = appClaims;
  const helloKeys = () => helloKeysOf(tokenKeys);
  const conflict = offline ? undefined : conflictOf({ config, keys: helloKeys, clock, log });
  conflict?.follow(lonePlaces(links.used, config));

  const audit = createAppAudit({
    ...{ log, clock, config, offline, networks: () => links.networks(), others: () => monitor.others() },
    ...services.audit,
  });

  // The two sides, and the routes between them.
  const lasting: Lasting = {
    ...{ log, stats, clock, random, keys, sideKeys, inventory, pool: new SigningPool() },
    networks: new ReplyNetworks(clock, config, specs),
    policyMemory: new PolicyMemory(claims?.tally),
    revocation: listStore(log, offline),
    collect: services.collect ?? COPIES_DELAY_MS,
  };
  let now = createGeneration(loaded, plan, { ...lasting, ...tokenKeys, read });
  commit();
  const book = createStatusBook(services);
  const knowing = { document: () => document(), nodes: () => now.nodes, monitor: () => monitor };
  const page = createAppPage({ audit, book, stats, links, wires, ...knowing }, services);
  const bridge = new Bridge({
    ...{ identity: config.identity, cluster: config.cluster, instance: config.instance },
    ...{ routes: now.routes, localOnly: now.localOnly },
    ...{ clock, stats },
    ...(services.flows !== undefined && { flows: services.flows }),
    drainTimeout: config.drainTimeout * 1000,
    observers: [
      new LogObserver({ log, clock }),
      ...[...book.observers, page.observer],
      ...(services.observers ?? []),
      ...recordings.map(({ observer }) => observer),
    ],
    inventory: bridgeNodes(inventory, () => now.nodes),
    others: () => monitor.others(),
    audit: () => page.hearing(audit.now()),
    ...(claims !== undefined && { claims }),
    onFailed: (name, error) =>
      log.error({ event: 'config_failed', link: name, err: error }, 'not as the new configuration has it'),
  });
  const nodes = appNodes(inventory, () => now.nodes.snapshot());

  // What tells how it is, and what it is told.
  const reloads = new Reloads({
    ...{ load: services.load, log, clock },
    apply: (next) => inTurn(() => apply(next)),
    compare: (next) => inTurn(() => compare(next)),
  });
  const document = book.of({
    ...{ bridge, links, reloads, claims: claimsInUse },
    ...{ monitor: () => monitor, loaded: () => loaded, nodes: () => now.nodes },
    certificates: () => rotation.certificates(),
  });
  const monitor = createMonitor(
    loaded,
    {
      ...{ bridge, links, claims: claimsInUse, conflict, reloads, rotation, audit },
      ...{ page: () => now.nodes.page(), lists: () => listFiles(now, lasting), document },
      interval: () => loaded.config.statistics.interval,
    },
    services,
  );
  const outside = createOutside({ monitor, page }, ordersOf({ reloads, document }), services);
  const counters = tellingCounters(stats, log);

  const discovered = async (): Promise<void> => {
    if (!offline) await now.nodes.scheduler.answered();
  };
  const start = async (): Promise<void> => {
    log.info({ event: 'starting', routes: config.routes.map(inWords) }, 'starting');
    counters.start();
    if (!offline) now.nodes.scheduler.start();
    claimsInUse()?.open();
    void bridge.taking.then(() => conflict?.start());
    await bridge.start(async () => {
      // A broadcast that comes before broadcasts can be claimed is not handled.
      await Promise.all([discovered(), claimsInUse()?.opened(CLAIMS_TIMEOUT_MS)]);
    });
    if (stopped !== undefined) return;
    monitor.running();
    for (const recording of recordings) recording.begin(nodes);
    if (!offline) rotation.start();
    log.info({ event: 'ready', links: bridge.status() }, 'ready');
  };

  /** All that may refuse another configuration. Until it is taken over nothing has changed. */
  const prepare = async (configured: LoadedConfig, held?: ReadonlySet<string>) => {
    const next = named(configured);
    const reading = rotation.begin(next, held);
    const { read } = reading;
    checkWorkers(next, services.workers ?? 1);
    const nextClaims = offline ? undefined : claimsSettings(next, read);
    checkUnchanged(loaded, next, made, nextClaims);
    const nextKeys = readClusterKeys(next, read);
    checkKeyStep(clusterKeys, nextKeys, next);
    const unfit = appClaims.fault(nextClaims, clock());
    if (unfit !== undefined) throw fileProblem(next, ['claims'], unfit);
    const specs = specsOf(next.config, offline ? NOTHING : read);
    checkFits(links.changed(specs), next, clock());
    const plan = links.plan(specs, next.config);
    const generation = createGeneration(next, plan, { ...lasting, ...tokenKeysOf(nextKeys), read }, now);
    try {
      const changes: Changes = { keys: keyChanges(loaded.written, next.written), links: links.compare(plan) };
      const exchange = await outside.prepare(next, read, () => audit.prepare(next, read));
      return { ...{ next, reading, specs, plan, generation, changes, exchange }, nextClaims, nextKeys };
    } catch (error) {
      await generation.discard();
      throw error;
    }
  };

  const compare = async (configured: LoadedConfig): Promise<Changes> => {
    const { generation, changes, exchange } = await prepare(configured);
    await exchange.abandon();
    await generation.discard();
    return changes;
  };

  /** @param held whose files stay as they are; undefined where the configuration was read anew too */
  const apply = async (configured: LoadedConfig, held?: ReadonlySet<string>): Promise<Changes> => {
    const prepared = await prepare(configured, held);
    const { next, reading, specs, plan, generation, changes, exchange } = prepared;
    if (stopped !== undefined) {
      await exchange.abandon();
      await generation.discard();
      throw NOT_RUNNING;
    }
    // From here on the configuration is accepted.
    now.nodes.scheduler.handOver();
    loaded = next;
    reading.commit();
    now = generation;
    clusterKeys = prepared.nextKeys;
    tokenKeys = tokenKeysOf(clusterKeys);
    inventory.follow(countingOf(next.config));
    lasting.networks.follow(next.config, specs);
    if (!offline) now.nodes.scheduler.start();
    const changed = bridge.change(now.routes, now.localOnly, discovered);
    links.take(plan, next.config);
    if (held === undefined) reloads.applied();
    appClaims.follow(prepared.nextClaims);
    await exchange.commit();
    await changed;
    if (stopped !== undefined) return changes;
    conflict?.follow(lonePlaces(links.used, next.config));
    monitor.publish();
    if (held === undefined)
      log.info(
        { event: 'config_applied', routes: next.config.routes.map(inWords) },
        'another configuration is in force',
      );
    return { ...changes, down: links.down() };
  };

  const stop = async (): Promise<void> => {
    monitor.draining();
    rotation.stop();
    // Do not wait for a broker that may have stalled.
    void conflict?.stop();
    now.nodes.scheduler.stop();
    await bridge.stop(loaded.config.drainTimeout * 1000);
    await claims?.close();
    monitor.stopPublishing();
    await audit.close();
    await links.close();
    for (const recording of recordings) await recording.close();
    await outside.close();
    counters.stop();
  };

  let served: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  const inTurn = takingTurns(async () => {
    // Before it has begun there is nothing to change.
    const isBegun = await served?.then(
      () => true,
      () => false,
    );
    return isBegun === true && stopped === undefined;
  });
  return {
    start: async () => {
      served = outside
        .prepare(loaded, read, () => audit.prepare(loaded, read))
        .then((exchange) => exchange.commit());
      try {
        await served;
      } catch (error) {
        for (const recording of recordings) await recording.abandon();
        throw error;
      }
      await start();
    },
    apply: async (next) => {
      await inTurn(() => apply(next));
    },
    reload: (cause) => reloads.reload(cause),
    reopen: () => audit.reopen(),
    stop: () => {
      stopped ??= (served ?? Promise.resolve()).then(stop, stop);
      return stopped;
    },
    status: () => statusOf({ bridge, reloads, monitor, loaded, rotation }),
    document,
    nodes,
    observe: (observer) => bridge.observe(observer),
  };
};
