import type { NodeKnowledge } from '../bridge/bridge.ts';
import type { Log } from '../envelope/log.ts';
import type { Egress, Residents } from '../envelope/port.ts';
import type { Inventory, InventoryOptions } from '../nodes/inventory.ts';
import { acrossOf, knowledgeOf, type ResidentsOptions, residentsOf } from '../nodes/residents.ts';
import { Survey } from '../nodes/survey.ts';
import { localEgressesOf } from '../setup/ends.ts';
import { learningOf } from '../setup/learning.ts';
import type { Config } from '../setup/types.ts';
import type { Page } from '../telemetry/http.ts';
import { inventoryPage } from '../telemetry/inventory-page.ts';

/** Who lives where, by one configuration: who learns it, and who asks. */
export interface Nodes {
  /** @returns whom an ingress stands in for; `close` ends that it is told of changes */
  residents(ingress: string): Residents & { close(): void };
  readonly knowledge: NodeKnowledge;
  /** Egresses that no route leads to, started only to know who is on an ingress's own side. */
  readonly localOnly: readonly string[];
  readonly survey: Survey;
  readonly page: () => Page;
  /** The nodes that are there now, by egress and collective. */
  snapshot(): Record<string, Record<string, string[]>>;
}

interface NodesOptions {
  /** What is learned; it outlives the configuration. */
  readonly inventory: Inventory;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly random: (() => number) | undefined;
  /** Of the configuration before this one. */
  readonly before: Pick<Nodes, 'survey' | 'snapshot'> | undefined;
}

/** How an inventory counts by a configuration. */
export const countingOf = (config: Config): Pick<InventoryOptions, 'across' | 'expire'> => {
  const learning = learningOf(config);
  return {
    across: acrossOf(config.routes, localEgressesOf(config)),
    expire: (egress) => (learning.get(egress)?.expire ?? 0) * 1000,
  };
};

/** Globs of identities that are configured as living beyond an egress, by its name. */
export const patternsOf = ({ egresses }: Pick<Config, 'egresses'>): ReadonlyMap<string, readonly string[]> =>
  new Map([...egresses].map(([name, { nodes }]) => [name, nodes]));

/** The residents of one ingress, who are told of changes until they are closed. */
const closable = (
  options: Omit<ResidentsOptions, 'inventory'> & { readonly inventory: Inventory },
): ReturnType<Nodes['residents']> => {
  const ends: (() => void)[] = [];
  const { inventory } = options;
  const residents = residentsOf({
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
    ...residents,
    close: () => {
      for (const end of ends.splice(0)) end();
    },
  };
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
  const survey = new Survey({
    inventory,
    surveyed: [...egresses].map(([name, egress]) => ({
      egress,
      collectives: learning.get(name)?.collectives ?? [],
      every: (learning.get(name)?.every ?? 0) * 1000,
    })),
    log,
    clock,
    ...(random !== undefined && { random }),
    // The same question is not asked anew for each change of the configuration.
    lastAsked: (egress) =>
      Object.keys(before?.snapshot()[egress] ?? {}).join() ===
      (learning.get(egress)?.collectives ?? []).join()
        ? before?.survey.progress(egress)?.asked
        : undefined,
  });
  return {
    residents: (ingress) => {
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
    survey,
    snapshot: () =>
      Object.fromEntries(
        [...config.egresses.keys()].map((name) => [
          name,
          Object.fromEntries(
            (learning.get(name)?.collectives ?? []).map((it) => [it, [...inventory.learned(name, it)]]),
          ),
        ]),
      ),
    page: inventoryPage({
      cluster,
      instance,
      inventory,
      survey,
      egresses: [...config.egresses].map(([name, { type, nodes }]) => ({
        name,
        type,
        patterns: nodes,
        collectives: learning.get(name)?.collectives ?? [],
        every: learning.get(name)?.every ?? 0,
      })),
      clock,
    }),
  };
};
