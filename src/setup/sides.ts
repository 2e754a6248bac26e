import type { AdapterContext, EgressAdapter, IngressAdapter, RouteView } from '../adapters/descriptor.ts';
import { sectionOf } from '../adapters/kit/link-settings.ts';
import { limitsOf } from '../config/limits.ts';
import type { KeyPath } from '../config/problem.ts';
import { clusterOf, endsOf, isOpaqueRoute } from './ends.ts';
import { learningOf } from './learning.ts';
import type { Config } from './types.ts';

/** A side that a configuration has. */
export type Side =
  | { readonly kind: 'ingress'; readonly adapter: IngressAdapter }
  | { readonly kind: 'egress'; readonly adapter: EgressAdapter };

/** The egresses first, then the ingresses, in the order of the file. */
export const sidesOf = ({ ingresses, egresses }: Pick<Config, 'ingresses' | 'egresses'>): readonly Side[] => [
  ...[...egresses.values()].map(({ adapter }): Side => ({ kind: 'egress', adapter })),
  ...[...ingresses.values()].map(({ adapter }): Side => ({ kind: 'ingress', adapter })),
];

/** As {@link sidesOf}, and as the file has them as a rule. */
export const ingressesFirst = (config: Pick<Config, 'ingresses' | 'egresses'>): readonly Side[] => {
  const sides = sidesOf(config);
  return ['ingress', 'egress'].flatMap((kind) => sides.filter((side) => side.kind === kind));
};

export const sideOf = (
  { ingresses, egresses }: Pick<Config, 'ingresses' | 'egresses'>,
  name: string,
  kind: Side['kind'],
): Side | undefined => {
  const [ingress, egress] = [ingresses.get(name), egresses.get(name)];
  if (kind === 'ingress') return ingress && { kind, adapter: ingress.adapter };
  return egress && { kind, adapter: egress.adapter };
};

/** Where a side stands in the file. */
export const pathOf = ({ kind: side, adapter: { name } }: Side): KeyPath => sectionOf({ side, name });

/** What is around a side. */
export const adapterContextOf = (config: Config, name: string, kind: Side['kind']): AdapterContext => {
  const { identity, cluster, egresses } = config;
  const routes = endsOf(name, kind, config);
  const learning = kind === 'egress' ? learningOf(config).get(name) : undefined;
  return {
    identity,
    cluster,
    ...limitsOf(config),
    routes: routes.map(
      (route): RouteView => ({
        from: route.from,
        to: route.to,
        collectives: route.collectives,
        isOpaque: isOpaqueRoute(route, config),
        verify: route.verify,
        cluster: clusterOf(config, route.from),
        isPatterned: (egresses.get(route.to)?.nodes ?? []).length > 0,
      }),
    ),
    collectives: [...new Set(routes.flatMap(({ collectives }) => collectives))],
    asked: learning !== undefined && learning.every > 0 ? learning.collectives : [],
  };
};
