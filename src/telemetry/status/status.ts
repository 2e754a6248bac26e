import { isStatsSubject } from '../../adapters/choria/wire/stats.ts';
import type { Stats } from '../../bridge/stats.ts';
import { isoTime } from '../../envelope/time.ts';
import type { Denial } from '../../transport/link.ts';
import type { Health } from '../health.ts';
import type { MeteredLink } from '../meter.ts';
import type { StatusDocument } from './document.ts';
import type { Rates } from './rates.ts';
import type { LastRefusals } from './refusals.ts';

/** Of a route of the configuration. */
export interface ListedRoute {
  readonly from: string;
  readonly to: string;
  readonly collectives: readonly string[];
}

/** What a status is made of, each as it is now. */
export interface StatusSources {
  readonly version: string;
  readonly identity: string;
  readonly cluster: string;
  readonly instance: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly started: number;
  readonly stats: Stats;
  readonly rates: Rates;
  readonly refusals: LastRefusals;
  readonly health: () => Health;
  readonly links: readonly MeteredLink[];
  readonly routes: () => readonly ListedRoute[];
  readonly inFlight: () => number;
  /** Those that wait for a node that was named, by the names of routes. */
  readonly waiting: () => ReadonlyMap<string, number>;
  readonly nodes: () => StatusDocument['nodes'];
  readonly certificates: () => StatusDocument['certificates'];
  readonly configuration: () => Configured;
  /** Undefined where nothing is claimed. */
  readonly claims: { readonly up: boolean; readonly reason?: string } | undefined;
}

/** Which configuration is in force; times in ms since the epoch. */
export interface Configured {
  readonly file: string;
  readonly loadedAt: number;
  readonly last:
    | {
        readonly at: number;
        readonly cause: string;
        readonly result: string;
        readonly problems: readonly string[];
      }
    | undefined;
}

const secondsBetween = (from: number, to: number): number => Math.max(0, Math.floor((to - from) / 1000));

const deniedOf = ({ right, error, need }: Denial): StatusDocument['links'][number]['denied'][number] => {
  const hint = need?.hint ?? error.hint();
  return {
    right: right.kind,
    destination: right.destination,
    reason: error.message,
    ...(hint !== undefined && { hint }),
  };
};

const linkOf = ({ name, side, raw, since }: MeteredLink): StatusDocument['links'][number] => {
  const { up, server, reason, buffered, denied = [] } = raw.state();
  return {
    name,
    side,
    up,
    ...(server !== undefined && { server }),
    since: since === undefined ? null : isoTime(since),
    ...(!up && reason !== undefined && { reason }),
    buffered,
    // What instances say of themselves carries no messages.
    denied: denied.filter(({ right }) => !isStatsSubject(right.destination)).map(deniedOf),
  };
};

const routesOf = ({ stats, routes, waiting }: StatusSources): StatusDocument['routes'] => {
  const byPlace = new Map<string, ListedRoute>();
  for (const route of routes()) {
    const key = JSON.stringify([route.from, route.to]);
    const collectives = [...(byPlace.get(key)?.collectives ?? []), ...route.collectives];
    byPlace.set(key, { ...route, collectives: [...new Set(collectives)] });
  }
  const inFlight = waiting();
  return [...byPlace.values()].map(({ from, to, collectives }) => {
    const { name, requestsReceived, requestsSent, repliesReceived, repliesSent, targetsSent } = stats.route(
      from,
      to,
    );
    return {
      name,
      from,
      to,
      collectives: [...collectives],
      requests: { received: requestsReceived, sent: requestsSent },
      replies: { received: repliesReceived, sent: repliesSent },
      targets: targetsSent,
      in_flight: inFlight.get(name) ?? 0,
    };
  });
};

const configurationOf = (
  { file, loadedAt, last }: Configured,
  now: number,
): StatusDocument['configuration'] => ({
  file,
  loaded: isoTime(loadedAt),
  age: secondsBetween(loadedAt, now),
  reload:
    last === undefined
      ? null
      : { at: isoTime(last.at), cause: last.cause, result: last.result, problems: [...last.problems] },
});

const claimsOf = ({ stats, claims }: StatusSources): StatusDocument['claims'] => {
  if (claims === undefined) return null;
  const { won, lost, unknown } = stats.claims;
  return { won: won.count, lost: lost.count, unknown: unknown.count, ...claims };
};

/** How a bridge is now: all that an operator asks first. */
export const makeStatus = (sources: StatusSources): StatusDocument => {
  const { version, identity, cluster, instance, started, rates, refusals } = sources;
  const now = sources.clock();
  const { ready, phase, troubles } = sources.health();
  return {
    time: isoTime(now),
    version,
    identity,
    cluster,
    instance,
    started: isoTime(started),
    uptime: secondsBetween(started, now),
    health: { ready, phase, troubles: [...troubles] },
    links: sources.links.map(linkOf),
    routes: routesOf(sources),
    in_flight: sources.inFlight(),
    rates: rates.now(),
    refusals: refusals.all().map(({ reason, count, last }) => ({
      reason,
      count,
      at: isoTime(last[0]?.at ?? started),
      last: last.map(({ at, ...it }) => ({ at: isoTime(at), ...it })),
    })),
    nodes: [...sources.nodes()],
    certificates: [...sources.certificates()],
    configuration: configurationOf(sources.configuration(), now),
    claims: claimsOf(sources),
  };
};
