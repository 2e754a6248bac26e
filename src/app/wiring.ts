import { type Route, wiringProblem } from '../bridge/routing.ts';
import type { ReadFile } from '../config/files.ts';
import { ConfigError, formatPath } from '../config/problem.ts';
import type { Policy } from '../envelope/decision.ts';
import type { Egress, Ingress } from '../envelope/port.ts';
import { isOpaqueRoute } from '../setup/ends.ts';
import type { Config, LoadedConfig, RouteConfig } from '../setup/types.ts';

/** The two ends of routes, by their names. */
export interface Adapters {
  readonly ingresses: ReadonlyMap<string, Ingress>;
  readonly egresses: ReadonlyMap<string, Egress>;
}

/**
 * The routes of a configuration between the adapters of it.
 * @param policies by their names
 * @throws ConfigError for a route whose sides do not accept what it carries
 */
export const routesOf = (
  config: Config,
  { ingresses, egresses }: Adapters,
  { file, at }: Pick<LoadedConfig, 'file' | 'at'>,
  policies: ReadonlyMap<string, Policy> = new Map(),
): readonly Route[] => {
  const routes = config.routes.map((it): Route => {
    const { from, to, collectives, identities, policy } = it;
    const { privileged } = known(config.egresses.get(to), to).adapter;
    return {
      from: known(ingresses.get(from), from),
      to: known(egresses.get(to), to),
      collectives: new Set(collectives),
      identities: { rules: identities, privileged },
      ...(policy !== undefined && { policy: known(policies.get(policy), policy) }),
      ...(isOpaqueRoute(it, config) && { carries: ['opaque'] }),
    };
  });
  const problems = routes.flatMap((route, index) => {
    const message = wiringProblem(route);
    const path = ['routes', index];
    return message === undefined ? [] : [{ file, ...at(path), path: formatPath(path), message }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return routes;
};

/** The value, which a checked configuration always has. */
export const known = <T>(part: T | undefined, name: string): T => {
  if (part === undefined) throw new Error(`a route names ${name}, which is not configured`);
  return part;
};

/** A route for the log. */
export const inWords = ({ from, to, collectives }: RouteConfig): string =>
  `${from} → ${to}: ${collectives.join(', ')}`;

/** Without connections there are no certificates and no login to read. */
export const NOTHING: ReadFile = () => Buffer.alloc(0);
