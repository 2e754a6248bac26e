import { performance } from 'node:perf_hooks';
import { statsSubject } from '../../adapters/choria/wire/stats.ts';
import { singleLine } from '../../telemetry/observe/line.ts';
import type { ClusterView } from '../../telemetry/observe/view.ts';
import { type Watched, watch } from './watch.ts';

export interface OnceOptions extends Watched {
  /** Enough instances; default: as many as are asked for by name, else wait for the whole time. */
  readonly count?: number;
  /** Ms; default: one interval, as far as known, and a bit. */
  readonly wait?: number;
}

/** No instance was heard: the sentence says what to check. */
export class NothingHeard extends Error {
  override readonly name = 'NothingHeard';
}

/** Intervals: everybody has published once, even one that is a little late. */
const WAIT_INTERVALS = 1.2;

/**
 * Listens for a while.
 * @throws NothingHeard, LinkError
 */
export const observeOnce = async (options: OnceOptions): Promise<ClusterView> => {
  const { only } = options;
  const wanted = options.count ?? only?.size ?? Number.POSITIVE_INFINITY;
  let changed = (): void => undefined;
  const watched = await watch(options, () => changed());
  const { cluster, now } = watched;
  const heard = (): readonly string[] => [...cluster.names()].filter((name) => only?.has(name) ?? true);
  const started = performance.now();
  const patience = (): number => options.wait ?? WAIT_INTERVALS * cluster.interval();
  try {
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      changed = () => {
        clearTimeout(timer);
        const left = started + patience() - performance.now();
        if (heard().length >= wanted || left <= 0) resolve();
        else timer = setTimeout(resolve, left);
      };
      changed();
    });
    if (heard().length === 0) throw new NothingHeard(advice(options, patience(), cluster.names()));
    return cluster.view(now(), only);
  } finally {
    await watched.close();
  }
};

/** What to check. */
const advice = (
  { network, cluster, only }: OnceOptions,
  waited: number,
  others: ReadonlySet<string>,
): string => {
  const seconds = Number((waited / 1000).toFixed(1));
  if (only !== undefined && others.size > 0)
    return `heard nothing of instance ${[...only].join(', ')} within ${seconds} s, but of ${[...others]
      .slice(0, 10)
      .map((name) => singleLine(name))
      .join(', ')}${others.size > 10 ? ', …' : ''}`;
  return `heard no statistics of the cluster ${cluster} within ${seconds} s on ${statsSubject(cluster)}
at ${network.linkOptions.servers.join(', ')}. Check that
- instances run, and that this is their cluster's name (key cluster, or plugin.choria.federation.cluster)
- this is the federation's network, not the collective's: statistics are published on the federation's side only
- they publish more often than every ${seconds} s: else give --wait
- they are mcbridge or the Ruby Federation Broker: go-choria's publishes no statistics, but has Prometheus metrics`;
};
