import { LRUCache } from 'lru-cache';
import type { CassetteMessage } from '../file/format.ts';
import type { ReplyPaths } from './reply-paths.ts';

/** Requests whose replies may still come. */
const MAX_REMEMBERED_REQUESTS = 20_000;

/**
 * Where replies of the cassette go: a token that was made with another cluster's key, or for another ingress, becomes
 * the one that the replay's own request bore.
 */
export class ReplyAddressMap {
  readonly #all: ReplyPaths;
  readonly #replyPaths = new LRUCache<string, string>({ max: MAX_REMEMBERED_REQUESTS });
  readonly #recorded = new LRUCache<string, true>({ max: MAX_REMEMBERED_REQUESTS });
  #any = false;

  constructor(all: ReplyPaths) {
    this.#all = all;
  }

  /** A request that was recorded, whether it has come out in the replay or not. */
  asked(recorded: CassetteMessage): void {
    const way = this.#all.of(recorded);
    if (way !== undefined) this.#recorded.set(way, true);
  }

  /** Whether the cassette has the request that this is a reply to. */
  isAnswer(recorded: CassetteMessage): boolean {
    const way = this.#all.of(recorded);
    return way !== undefined && this.#recorded.get(way) !== undefined;
  }

  /** Two messages that are one request, recorded and replayed. */
  learn(recorded: CassetteMessage, replayed: CassetteMessage): void {
    const [from, to] = [this.#all.of(recorded), this.#all.of(replayed)];
    if (from === undefined || to === undefined || from === to) return;
    this.#replyPaths.set(from, to);
    this.#any = true;
  }

  /** Whether any way is another in the replay. */
  get any(): boolean {
    return this.#any;
  }

  knows(way: string): boolean {
    return this.#any && this.#replyPaths.get(way) !== undefined;
  }

  /** The message with its reply path as the replay has it. */
  redirected(message: CassetteMessage): CassetteMessage {
    const way = this.#any ? this.#all.of(message) : undefined;
    const to = way === undefined ? undefined : this.#replyPaths.get(way);
    if (way === undefined || to === undefined) return message;
    const { destination, text } = message;
    if (destination === way) {
      const headers =
        message.headers?.['destination'] === way ? { ...message.headers, destination: to } : undefined;
      return { ...message, destination: to, ...(headers && { headers }) };
    }
    return text === undefined ? message : { ...message, text: text.replace(way, () => to) };
  }
}
