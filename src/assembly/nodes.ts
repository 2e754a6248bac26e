import type { Egress, Residents } from '../adapter/port.ts';
import type { NodeKnowledge } from '../bridge/bridge.ts';
import type { Log } from '../bridge/log.ts';
import { discoveryTimes } from '../config/nodes.ts';
import type { Config, IngressConfig } from '../config/types.ts';
import { Inventory } from '../inventory/inventory.ts';
import { inventoryPage } from '../inventory/page.ts';
import { collectivesOf, knowledgeOf, residentsOf } from '../inventory/residents.ts';
import { Survey } from '../inventory/survey.ts';
import type { Page } from '../stats/http.ts';

/** Who lives where: what is learned, who learns it, and who asks. */
export interface Nodes {
  residents(ingress: string): Residents;
  readonly knowledge: NodeKnowledge;
  /** Egresses that no route leads to, started only to know who is on an ingress's own side. */
  readonly beside: readonly string[];
  readonly survey: Survey;
  readonly page: () => Page;
}

const besideOf = (it: IngressConfig): string | undefined =>
  it.type === 'choria-federation' ? undefined : it.beside;

interface Around {
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

export const createNodes = (
  config: Config,
  egresses: ReadonlyMap<string, Egress>,
  { log, clock }: Around,
): Nodes => {
  const { routes, cluster, instance } = config;
  const used = new Set(routes.map(({ from }) => from));
  const beside = new Map(
    [...config.ingresses].flatMap(([name, it]): [string, string][] => {
      const egress = used.has(name) ? besideOf(it) : undefined;
      return egress === undefined ? [] : [[name, egress]];
    }),
  );
  const collectives = collectivesOf(routes, beside);
  // A federation's client names the nodes that it means, so nobody has to know where they live.
  const asking = routes.filter(({ from }) => config.ingresses.get(from)?.type !== 'choria-federation');
  const needed = new Set([...asking.map(({ to }) => to), ...beside.values()]);
  const times = new Map(
    [...config.egresses].map(([name, { discovery }]) => [name, discoveryTimes(discovery, needed.has(name))]),
  );
  const inventory = new Inventory({
    clock,
    log,
    expire: (egress) => (times.get(egress)?.expire ?? 0) * 1000,
  });
  const patterns = new Map([...config.egresses].map(([name, { nodes }]) => [name, nodes]));
  const survey = new Survey({
    inventory,
    surveyed: [...egresses].map(([name, egress]) => ({
      egress,
      collectives: collectives.get(name) ?? [],
      every: (times.get(name)?.every ?? 0) * 1000,
    })),
    log,
    clock,
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
    knowledge: knowledgeOf(inventory, beside),
    beside: [...new Set(beside.values())].filter((name) => !routes.some(({ to }) => to === name)),
    survey,
    page: inventoryPage({
      cluster,
      instance,
      inventory,
      survey,
      egresses: [...config.egresses].map(([name, { type, nodes }]) => ({
        name,
        type,
        patterns: nodes,
        collectives: collectives.get(name) ?? [],
        every: times.get(name)?.every ?? 0,
      })),
      clock,
    }),
  };
};
