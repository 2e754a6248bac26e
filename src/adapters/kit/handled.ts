import { LRUCache } from 'lru-cache';
import { own } from '../../envelope/text.ts';

/** Broadcasts, and nodes of directed requests, that are remembered as handled. A key is of 300 bytes at most. */
const MAX_HANDLED_REQUESTS = 50_000;
/** Refused broadcasts that are remembered; a key is of 52 bytes. */
const MAX_HANDLED_REFUSALS = 10_000;
/** How long the copies of one message may take to come by different brokers of a network, in ms. */
const MAX_COPY_DELAY_MS = 30_000;

interface Refusal {
  readonly by: symbol;
  /** Ms since the epoch. */
  readonly at: number;
}

/**
 * What the ingresses of one name have handled. While one replaces another, both are subscribed, maybe at different
 * brokers of a network, where each gets a copy of what was sent to a topic.
 */
export class Handled {
  readonly #requests = new LRUCache<string, true>({ max: MAX_HANDLED_REQUESTS });
  readonly #refusals = new LRUCache<string, Refusal>({ max: MAX_HANDLED_REFUSALS });

  has(request: string): boolean {
    return this.#requests.get(request) !== undefined;
  }

  add(request: string): void {
    this.#requests.set(own(request), true);
  }

  /**
   * Remembers a refusal. A message that comes again to the same ingress was sent again, and is refused again.
   * @param by the ingress
   * @param now ms since the epoch
   * @returns whether another ingress has just refused a copy of the message
   */
  refuse(message: string, by: symbol, now: number): boolean {
    const before = this.#refusals.get(message);
    if (before !== undefined && before.by !== by && now - before.at < MAX_COPY_DELAY_MS) return true;
    this.#refusals.set(message, { by, at: now });
    return false;
  }
}
