import { discoveryTimes } from '../config/nodes.ts';
import { collectivesOf, localEgressesOf } from './ends.ts';
import type { Config } from './types.ts';

/** How the nodes behind an egress are learned. */
export interface Learning {
  /** Of these collectives; none where no route needs it. */
  readonly collectives: readonly string[];
  /** Seconds between questions; 0: none are asked. */
  readonly every: number;
  /** Seconds for which a node counts as there after it was heard of. */
  readonly expire: number;
}

/** For each egress, by its name. */
export const learningOf = (
  config: Pick<Config, 'ingresses' | 'egresses' | 'routes'>,
): ReadonlyMap<string, Learning> => {
  const { ingresses, egresses, routes } = config;
  const localEgresses = localEgressesOf(config);
  const collectives = collectivesOf(routes, localEgresses);
  const asking = routes.filter(({ from }) => ingresses.get(from)?.adapter.standsForNodes === true);
  const needed = new Set([...asking.map(({ to }) => to), ...localEgresses.values()]);
  return new Map(
    [...egresses].map(([name, { discovery }]) => [
      name,
      { collectives: collectives.get(name) ?? [], ...discoveryTimes(discovery, needed.has(name)) },
    ]),
  );
};
