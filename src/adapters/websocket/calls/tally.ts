import { own } from '../../../envelope/text.ts';

/** Names that are remembered of a call: a broadcast may be answered under any number of them, as protocol 1 of Choria signs no replies. */
const MAX_NAMES = 50_000;

/** What has come of a call. A node counts once, by its first reply; further ones of it are replies only. */
export class Tally {
  readonly #names = new Set<string>();
  #replies = 0;
  #nodes = 0;
  #ok = 0;

  /** @param statusCode of an agent; 0 is success @returns the number of the reply, from 1 */
  add(sender: string, statusCode: number): number {
    this.#replies++;
    if (this.#names.has(sender)) return this.#replies;
    if (this.#names.size < MAX_NAMES) this.#names.add(own(sender));
    this.#nodes++;
    if (statusCode === 0) this.#ok++;
    return this.#replies;
  }

  get counts() {
    return {
      replies: this.#replies,
      nodes: this.#nodes,
      ok: this.#ok,
      failed: this.#nodes - this.#ok,
    } as const;
  }
}
