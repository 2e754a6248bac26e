import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TimeoutError } from '@nats-io/transport-node';
import { LRUCache } from 'lru-cache';
import type { Claim, Claims } from '../envelope/port.ts';
import { errorText } from '../envelope/text.ts';
import { NoBucket } from './bucket.ts';
import { LastingBucket, type LastingBucketOptions, type OpenBucket } from './lasting-bucket.ts';

export interface SharedClaimsOptions extends Omit<LastingBucketOptions, 'nonce'> {
  /** What may wait for its claim; one always may where none waits. */
  readonly limits?: { readonly claims: number; readonly bytes: number };
  /** Ms after which a claim is decided, or unknown: all that it waits for together. */
  readonly patience?: number;
}

/** Whether claims can be decided now. */
export type ClaimsState = { readonly up: true } | { readonly up: false; readonly reason: string };

/** Claims that all instances of a cluster share. */
export interface SharedClaims extends Claims {
  /** What this process writes into a claim that it wins. */
  readonly nonce: string;
  /** Connects and opens the bucket, again and again until it is closed. */
  open(): void;
  /** @returns once claims can be decided, or after so many ms */
  opened(milliseconds: number): Promise<void>;
  state(): ClaimsState;
  close(): Promise<void>;
}

const LIMITS = { claims: 1_000, bytes: 32 * 1024 ** 2 } as const;
const PATIENCE = 5_000;
/** Ms until it is tried again where a claim could be neither made nor read. */
const AGAIN = 50;
/** Keys that this process has claimed, so that a second copy that comes to it is nobody's news. */
const REMEMBERED = 20_000;

const WON: Claim = { result: 'won' };
const LOST: Claim = { result: 'lost' };
const unknown = (reason: string): Claim => ({ result: 'unknown', reason });

/** See {@link createClaims}. */
class JetStreamClaims implements SharedClaims {
  readonly nonce = randomBytes(12).toString('base64url');
  readonly #bucket: LastingBucket;
  readonly #limits: { readonly claims: number; readonly bytes: number };
  readonly #patience: number;
  readonly #waiting = new Set<string>();
  #waitingBytes = 0;
  readonly #claimed = new LRUCache<string, true>({ max: REMEMBERED });

  constructor({ limits = LIMITS, patience = PATIENCE, ...options }: SharedClaimsOptions) {
    this.#bucket = new LastingBucket({ ...options, nonce: this.nonce });
    this.#limits = limits;
    this.#patience = patience;
  }

  open(): void {
    this.#bucket.open();
  }

  async opened(milliseconds: number): Promise<void> {
    await this.#bucket.ready(milliseconds);
  }

  state(): ClaimsState {
    const { current, reason } = this.#bucket;
    return current === undefined ? { up: false, reason } : { up: true };
  }

  close(): Promise<void> {
    return this.#bucket.close();
  }

  async claim(key: string, bytes: number): Promise<Claim> {
    const arrived = performance.now();
    // A second copy that came to this very process.
    if (this.#waiting.has(key) || this.#claimed.get(key) !== undefined) return LOST;
    const { claims, bytes: most } = this.#limits;
    const { size } = this.#waiting;
    if (size > 0 && (size >= claims || this.#waitingBytes + bytes > most))
      return unknown(`${size} requests of ${this.#waitingBytes} bytes wait for their claims already`);
    this.#waiting.add(key);
    this.#waitingBytes += bytes;
    try {
      const claim = await this.#decide(key, arrived);
      // Nobody may have taken it: a further copy is decided anew.
      if (claim.result !== 'unknown') this.#claimed.set(key, true);
      return claim;
    } finally {
      this.#waiting.delete(key);
      this.#waitingBytes -= bytes;
    }
  }

  /**
   * Creates the key, and where that fails reads who has it. While the bucket is the one that was there before the request,
   * both can be done again and again: a key holds one nonce, and never another.
   */
  async #decide(key: string, arrived: number): Promise<Claim> {
    const left = (): number => arrived + this.#patience - performance.now();
    let failure: string | undefined;
    for (;;) {
      const open = await this.#bucket.ready(left());
      if (open === undefined) return unknown(failure ?? this.#bucket.reason);
      if (open.since > arrived) return unknown('the bucket is younger than the request');
      try {
        const owner = await open.whileThere(this.#ownerOf(key, open), left());
        if (owner !== undefined && owner !== this.nonce) return LOST;
        if (owner === this.nonce) {
          // In a bucket that was made anew since, another one may have won what was in the one before.
          if (await open.whileThere(open.isSame(), left())) return WON;
          this.#bucket.renew(open, 'the bucket was made anew, or its settings have been changed');
          continue;
        }
      } catch (error) {
        failure = errorText(error);
        // Asked twice, or until the time was over.
        if (error instanceof TimeoutError) return unknown('the server does not answer');
        if (error instanceof NoBucket) this.#bucket.renew(open, failure);
      }
      if (left() <= 0) return unknown(failure ?? 'no answer');
      await sleep(AGAIN);
    }
  }

  /** @returns the nonce that the key holds; undefined where it holds none, which was not to be expected */
  async #ownerOf(key: string, { bucket }: OpenBucket): Promise<string | undefined> {
    let failure: unknown;
    try {
      if (await bucket.create(key, this.nonce)) return this.nonce;
    } catch (error) {
      if (error instanceof NoBucket) throw error;
      // It may be there all the same.
      failure = error;
    }
    const owner = await bucket.read(key);
    if (owner === undefined && failure !== undefined) throw failure;
    return owner;
  }
}

/** Claims in a bucket of the cluster's NATS. */
export const createClaims = (options: SharedClaimsOptions): SharedClaims => new JetStreamClaims(options);
