import type { Config, RouteConfig } from './types.ts';

export type Kind = 'ingress' | 'egress';

/** Routes that start or end there. */
export const endsOf = (
  name: string,
  kind: Kind,
  { routes }: Pick<Config, 'routes'>,
): readonly RouteConfig[] => routes.filter(({ from, to }) => name === (kind === 'ingress' ? from : to));

/** The cluster that an ingress belongs to: its own where it has one, else the bridge's. */
export const clusterOf = ({ ingresses, cluster }: Config, ingress: string): string =>
  ingresses.get(ingress)?.adapter.cluster ?? cluster;

/** The clusters whose messages go through a link. */
export const clustersAt = (name: string, kind: Kind, config: Config): readonly string[] => [
  ...new Set(endsOf(name, kind, config).map(({ from }) => clusterOf(config, from))),
];

/** Requests pass unchanged between two sides of one format, unless the route maps callers. */
export const isOpaqueRoute = (
  { from, to, identities }: RouteConfig,
  { ingresses, egresses }: Pick<Config, 'ingresses' | 'egresses'>,
): boolean => {
  const [ingress, egress] = [ingresses.get(from), egresses.get(to)];
  if (ingress === undefined || egress === undefined || identities.length > 0) return false;
  return ingress.opaque !== undefined && ingress.opaque === egress.opaque;
};

/** The collectives that routes from an ingress export. */
export const exportedBy = (ingress: string, { routes }: Pick<Config, 'routes'>): readonly string[] => [
  ...new Set(routes.filter(({ from }) => from === ingress).flatMap(({ collectives }) => collectives)),
];

/** The egress on each ingress's own side, by the names of the ingresses that have one and a route. */
export const localEgressesOf = ({
  ingresses,
  routes,
}: Pick<Config, 'ingresses' | 'routes'>): ReadonlyMap<string, string> => {
  const used = new Set(routes.map(({ from }) => from));
  return new Map(
    [...ingresses].flatMap(([name, { adapter }]): [string, string][] => {
      const { localEgress } = adapter;
      return used.has(name) && localEgress !== undefined ? [[name, localEgress]] : [];
    }),
  );
};

/**
 * The collectives of which an inventory needs to know who is behind each egress: those of its routes, and those of the
 * routes of the ingresses on its side, for which its nodes are native.
 */
export const collectivesOf = (
  routes: readonly { readonly from: string; readonly to: string; readonly collectives: Iterable<string> }[],
  localEgresses: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly string[]> => {
  const all = new Map<string, Set<string>>();
  for (const { from, to, collectives } of routes)
    for (const egress of [to, localEgresses.get(from)])
      for (const collective of egress === undefined ? [] : collectives)
        if (egress !== undefined) all.set(egress, (all.get(egress) ?? new Set<string>()).add(collective));
  return new Map([...all].map(([egress, collectives]) => [egress, [...collectives]]));
};
