import type { Log } from '../bridge/log.ts';
import { encodeStats, type StatsDocument, statsSubject } from '../wire/choria/stats.ts';
import type { MeteredLink } from './meter.ts';

export interface PublisherOptions {
  /** Links of the federation's side; those that are down get nothing. */
  readonly links: readonly MeteredLink[];
  /** Ms between documents. */
  readonly interval: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly document: (cluster: string, now: number) => StatsDocument;
  readonly log: Log;
}

/** A document older than this tells nothing that the next one does not tell better. */
const MAX_AGE = 5_000;

/** Publishes this instance's document where `federation observe` listens, at once and then at each interval. */
export const startPublisher = (options: PublisherOptions): { stop(): void } => {
  const { links, interval, clock, document, log } = options;
  const publish = (): void => {
    for (const { name, uncounted, clusters } of links) {
      // What waits for a connection would come in a burst and count as news.
      if (!uncounted.state().up) continue;
      for (const cluster of clusters) {
        const now = clock();
        try {
          uncounted.send({
            destination: statsSubject(cluster),
            body: encodeStats(document(cluster, now)),
            expires: now + Math.min(interval, MAX_AGE),
          });
        } catch (error) {
          log.warn({ link: name, err: error }, 'statistics not published');
        }
      }
    }
  };
  publish();
  const timer = setInterval(publish, interval);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
