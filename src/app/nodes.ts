import type { NodeKnowledge } from '../bridge/bridge.ts';
import type { Log } from '../envelope/log.ts';
import type { Egress, RemoteNodes } from '../envelope/port.ts';
import { knowledgeOf, peerEgressesOf, type RemoteNodesOptions, remoteNodesOf } from '../nodes/directory.ts';
import { DiscoveryScheduler } from '../nodes/discovery-scheduler.ts';
import type { InventoryDocument } from '../nodes/document.ts';
import type { Inventory, InventoryOptions } from '../nodes/inventory.ts';
import { localEgressesOf } from '../setup/ends.ts';
import { learningOf } from '../setup/learning.ts';
import type { Config } from '../setup/types.ts';
import type { Page } from '../telemetry/http.ts';
import { type InventoryPageOptions, inventoryNow, inventoryPage } from '../telemetry/inventory-page.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import type { AppNodes } from './types.ts';

/** Where nodes live, by one configuration: the parts that learn it, and those that ask. */
export interface Nodes {
  /** @returns whom an ingress stands in for; `close` ends its notices of changes */
  remoteNodes(ingress: string): RemoteNodes & { close(): void };
  readonly knowledge: NodeKnowledge;
  /** Egresses without a route, started only to know the local nodes of an ingress. */
  readonly localOnly: readonly string[];
  readonly scheduler: DiscoveryScheduler;
  readonly page: () => Page;
  /** What the page says, made now. */
  document(): InventoryDocument;
  /** How many nodes are there now, by egress and collective. */
  counts(): StatusDocument['nodes'];
  /** The nodes that are there now, by egress and collective. */
  snapshot(): Record<string, Record<string, string[]>>;
}

interface NodesOptions {
  /** The learned nodes; they outlive the configuration. */
  readonly inventory: Inventory;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly random: (() => number) | undefined;
  /** Of the configuration before this one. */
  readonly before: Pick<Nodes, 'scheduler' | 'snapshot'> | undefined;
}

/** How an inventory counts by a configuration. */
export const countingOf = (config: Config): Pick<InventoryOptions, 'peerEgresses' | 'expire'> => {
  const learning = learningOf(config);
  return {
    peerEgresses: peerEgressesOf(config.routes, localEgressesOf(config)),
    expire: (egress) => (learning.get(egress)?.expire ?? 0) * 1000,
  };
};

/** Globs of identities that are configured as living behind an egress, by its name. */
export const patternsOf = ({ egresses }: Pick<Config, 'egresses'>): ReadonlyMap<string, readonly string[]> =>
  new Map([...egresses].map(([name, { nodes }]) => [name, nodes]));

/** The remote nodes of one ingress, which are told of changes until they are closed. */
const closable = (
  options: Omit<RemoteNodesOptions, 'inventory'> & { readonly inventory: Inventory },
): ReturnType<Nodes['remoteNodes']> => {
  const ends: (() => void)[] = [];
  const { inventory } = options;
  const remoteNodes = remoteNodesOf({
    ...options,
    inventory: {
      learned: (egress, collective) => inventory.learned(egress, collective),
      get version() {
        return inventory.version;
      },
      onChange: (listener) => void ends.push(inventory.onChange(listener)),
    },
  });
  return {
    ...remoteNodes,
    close: () => {
      for (const end of ends.splice(0)) end();
    },
  };
};

/** A closure that kept the configuration before would keep all before that one too. */
const lastAskedOf = (
  learning: ReturnType<typeof learningOf>,
  before: NodesOptions['before'],
): ((egress: string) => number | undefined) => {
  const known = before?.snapshot() ?? {};
  const asked = new Map(
    [...learning].map(([egress, { collectives }]) => [
      egress,
      Object.keys(known[egress] ?? {}).join() === collectives.join()
        ? before?.scheduler.progress(egress)?.asked
        : undefined,
    ]),
  );
  return (egress) => asked.get(egress);
};

export const createNodes = (
  config: Config,
  egresses: ReadonlyMap<string, Egress>,
  { inventory, log, clock, random, before }: NodesOptions,
): Nodes => {
  const { routes, identity, cluster, instance } = config;
  const localEgresses = localEgressesOf(config);
  const learning = learningOf(config);
  const patterns = patternsOf(config);
  const scheduler = new DiscoveryScheduler({
    inventory,
    targets: [...egresses].map(([name, egress]) => ({
      egress,
      collectives: learning.get(name)?.collectives ?? [],
      every: (learning.get(name)?.every ?? 0) * 1000,
    })),
    log,
    clock,
    ...(random !== undefined && { random }),
    // The same question is not asked anew for each change of the configuration.
    lastAsked: lastAskedOf(learning, before),
  });
  const listing: InventoryPageOptions = {
    cluster,
    instance,
    inventory,
    scheduler,
    egresses: [...config.egresses].map(([name, { type, nodes }]) => ({
      name,
      type,
      patterns: nodes,
      collectives: learning.get(name)?.collectives ?? [],
      every: learning.get(name)?.every ?? 0,
    })),
    clock,
  };
  return {
    remoteNodes: (ingress) => {
      const localEgress = localEgresses.get(ingress);
      return closable({
        inventory,
        routes: routes.filter(({ from }) => from === ingress),
        ...(localEgress !== undefined && { localEgress }),
        patterns,
      });
    },
    knowledge: knowledgeOf(inventory, localEgresses, identity),
    localOnly: [...new Set(localEgresses.values())].filter((name) => !routes.some(({ to }) => to === name)),
    scheduler,
    counts: () =>
      [...config.egresses].flatMap(([egress, { type }]) =>
        (learning.get(egress)?.collectives ?? []).map((collective) => ({
          egress,
          type,
          collective,
          known: inventory.learned(egress, collective).size,
        })),
      ),
    snapshot: () =>
      Object.fromEntries(
        [...config.egresses.keys()].map((name) => [
          name,
          Object.fromEntries(
            (learning.get(name)?.collectives ?? []).map((it) => [it, [...inventory.learned(name, it)]]),
          ),
        ]),
      ),
    page: inventoryPage(listing),
    document: () => inventoryNow(listing),
  };
};

/** What a bridge asks of it, whatever configuration is in force. */
export const bridgeNodes = (inventory: Inventory, now: () => Nodes): NodeKnowledge => ({
  observe: (egress, collective, node) => now().knowledge.observe(egress, collective, node),
  known: (egress, collective) => inventory.learned(egress, collective),
  isLocal: (ingress, collective, node) => now().knowledge.isLocal(ingress, collective, node),
});

/** What an app tells of where nodes live, and is told by another one. */
export const appNodes = (inventory: Inventory, snapshot: AppNodes['snapshot']): AppNodes => ({
  snapshot,
  onMove: (watcher) => inventory.onMove(watcher),
  moved: ({ egress, collective, node, came }) => {
    if (came === undefined) inventory.left(egress, collective, node);
    else inventory.observe(egress, collective, node, came);
  },
});
