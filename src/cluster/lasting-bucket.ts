import { type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import type { Log } from '../envelope/log.ts';
import { errorText } from '../envelope/text.ts';
import {
  Bucket,
  type BucketSettings,
  type BucketState,
  bucketName,
  differencesOf,
  isFull,
} from './bucket.ts';
import { type ConnectionSettings, type Fresh, LastingConnection } from './connection.ts';
import { Verification } from './verification.ts';

export interface LastingBucketOptions {
  readonly connection: ConnectionSettings;
  readonly fresh?: Fresh;
  readonly bucket: BucketSettings;
  /** What this process writes into a claim that it wins, for the log. */
  readonly nonce: string;
  readonly log: Log;
  /** What it means that it cannot be asked, in words; that nothing is claimed unless given. */
  readonly meaning?: () => string;
}

/** A bucket that can be asked now. */
export interface OpenBucket {
  readonly bucket: Bucket;
  /** Since when this process knows that it is there, by the monotonic clock. */
  readonly since: number;
  /** What is asked of it; rejects at once when it cannot be asked any more, or the time (ms) is over. */
  whileThere<T>(work: Promise<T>, milliseconds: number): Promise<T>;
  /** Whether it is still the one that was opened, and keeps what it is given. */
  isSame(): Promise<boolean>;
}

const FULL = 'the bucket is full (claims.max_bytes)';

export const NOT_CLAIMED =
  'nothing can be claimed: broadcasts that are claimed are not handled, and what max_nodes limits is refused, until it can';

/** Ms between attempts to open it. */
const REOPEN_DELAY_MS = 500;

/** The cluster's bucket, opened again and again on a connection that is made again and again. */
export class LastingBucket {
  readonly #options: LastingBucketOptions;
  readonly #connection: LastingConnection;
  readonly #waiting = new Set<() => void>();
  #current:
    | { readonly open: OpenBucket; readonly connection: NatsConnection; leave(reason: string): void }
    | undefined;
  /** The bucket that was there last, and since when. */
  #known: { readonly made: string; readonly since: number } | undefined;
  /** The attempts to open it on this connection. */
  #attempts = new AbortController();
  #reason = 'not connected yet';
  #told: string | undefined;
  #isClosed = false;

  constructor(options: LastingBucketOptions) {
    this.#options = options;
    this.#connection = new LastingConnection(
      options.connection,
      {
        up: (connection) => void this.#open(connection),
        down: (reason) => {
          this.#attempts.abort();
          this.#current?.leave(reason);
          this.#away(reason);
        },
        told: (text) =>
          options.log.warn(
            { event: 'claims_away', reason: text },
            `the NATS server of the claims says: ${text}`,
          ),
      },
      options.fresh,
    );
  }

  open(): void {
    this.#connection.open();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#attempts.abort();
    this.#current?.leave('closed');
    this.#current = undefined;
    for (const wake of [...this.#waiting]) wake();
    await this.#connection.close();
  }

  get current(): OpenBucket | undefined {
    return this.#current?.open;
  }

  /** Why it cannot be asked. */
  get reason(): string {
    return this.#reason;
  }

  /** @returns once it can be asked; undefined when the time is over before, or it is closed */
  async ready(milliseconds: number): Promise<OpenBucket | undefined> {
    if (this.#current === undefined && !this.#isClosed && milliseconds > 0)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, milliseconds);
        this.#waiting.add(wake);
      });
    return this.#current?.open;
  }

  /** It is not the one that it was, or takes no more. What it has been asked it may still answer. */
  renew(open: OpenBucket, reason: string): void {
    if (this.#current?.open !== open) return;
    const { connection } = this.#current;
    this.#away(reason);
    void this.#open(connection);
  }

  async #open(connection: NatsConnection): Promise<void> {
    this.#attempts.abort();
    const attempts = new AbortController();
    this.#attempts = attempts;
    while (!attempts.signal.aborted && !this.#isClosed) {
      try {
        const bucket = await Bucket.open(connection, this.#options.bucket);
        const state = await bucket.state();
        this.#check(state);
        if (!attempts.signal.aborted) this.#here(bucket, state, connection);
        return;
      } catch (error) {
        if (!attempts.signal.aborted) this.#away(errorText(error));
      }
      await new Promise((resolve) => setTimeout(resolve, REOPEN_DELAY_MS).unref());
    }
  }

  /** @throws Error where it might forget a claim too early */
  #check(state: BucketState): void {
    const { bucket } = this.#options;
    if (isFull(state)) throw new Error(FULL);
    const { config } = state;
    const faults = differencesOf(config, bucket).filter(({ forgets }) => forgets);
    if (faults.length === 0) return;
    throw new Error(
      `the bucket ${bucketName(bucket.cluster)} ${faults.map(({ text }) => text).join(', and ')}; delete it while no instance runs, or edit it`,
    );
  }

  #here(bucket: Bucket, { made }: BucketState, connection: NatsConnection): void {
    if (this.#known?.made !== made) this.#known = { made, since: performance.now() };
    const { since } = this.#known;
    const leaving = new Set<(error: Error) => void>();
    const whileThere = <T>(work: Promise<T>, milliseconds: number): Promise<T> =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new TimeoutError()), Math.max(0, milliseconds));
        leaving.add(reject);
        work.then(resolve, reject).finally(() => {
          clearTimeout(late);
          leaving.delete(reject);
        });
      });
    const verification = new Verification(() => bucket.state());
    const isSame = async (): Promise<boolean> => {
      const state = await verification.now();
      // What it has taken it keeps.
      if (isFull(state)) this.renew(open, FULL);
      return (
        state.made === made && !differencesOf(state.config, this.#options.bucket).some((it) => it.forgets)
      );
    };
    const open: OpenBucket = { bucket, since, whileThere, isSame };
    this.#current = {
      open,
      connection,
      leave: (reason) => {
        for (const reject of leaving) reject(new Error(reason));
      },
    };
    this.#told = undefined;
    const { log, nonce } = this.#options;
    const server = connection.getServer();
    log.info(
      { event: 'claims_open', bucket: bucketName(this.#options.bucket.cluster), server, nonce, made },
      'claims broadcasts of legacy clients, and counts nodes of requests that max_nodes limits',
    );
    for (const wake of [...this.#waiting]) wake();
  }

  #away(reason: string): void {
    this.#reason = reason;
    this.#current = undefined;
    if (this.#isClosed || this.#told === reason) return;
    this.#told = reason;
    this.#options.log.warn(
      { event: 'claims_away', reason },
      `${this.#options.meaning?.() ?? NOT_CLAIMED}: ${reason}`,
    );
  }
}
