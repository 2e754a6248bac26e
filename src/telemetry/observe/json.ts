import type { ClusterView } from './view.ts';

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** A view for programs: times as ISO 8601, durations in seconds, rates in messages a second. */
export const viewObject = (view: ClusterView): object => ({
  ...view,
  at: iso(view.at),
  interval: view.interval / 1000,
  instances: view.instances.map(({ started, connections, interval, silent, linksDown, ...instance }) => ({
    ...instance,
    started: iso(started),
    interval: interval / 1000,
    silent: silent / 1000,
    connections: Object.fromEntries(
      Object.entries(connections).map(([side, { server, lastMessage }]) => [
        side,
        { server, lastMessage: iso(lastMessage) },
      ]),
    ),
    linksDown,
  })),
});
