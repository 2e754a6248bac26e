import type { SideStats } from '../../adapters/choria/wire/stats.ts';
import type { ObservedProcess } from './process.ts';
import type { ClusterView, ConnectionView, Flow, InstanceView, Side, SideView } from './view.ts';

/** A process that counts, and what it is called in the view. */
export interface Named {
  readonly name: string;
  readonly process: ObservedProcess;
  /** Ms between its documents. */
  readonly interval: number;
  readonly stale: boolean;
}

/** Sides and instances of a view, of all these processes; only listed ones get a line. */
export const viewOf = (
  all: readonly Named[],
  isListed: (named: Named) => boolean,
  now: number,
): Pick<ClusterView, Side | 'instances'> => {
  const listed = all.filter(isListed);
  return {
    federation: sideOf('federation', all, listed),
    collective: sideOf('collective', all, listed),
    instances: listed.map((named) => instanceOf(named, now)),
  };
};

const add = (a: Flow, b: Flow): Flow => ({ received: a.received + b.received, sent: a.sent + b.sent });

const NOTHING: Flow = { received: 0, sent: 0 };

/** The Ruby broker's observer divides by nothing and prints NaN% where a cluster did nothing yet. */
const share = (part: number, whole: number): number => (whole === 0 ? 0 : (part / whole) * 100);

const sideOf = (side: Side, all: readonly Named[], listed: readonly Named[]): SideView => {
  const totals = all.map(({ process }) => process.document[side]).reduce<Flow>(add, NOTHING);
  // A stale instance's last rates are of long ago.
  const rates = all.flatMap(({ process, stale }) =>
    stale || process.rates === null ? [] : process.rates[side],
  );
  return {
    ...totals,
    rates: rates.length === 0 ? null : rates.reduce(add, NOTHING),
    instances: listed.map(({ name, process, stale }) => {
      const { received, sent } = process.document[side];
      return {
        name,
        received,
        receivedShare: share(received, totals.received),
        sent,
        sentShare: share(sent, totals.sent),
        rates: stale || process.rates === null ? null : process.rates[side],
      };
    }),
  };
};

const milliseconds = (seconds: number | undefined): number | null =>
  seconds === undefined ? null : seconds * 1000;

const connectionOf = ({ connectedServer, lastMessage }: SideStats): ConnectionView => ({
  server: connectedServer ?? null,
  lastMessage: milliseconds(lastMessage),
});

/** Of the links that are down, and of the reasons why messages were refused. */
const MAX_LISTED = 20;

const mostOf = (counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] =>
  [...counts].toSorted(([, a], [, b]) => b - a).slice(0, MAX_LISTED);

const instanceOf = ({ name, process, interval, stale }: Named, now: number): InstanceView => {
  const { version, status, startTime, federation, collective, bridge } = process.document;
  return {
    name,
    version,
    status,
    started: milliseconds(startTime),
    connections: { federation: connectionOf(federation), collective: connectionOf(collective) },
    interval,
    silent: Math.max(0, now - process.lastHeard),
    stale,
    restarted: process.restarted,
    rejected: bridge === undefined ? null : Object.fromEntries(mostOf(bridge.rejected)),
    expired: bridge?.expired ?? null,
    linksDown: (bridge?.links ?? [])
      .filter(({ up }) => !up)
      .slice(0, MAX_LISTED)
      .map(({ name: link, reason = '' }) => ({ name: link, reason })),
  };
};
