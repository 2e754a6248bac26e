import { discoveryTimes } from '../config/nodes.ts';
import type { Config, RouteConfig } from '../config/types.ts';
import { collectivesOf } from '../inventory/residents.ts';

export type Kind = 'ingress' | 'egress';

/** Routes that start or end there. */
export const endsOf = (
  name: string,
  kind: Kind,
  { routes }: Pick<Config, 'routes'>,
): readonly RouteConfig[] => routes.filter(({ from, to }) => name === (kind === 'ingress' ? from : to));

/** The cluster that an ingress belongs to: its own where it is a federation's, else the bridge's. */
export const clusterOf = ({ ingresses, cluster }: Config, ingress: string): string => {
  const it = ingresses.get(ingress);
  return it?.type === 'choria-federation' ? it.cluster : cluster;
};

/** The clusters whose messages go through a link. */
export const clustersAt = (name: string, kind: Kind, config: Config): readonly string[] => [
  ...new Set(endsOf(name, kind, config).map(({ from }) => clusterOf(config, from))),
];

/** Requests of a federation pass as they are to a Choria collective, unless callers are to be mapped. */
export const isSealed = (
  { from, to, identities }: RouteConfig,
  { ingresses, egresses }: Pick<Config, 'ingresses' | 'egresses'>,
): boolean =>
  ingresses.get(from)?.type === 'choria-federation' &&
  egresses.get(to)?.type === 'choria-collective' &&
  identities.length === 0;

/** The collectives that routes from an ingress export. */
export const exportedBy = (ingress: string, { routes }: Pick<Config, 'routes'>): readonly string[] => [
  ...new Set(routes.filter(({ from }) => from === ingress).flatMap(({ collectives }) => collectives)),
];

/** The egress on each ingress's own side, by the names of the ingresses that have one and a route. */
export const besideOf = ({
  ingresses,
  routes,
}: Pick<Config, 'ingresses' | 'routes'>): ReadonlyMap<string, string> => {
  const used = new Set(routes.map(({ from }) => from));
  return new Map(
    [...ingresses].flatMap(([name, it]): [string, string][] =>
      !used.has(name) || it.type === 'choria-federation' || it.beside === undefined
        ? []
        : [[name, it.beside]],
    ),
  );
};

/** How it is learned who lives beyond an egress. */
export interface Learning {
  /** Of whom; none where no route needs to know. */
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
  const beside = besideOf(config);
  const collectives = collectivesOf(routes, beside);
  // A federation's client names the nodes that it means, so nobody has to know where they live.
  const asking = routes.filter(({ from }) => ingresses.get(from)?.type !== 'choria-federation');
  const needed = new Set([...asking.map(({ to }) => to), ...beside.values()]);
  return new Map(
    [...egresses].map(([name, { discovery }]) => [
      name,
      { collectives: collectives.get(name) ?? [], ...discoveryTimes(discovery, needed.has(name)) },
    ]),
  );
};
