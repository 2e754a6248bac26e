import { decodeStats, type StatsDocument, statsSubject } from '../adapters/choria/wire/stats.ts';
import type { Log } from '../envelope/log.ts';
import { cut, own } from '../envelope/text.ts';
import type { Place } from './publisher.ts';

/** Anybody may publish documents: their names are not to fill memory or the log. */
const MAX_NAMES = 100;
/** Ingresses that a sentence names. */
const MAX_LISTED = 10;

const ingressesOf = ({ bridge }: StatsDocument): readonly string[] | undefined =>
  bridge && [...new Set(bridge.routes.map(({ from }) => from))].toSorted();

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : cut(names.slice(0, MAX_LISTED).join(', '));

/**
 * Instances of one cluster take each other's replies, which only works where all have the same ingresses.
 * @param own the ingresses of this bridge in the document's cluster
 * @returns what is wrong, as a sentence; undefined where nothing is, and of other vendors' brokers, which have no ingresses
 */
export const clashWith = (document: StatsDocument, own: readonly string[]): string | undefined => {
  const theirs = ingressesOf(document);
  const mine = own.toSorted();
  if (theirs === undefined || theirs.join('\n') === mine.join('\n')) return undefined;
  return (
    `another bridge of the cluster ${document.cluster}, instance ${document.instance}, has other ingresses (${listed(theirs)}) than ` +
    `this one (${listed(mine)}): each may get replies to the other's requests, and loses them. ` +
    'Give all instances of a cluster the same ingresses, and another bridge a cluster of its own'
  );
};

export interface NeighboursOptions {
  readonly places: readonly Place[];
  /** The ingresses of this bridge in a cluster. */
  readonly ingresses: (cluster: string) => readonly string[];
  /** Told of each document of an instance that says it is there, this one among them. */
  readonly heard: (document: StatsDocument) => void;
  readonly log: Log;
}

/**
 * Listens to the documents of other instances, and reports those that do not fit, once each.
 * @returns ends it
 */
export const watchNeighbours = ({ places, ingresses, heard, log }: NeighboursOptions): (() => void) => {
  const told = new Set<string>();
  const hear = (body: Buffer, cluster: string): void => {
    let document: StatsDocument;
    try {
      document = decodeStats(body);
    } catch {
      // `federation observe` shows it to those who look at documents.
      return;
    }
    if (document.cluster !== cluster) return;
    heard(document);
    // Its own come back too, and fit.
    if (told.has(document.instance)) return;
    const clash = clashWith(document, ingresses(cluster));
    if (clash === undefined || told.size >= MAX_NAMES) return;
    told.add(own(document.instance));
    log.error(
      { event: 'cluster_clash', member: document.instance, sender: document.bridge?.identity },
      clash,
    );
  };
  const subscriptions = places.map(({ link, cluster }) =>
    link.raw
      .subscribe({
        destination: statsSubject(cluster),
        purpose: 'cluster',
        onMessage: ({ body }) => hear(body, cluster),
      })
      .catch((error: unknown) => {
        log.debug(
          { event: 'statistics', link: link.name, err: error },
          'statistics of other instances are not heard',
        );
        return undefined;
      }),
  );
  return () => {
    for (const one of subscriptions)
      void one.then((subscription) => subscription?.unsubscribe()).catch(() => undefined);
  };
};
