import type { SideStats, StatsDocument, ThreadStats } from '../adapters/choria/wire/stats.ts';
import type { LinkStats } from '../adapters/choria/wire/stats-bridge.ts';
import type { Stats } from '../bridge/stats.ts';
import type { Health } from './health.ts';
import type { MeteredLink, Side } from './meter.ts';

/** What a document is made of. */
export interface DocumentSources {
  readonly version: string;
  readonly identity: string;
  readonly instance: string;
  readonly configFile: string;
  /** Ms since the epoch. */
  readonly started: number;
  /** Seconds between documents; 0 where none are published. */
  readonly interval: number;
  readonly links: readonly MeteredLink[];
  readonly stats: Stats;
  readonly inFlight: () => number;
  readonly health: () => Health;
  readonly httpRequests: () => number;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

const sum = (links: readonly MeteredLink[], number: (link: MeteredLink) => number): number =>
  links.reduce((total, link) => total + number(link), 0);

/** Choria's documents and trails write `nats://` of servers with TLS too. */
const serverOf = ({ raw }: MeteredLink): string | undefined => raw.state().server?.replace(/^tls:/, 'nats:');

const sideOf = (links: readonly MeteredLink[]): SideStats => {
  const servers = [...new Set(links.map(serverOf).filter((server) => server !== undefined))];
  const last = Math.max(0, ...links.map(({ meter }) => meter.lastMessage ?? 0));
  return {
    source: [...new Set(links.flatMap(({ sources }) => sources))].join(', '),
    received: sum(links, ({ meter }) => meter.received),
    sent: sum(links, ({ meter }) => meter.sent),
    lastMessage: last === 0 ? undefined : seconds(last),
    connectedServer: servers.length === 0 ? undefined : servers.join(', '),
    workQueue: sum(links, ({ raw }) => raw.state().buffered),
  };
};

export const linkStats = (metered: MeteredLink): LinkStats => {
  const { up, reason, buffered } = metered.raw.state();
  return { name: metered.name, side: metered.side, up, server: serverOf(metered), reason, buffered };
};

/**
 * The threads of the Ruby broker, by what does their work here: one handler a side reads from its middleware, and
 * one publishes to it.
 */
const threadsOf = (links: Readonly<Record<Side, readonly MeteredLink[]>>): Map<string, ThreadStats> => {
  const thread = (side: Side): ThreadStats => {
    const alive = links[side].every(({ raw }) => raw.state().up);
    return { alive, status: alive ? 'sleep' : 'reconnecting' };
  };
  return new Map([
    ['stats_publisher', { alive: true, status: 'run' }],
    ['collective_middleware_handler', thread('collective')],
    ['federation_middleware_handler', thread('federation')],
    ['federation_inbox_handler', thread('federation')],
    ['collective_inbox_handler', thread('collective')],
  ]);
};

/** What this instance says of itself now, as a member of one cluster: only links that carry its messages count. */
export const makeDocument = (sources: DocumentSources, cluster: string, now: number): StatsDocument => {
  const { stats, links } = sources;
  const of = (side: Side): readonly MeteredLink[] =>
    links.filter((link) => link.side === side && link.clusters.includes(cluster));
  const sides = { federation: of('federation'), collective: of('collective') };
  const counts = stats.snapshot();
  const names = new Set(sides.federation.map(({ name }) => name));
  return {
    version: sources.version,
    startTime: seconds(sources.started),
    cluster,
    instance: sources.instance,
    configFile: sources.configFile,
    status: sources.health().ready ? 'OK' : 'CRITICAL',
    threads: threadsOf(sides),
    collective: sideOf(sides.collective),
    federation: sideOf(sides.federation),
    statsRequests: sources.httpRequests(),
    bridge: {
      identity: sources.identity,
      time: seconds(now),
      interval: sources.interval === 0 ? undefined : sources.interval,
      rejected: new Map(Object.entries(counts.rejected)),
      expired: counts.expired,
      errors: counts.errorsSent,
      inFlight: sources.inFlight(),
      routes: stats
        .routes()
        .filter(({ from }) => names.has(from))
        .map((route) => ({
          from: route.from,
          to: route.to,
          requests: { received: route.requestsReceived, sent: route.requestsSent },
          targets: route.targetsSent,
          replies: { received: route.repliesReceived, sent: route.repliesSent },
        })),
      links: [...sides.federation, ...sides.collective].map(linkStats),
    },
  };
};
