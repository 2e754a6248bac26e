import type { Egress, Residents } from '../adapter/port.ts';
import type { NodeKnowledge } from '../bridge/bridge.ts';
import type { Log } from '../bridge/log.ts';
import type { Config } from '../config/types.ts';
import { Inventory, type Move } from '../inventory/inventory.ts';
import { inventoryPage } from '../inventory/page.ts';
import { acrossOf, knowledgeOf, residentsOf } from '../inventory/residents.ts';
import { Survey } from '../inventory/survey.ts';
import type { Page } from '../stats/http.ts';
import { besideOf, learningOf } from './routes.ts';

/** Who lives where: what is learned, who learns it, and who asks. */
export interface Nodes {
  residents(ingress: string): Residents;
  readonly knowledge: NodeKnowledge;
  /** Egresses that no route leads to, started only to know who is on an ingress's own side. */
  readonly beside: readonly string[];
  readonly survey: Survey;
  readonly page: () => Page;
  /** The nodes that are there now, by egress and collective. */
  snapshot(): Record<string, Record<string, string[]>>;
  /** Calls at once for each node that comes or goes. */
  onMove(watcher: (move: Move) => void): void;
  /** Takes over what another bridge has learned. */
  moved(move: Move): void;
}

interface Around {
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** What is learned of who lives where, empty yet. */
export const createInventory = (config: Config, { log, clock }: Around): Inventory => {
  const learning = learningOf(config);
  return new Inventory({
    clock,
    log,
    across: acrossOf(config.routes, besideOf(config)),
    expire: (egress) => (learning.get(egress)?.expire ?? 0) * 1000,
  });
};

/** Globs of identities that are configured as living beyond an egress, by its name. */
export const patternsOf = ({ egresses }: Pick<Config, 'egresses'>): ReadonlyMap<string, readonly string[]> =>
  new Map([...egresses].map(([name, { nodes }]) => [name, nodes]));

export const createNodes = (
  config: Config,
  egresses: ReadonlyMap<string, Egress>,
  {
    inventory,
    log,
    clock,
    random,
  }: Around & { readonly inventory: Inventory; readonly random: (() => number) | undefined },
): Nodes => {
  const { routes, identity, cluster, instance } = config;
  const beside = besideOf(config);
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
  });
  return {
    residents: (ingress) => {
      const side = beside.get(ingress);
      return residentsOf({
        inventory,
        routes: routes.filter(({ from }) => from === ingress),
        ...(side !== undefined && { beside: side }),
        patterns,
      });
    },
    knowledge: knowledgeOf(inventory, beside, identity),
    beside: [...new Set(beside.values())].filter((name) => !routes.some(({ to }) => to === name)),
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
    onMove: (watcher) => inventory.onMove(watcher),
    moved: ({ egress, collective, node, came }) => {
      if (came === undefined) inventory.left(egress, collective, node);
      else inventory.seen(egress, collective, node, came);
    },
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
