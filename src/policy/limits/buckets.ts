import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** How fast a bucket fills, and how much it holds. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  readonly level: number;
  /** When it had that level, in ms since the epoch. */
  readonly time: number;
}

/** More than callers of a federation; of more than these, the one that was used longest ago is full again. */
const MAX_BUCKETS = 50_000;

const digest = (name: string): string => createHash('sha256').update(name).digest('base64');

/** Long names are strangers' as well. */
const MAX_NAME_CHARS = 200;

/** Token buckets, by names. Each is full when it is used for the first time; it goes on when its rate changes. */
export class Buckets {
  readonly #buckets: LRUCache<string, Bucket>;

  constructor({ most = MAX_BUCKETS }: { readonly most?: number } = {}) {
    this.#buckets = new LRUCache({ max: most });
  }

  /**
   * How long it takes until there is as much in a bucket, in ms; infinite for more than it ever holds.
   * @param now ms since the epoch
   */
  wait(name: string, amount: number, rate: Rate, now: number): number {
    if (amount > rate.burst) return Number.POSITIVE_INFINITY;
    const missing = amount - this.#level(name, rate, now);
    return missing <= 0 ? 0 : Math.ceil((missing / rate.perSecond) * 1000);
  }

  /** Takes as much out; what is not in it is owed. */
  take(name: string, amount: number, rate: Rate, now: number): void {
    this.#buckets.set(keyOf(name), { level: this.#level(name, rate, now) - amount, time: now });
  }

  /** Puts in again what was taken; what is more than it holds runs over. */
  giveBack(name: string, amount: number): void {
    const known = this.#buckets.get(keyOf(name));
    if (known !== undefined) this.#buckets.set(keyOf(name), { ...known, level: known.level + amount });
  }

  #level(name: string, { perSecond, burst }: Rate, now: number): number {
    const known = this.#buckets.get(keyOf(name));
    if (known === undefined) return burst;
    // A clock that was put back fills nothing.
    const seconds = Math.max(0, now - known.time) / 1000;
    return Math.min(burst, known.level + seconds * perSecond);
  }
}

const keyOf = (name: string): string => (name.length > MAX_NAME_CHARS ? digest(name) : name);
