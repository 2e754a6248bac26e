import { LRUCache } from 'lru-cache';
import { decodeTransport } from '../../adapters/choria/wire/index.ts';
import type { Config } from '../../setup/types.ts';
import type { IncomingMessage } from '../../transport/link.ts';
import type { Listening, Source } from './sources.ts';

/** A link that a message at some place may belong to. */
type Claim = Pick<Source, 'isOurs'> & Pick<Listening, 'link'>;

/** A place where one link listens for all links to which the same messages would come. */
export interface Place extends Omit<Source, 'isOurs'> {
  /** In the order of the configuration. */
  readonly claims: readonly Claim[];
}

export interface ListeningOnce extends Omit<Listening, 'sources'> {
  readonly sources: readonly Place[];
}

const NO_LOGIN = { token: undefined, nkey: undefined, credentials: undefined };

/** What tells one network from another, so far as a configuration says: other accounts of a server may be others. */
const networkOf = ({ link, side }: Listening, { ingresses, egresses }: Config): string => {
  const it = side === 'ingress' ? ingresses.get(link) : egresses.get(link);
  const servers = (it?.servers ?? []).map(({ url }) => url).toSorted();
  const tls = it?.type === 'mcollective-stomp' ? undefined : it?.tls?.client?.cert;
  const { token, nkey, credentials } = it === undefined || it.type === 'mcollective-stomp' ? NO_LOGIN : it;
  return JSON.stringify([servers, it?.user, tls, token?.reveal(), nkey, credentials]);
};

/**
 * Each place of a network once: of several links that get their replies at one subject a bridge gives each reply to
 * one, while each that listened from outside would hear it.
 */
export const onceEach = (all: readonly Listening[], config: Config): readonly ListeningOnce[] => {
  const found = new Map<string, Claim[]>();
  return all.map((listening) => {
    const { link, side } = listening;
    const network = networkOf(listening, config);
    const sources = listening.sources.flatMap(({ destination, dir, isOurs }): readonly Place[] => {
      const key = JSON.stringify([network, side, dir, destination]);
      const claim: Claim = { link, ...(isOurs && { isOurs }) };
      const claims = found.get(key);
      if (claims !== undefined) {
        claims.push(claim);
        return [];
      }
      const first = [claim];
      found.set(key, first);
      return [{ destination, dir, claims: first }];
    });
    return { ...listening, sources };
  });
};

/** Requests whose replies may still come. */
const REMEMBERED = 20_000;

/** Which of the links that share a place a message belongs to: a reply to that by which its request went. */
export class Ways {
  readonly #requests = new LRUCache<string, string>({ max: REMEMBERED });
  readonly #maxBytes: number;
  readonly #isNeeded: boolean;

  constructor(all: readonly ListeningOnce[], { maxMessageBytes }: Pick<Config, 'maxMessageBytes'>) {
    this.#maxBytes = maxMessageBytes;
    this.#isNeeded = all.some(({ sources }) => sources.some(({ claims }) => claims.length > 1));
  }

  /** @returns the name of the link; undefined for a message of none of them */
  linkOf(side: Listening['side'], { claims, dir }: Place, message: IncomingMessage): string | undefined {
    const links = claims.flatMap(({ link, isOurs }) => (isOurs?.(message) === false ? [] : [link]));
    const [first] = links;
    if (first === undefined || !this.#isNeeded) return first;
    const ways = this.#waysOf(side, message);
    // Requests come in by an ingress, and go out by an egress.
    const isRequest = (side === 'ingress') === (dir === 'in');
    if (!isRequest) {
      const known = ways.map((way) => this.#requests.get(way)).find((link) => link !== undefined);
      return known !== undefined && links.includes(known) ? known : first;
    }
    for (const way of ways) this.#requests.set(way, first);
    return first;
  }

  /** What a request has in common with its replies: at an egress the federation header, at an ingress where they go. */
  #waysOf(side: Listening['side'], { destination, replyTo, body }: IncomingMessage): readonly string[] {
    try {
      const transport = decodeTransport(body, { maxBytes: this.#maxBytes });
      const { request = '', home } = transport.federation ?? {};
      if (side === 'egress') return home === undefined ? [] : [`egress ${request} ${home}`];
      return [destination, replyTo, transport.replyTo].flatMap((it) =>
        it === undefined ? [] : [`ingress ${it}`],
      );
    } catch {
      return [];
    }
  }
}
