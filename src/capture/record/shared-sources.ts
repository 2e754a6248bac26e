import { LRUCache } from 'lru-cache';
import type { Observable, Source } from '../../adapters/descriptor.ts';
import { own } from '../../envelope/text.ts';
import type { IncomingMessage } from '../../transport/link.ts';
import type { LinkSpec } from '../../transport/spec.ts';
import type { Listening } from './sources.ts';

/** A link that a message at some place may belong to. */
type Claim = Pick<Source, 'isOurs'> & Pick<Observable, 'correlate'> & Pick<Listening, 'link'>;

/** A place where one link listens for all links to which the same messages would come. */
export interface SharedSource extends Omit<Source, 'isOurs'> {
  /** In the order of the configuration. */
  readonly claims: readonly Claim[];
}

export interface ListeningOnce extends Omit<Listening, 'sources' | 'correlate'> {
  readonly sources: readonly SharedSource[];
}

/**
 * Each place of a network once: of several links that get their replies at one subject a bridge gives each reply to
 * one, while each that listened from outside would hear it.
 * @param specOf asked only for links that can be listened to @throws as `specOf` does
 */
export const onceEach = (
  all: readonly Listening[],
  specOf: (listening: Listening) => Pick<LinkSpec, 'network'>,
): readonly ListeningOnce[] => {
  const found = new Map<string, Claim[]>();
  return all.map((listening) => {
    const { link, side, missed, correlate } = listening;
    const network = listening.sources.length === 0 ? '' : specOf(listening).network;
    const sources = listening.sources.flatMap(({ destination, dir, isOurs }): readonly SharedSource[] => {
      const key = JSON.stringify([network, side, dir, destination]);
      const claim: Claim = { link, ...(isOurs && { isOurs }), ...(correlate && { correlate }) };
      const claims = found.get(key);
      if (claims !== undefined) {
        claims.push(claim);
        return [];
      }
      const first = [claim];
      found.set(key, first);
      return [{ destination, dir, claims: first }];
    });
    return { link, side, sources, ...(missed !== undefined && { missed }) };
  });
};

/** Requests whose replies may still come. */
const MAX_REMEMBERED_REQUESTS = 20_000;

/** Which of the links that share a place a message belongs to: a reply to that by which its request went. */
export class LinkResolver {
  readonly #requests = new LRUCache<string, string>({ max: MAX_REMEMBERED_REQUESTS });
  readonly #isNeeded: boolean;

  constructor(all: readonly ListeningOnce[]) {
    this.#isNeeded = all.some(({ sources }) => sources.some(({ claims }) => claims.length > 1));
  }

  /** @returns the name of the link; undefined for a message of none of them */
  linkOf(
    side: Listening['side'],
    { claims, dir }: SharedSource,
    message: IncomingMessage,
  ): string | undefined {
    const ours = claims.filter(({ isOurs }) => isOurs?.(message) !== false);
    const [first] = ours;
    if (first === undefined || !this.#isNeeded) return first?.link;
    // Links that share a place speak one protocol there.
    const ways = (first.correlate?.(message) ?? []).map((way) => `${side} ${way}`);
    // Requests come in by an ingress, and go out by an egress.
    const isRequest = (side === 'ingress') === (dir === 'in');
    if (isRequest) {
      for (const way of ways) this.#requests.set(own(way), first.link);
      return first.link;
    }
    const known = ways.map((way) => this.#requests.get(way)).find((link) => link !== undefined);
    return ours.some(({ link }) => link === known) ? known : first.link;
  }
}
