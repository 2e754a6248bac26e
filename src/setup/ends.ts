import type { Config, RouteConfig } from './types.ts';

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
export const isOpaqueRoute = (
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
