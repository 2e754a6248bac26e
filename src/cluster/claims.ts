import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TimeoutError } from '@nats-io/transport-node';
import { LRUCache } from 'lru-cache';
import type { Claim, Claims } from '../envelope/port.ts';
import type { Tally } from '../envelope/tally.ts';
import { errorText } from '../envelope/text.ts';
import { NoBucket } from './bucket.ts';
import type { ConnectionSettings } from './connection.ts';
import { LastingBucket, type LastingBucketOptions, NOT_CLAIMED, type OpenBucket } from './lasting-bucket.ts';
import { BucketTally } from './tally.ts';

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
  /** Counts in the same bucket. */
  readonly tally: Tally;
  /** Connects and opens the bucket, again and again until it is closed. */
  open(): void;
  /** @returns once claims can be decided, or after so many ms */
  opened(milliseconds: number): Promise<void>;
  state(): ClaimsState;
  /** By another connection, once the bucket is open there; until then by the one of now. */
  follow(connection: ConnectionSettings): void;
  close(): Promise<void>;
}

const LIMITS = { claims: 1_000, bytes: 32 * 1024 ** 2 } as const;
const CLAIM_TIMEOUT_MS = 5_000;
/** Ms until it is tried again where a claim could be neither made nor read. */
const RETRY_DELAY_MS = 50;
/** Ms between looks whether another connection is still to be waited for. */
const RECHECK_INTERVAL_MS = 1_000;
const STILL_CLAIMED = 'claims go on by the connection before, until another one can be used';
/** Keys that this process has claimed, so that a second copy that comes to it is not reported. */
const MAX_REMEMBERED_CLAIMS = 20_000;

const WON: Claim = { result: 'won' };
const LOST: Claim = { result: 'lost' };
const unknown = (reason: string): Claim => ({ result: 'unknown', reason });

/** See {@link createClaims}. */
class JetStreamClaims implements SharedClaims {
  readonly nonce = randomBytes(12).toString('base64url');
  readonly tally: Tally;
  readonly #options: LastingBucketOptions;
  #bucket: LastingBucket;
  /** Is to take its place. */
  #next: LastingBucket | undefined;
  /** Still decides claims that came before another took its place. */
  readonly #former = new Set<LastingBucket>();
  readonly #limits: { readonly claims: number; readonly bytes: number };
  readonly #patience: number;
  readonly #waiting = new Set<string>();
  #waitingBytes = 0;
  #isOpen = false;
  #isClosed = false;
  readonly #claimed = new LRUCache<string, true>({ max: MAX_REMEMBERED_CLAIMS });

  constructor({ limits = LIMITS, patience = CLAIM_TIMEOUT_MS, ...options }: SharedClaimsOptions) {
    this.#options = { ...options, nonce: this.nonce };
    this.#bucket = new LastingBucket(this.#options);
    this.#limits = limits;
    this.#patience = patience;
    const { maxAge } = options.bucket;
    this.tally = new BucketTally({ bucket: () => this.#bucket, maxAge, patience });
  }

  open(): void {
    this.#isOpen = true;
    this.#bucket.open();
  }

  async opened(milliseconds: number): Promise<void> {
    await this.#bucket.ready(milliseconds);
  }

  state(): ClaimsState {
    const { current, reason } = this.#bucket;
    return current === undefined ? { up: false, reason } : { up: true };
  }

  follow(connection: ConnectionSettings): void {
    const next: LastingBucket = new LastingBucket({
      ...this.#options,
      connection,
      meaning: () => (this.#bucket === next ? NOT_CLAIMED : STILL_CLAIMED),
    });
    if (!this.#isOpen) {
      this.#bucket = next;
      return;
    }
    this.#next?.close().catch(() => undefined);
    this.#next = next;
    next.open();
    void this.#change(next);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [this.#bucket, this.#next, ...this.#former];
    this.#former.clear();
    await Promise.all(all.map((one) => one?.close()));
  }

  async #change(next: LastingBucket): Promise<void> {
    while ((await next.ready(RECHECK_INTERVAL_MS)) === undefined)
      if (this.#isClosed || this.#next !== next) return;
    if (this.#isClosed || this.#next !== next) return;
    const before = this.#bucket;
    this.#next = undefined;
    this.#bucket = next;
    this.#former.add(before);
    // Whatever it was asked is decided by then.
    await sleep(2 * this.#patience, undefined, { ref: false });
    if (this.#former.delete(before)) await before.close();
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
      // It may be unclaimed: a further copy is decided anew.
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
    const bucket = this.#bucket;
    let failure: string | undefined;
    for (;;) {
      const open = await bucket.ready(left());
      if (open === undefined) return unknown(failure ?? bucket.reason);
      if (open.since > arrived) return unknown('the bucket is younger than the request');
      try {
        const owner = await open.whileThere(this.#ownerOf(key, open), left());
        if (owner !== undefined && owner !== this.nonce) return LOST;
        if (owner === this.nonce) {
          // In a bucket that was made anew since, another one may have won what was in the one before.
          if (await open.whileThere(open.isSame(), left())) return WON;
          bucket.renew(open, 'the bucket was made anew, or its settings have been changed');
          continue;
        }
      } catch (error) {
        failure = errorText(error);
        // Asked twice, or until the time was over.
        if (error instanceof TimeoutError) return unknown('the server does not answer');
        if (error instanceof NoBucket) bucket.renew(open, failure);
      }
      if (left() <= 0) return unknown(failure ?? 'no answer');
      await sleep(RETRY_DELAY_MS);
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
