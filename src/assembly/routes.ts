import type { Config, RouteConfig } from '../config/types.ts';

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
