import { encodeStats, type StatsDocument, statsSubject } from '../adapters/choria/wire/stats.ts';
import type { Log } from '../envelope/log.ts';
import type { MeteredLink } from './meter.ts';

/** Where documents of one cluster go. */
export interface Place {
  /** To NATS. While it is down it gets nothing. */
  readonly link: MeteredLink;
  readonly cluster: string;
}

export interface PublisherOptions {
  readonly places: readonly Place[];
  /** Ms between documents. */
  readonly interval: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly document: (cluster: string, now: number) => StatsDocument;
  readonly log: Log;
}

/** A document older than this tells nothing that the next one does not tell better. */
const MAX_AGE_MS = 5_000;

/** @throws LinkError where the link does not take it */
export const publishDocument = (
  { link: { raw }, cluster }: Place,
  document: StatsDocument,
  { now, interval }: { readonly now: number; readonly interval: number },
): void => {
  // What waits for a connection would come in a burst and count as news.
  if (!raw.state().up) return;
  raw.send({
    destination: statsSubject(cluster),
    body: encodeStats(document),
    expires: now + Math.min(interval, MAX_AGE_MS),
    purpose: 'cluster',
  });
};

/** Publishes this instance's document where `federation observe` listens, at once and then at each interval. */
export const startPublisher = (options: PublisherOptions): { stop(): void } => {
  const { places, interval, clock, document, log } = options;
  const publish = (): void => {
    for (const place of places) {
      const now = clock();
      try {
        publishDocument(place, document(place.cluster, now), { now, interval });
      } catch (error) {
        log.warn({ event: 'statistics', link: place.link.name, err: error }, 'statistics not published');
      }
    }
  };
  publish();
  const timer = setInterval(publish, interval);
  timer.unref();
  return { stop: () => clearInterval(timer) };
};
