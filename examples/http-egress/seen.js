// @ts-check
import { createHash } from 'node:crypto';

/** Of texts that have come, whether one is among them. It remembers so many, and forgets the oldest first. */
export class Seen {
  #most;
  /** @type {Set<string>} */
  #hashes = new Set();

  /** @param {number} most */
  constructor(most) {
    this.#most = most;
  }

  /** @param {string} text */
  has(text) {
    return this.#hashes.has(hashOf(text));
  }

  /** @param {string} text @returns {boolean} whether it is the first time */
  add(text) {
    const hash = hashOf(text);
    if (this.#hashes.has(hash)) return false;
    this.#hashes.add(hash);
    const [oldest] = this.#hashes;
    if (this.#hashes.size > this.#most && oldest !== undefined) this.#hashes.delete(oldest);
    return true;
  }
}

/** Not the text itself: a name out of a message would keep the whole of that message in memory. @param {string} text */
const hashOf = (text) => createHash('sha256').update(text).digest('base64url');
