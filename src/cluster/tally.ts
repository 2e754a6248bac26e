import { setTimeout as sleep } from 'node:timers/promises';
import { TimeoutError } from '@nats-io/transport-node';
import { LRUCache } from 'lru-cache';
import type { Addition, Counted, Tally } from '../envelope/tally.ts';
import { errorText } from '../envelope/text.ts';
import { CLAIM_MARGIN_MS, NoBucket } from './bucket.ts';
import type { LastingBucket, OpenBucket } from './lasting-bucket.ts';

export interface BucketTallyOptions {
  /** The bucket of now. */
  readonly bucket: () => LastingBucket;
  /** Ms that the bucket keeps a count. */
  readonly maxAge: number;
  /** Ms after which it is counted, or unknown: all that it waits for together. */
  readonly patience: number;
}

/** What stands in the bucket under a key. */
interface Count {
  readonly sum: number;
  /** In ms since the epoch. */
  readonly expires: number;
  /** The bucket's own number of it. */
  readonly revision: number;
}

/** Keys of which this process remembers what it has seen in the bucket; others are read again. */
const MAX_REMEMBERED_COUNTS = 20_000;
/** Ms until it is tried again where the bucket could not be asked. */
const RETRY_DELAY_MS = 50;

/** Apart from the keys of claims. */
const placeOf = (key: string): string => `count.${key}`;

const textOf = ({ sum, expires }: Omit<Count, 'revision'>): string => `${sum} ${expires}`;

const countOf = (text: string, revision: number): Count => {
  // Somebody has deleted it.
  if (text === '') return { sum: 0, expires: 0, revision };
  const [sum = Number.NaN, expires = Number.NaN] = text.split(' ').map(Number);
  if (Number.isNaN(sum) || Number.isNaN(expires)) throw new Error('a count in the bucket is no number');
  return { sum, expires, revision };
};

const unknown = (reason: string): Counted => ({ result: 'unknown', reason });

const FAST = "the sender's clock is so far ahead that it would be forgotten too early";
const AWAY = 'what counts for all instances cannot be reached';
const SILENT = 'what counts for all instances does not answer';
const ANEW = 'what counts for all instances has been made anew';

/** A tally in the bucket of claims: a count is replaced only where it still is what was read. */
export class BucketTally implements Tally {
  readonly #options: BucketTallyOptions;
  readonly #seen = new LRUCache<string, Count>({ max: MAX_REMEMBERED_COUNTS });
  /** The last one that waits, by keys: one after the other does not stand in its own way. */
  readonly #turns = new Map<string, Promise<Counted>>();

  constructor(options: BucketTallyOptions) {
    this.#options = options;
  }

  async add(addition: Addition): Promise<Counted> {
    const { key, now, expires } = addition;
    // Clocks of instances differ: to another one it may live for longer.
    if (expires - now > this.#options.maxAge - CLAIM_MARGIN_MS) return unknown(FAST);
    const deadline = performance.now() + this.#options.patience;
    const before = this.#turns.get(key);
    const turn =
      before === undefined ? this.#add(addition, deadline) : this.#after(before, addition, deadline);
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }

  async #after(before: Promise<Counted>, addition: Addition, deadline: number): Promise<Counted> {
    await before;
    return this.#add(addition, deadline);
  }

  async #add(addition: Addition, deadline: number): Promise<Counted> {
    const left = (): number => deadline - performance.now();
    const bucket = this.#options.bucket();
    const { key } = addition;
    for (;;) {
      const open = await bucket.ready(left());
      if (open === undefined) return unknown(AWAY);
      // Its turn came too late: it would be counted, and not let through.
      if (left() <= 0) return unknown(SILENT);
      try {
        const counted = await this.#addIn(open, addition, left);
        if (counted.result === 'too_much') return counted;
        if (await open.whileThere(open.isSame(), left())) return counted;
        // What was counted in the one before is gone.
        bucket.renew(open, 'the bucket was made anew, or its settings have been changed');
        return unknown(ANEW);
      } catch (error) {
        // It may be counted: then it counts twice, for nobody else can tell.
        this.#seen.delete(key);
        if (error instanceof TimeoutError) return unknown(SILENT);
        if (error instanceof NoBucket) bucket.renew(open, errorText(error));
      }
      if (left() <= 0) return unknown(SILENT);
      await sleep(RETRY_DELAY_MS);
    }
  }

  async #addIn(
    { bucket, whileThere }: OpenBucket,
    { key, amount, most, now, expires }: Addition,
    left: () => number,
  ): Promise<Counted> {
    const place = placeOf(key);
    // Most requests are new: what is there is read only where there is something.
    let there = this.#seen.get(key);
    for (;;) {
      const live = there !== undefined && there.expires > now ? there : undefined;
      const before = live?.sum ?? 0;
      if (before > most) return { result: 'too_much', before };
      const next = { sum: before + amount, expires: Math.max(expires, live?.expires ?? 0) };
      const revision = await whileThere(bucket.replace(place, textOf(next), there?.revision ?? 0), left());
      if (revision !== undefined) {
        this.#seen.set(key, { ...next, revision });
        return { result: 'added', before };
      }
      const read = await whileThere(bucket.at(place), left());
      there = read && countOf(read.text, read.revision);
    }
  }
}
