import { type KeyObject, sign } from 'node:crypto';
import { availableParallelism } from 'node:os';
import Queue from 'yocto-queue';

/** RSA PKCS#1 v1.5 with this digest: SHA-1 is what legacy MCollective signs with, SHA-256 what Choria does. */
export type SigningAlgorithm = 'sha1' | 'sha256';

/**
 * Replies first: a requester already waits for them, and a flood of requests must not stall them.
 * Refusals last, when nothing else waits: anybody can bring them about, without a key.
 */
export type SigningPriority = 'reply' | 'request' | 'refusal';

/** What is to be signed, and who is told. Tens of thousands may wait, so that each is one object and no promise. */
export interface SigningJob {
  readonly algorithm: SigningAlgorithm;
  /** Not to be changed until it is signed. */
  readonly data: Uint8Array;
  readonly key: KeyObject;
  /** Called when its turn has come; what it throws goes to `failed`, and nothing is signed. */
  check(): void;
  /** Must not throw. */
  signed(signature: Buffer): void;
  /** What `check` threw, or an error of OpenSSL where the key cannot sign; never before `add` has returned. */
  failed(error: Error): void;
}

/** After so many replies in a row a waiting request has its turn, so that requests are slowed but never starved. */
const MAX_REPLIES_IN_A_ROW = 8;

/** libuv's pool has four threads by default; more jobs than that would only wait there, out of order. */
const MAX_CONCURRENT_JOBS = 4;

/** One core stays for the event loop, which moves the messages. */
const defaultConcurrency = (): number =>
  Math.min(MAX_CONCURRENT_JOBS, Math.max(1, availableParallelism() - 1));

/**
 * Makes RSA signatures in libuv's thread pool, at most `concurrency` at once and in order of arrival within each
 * priority. What waits, waits here, because libuv's own queue knows no priorities.
 */
export class SigningPool {
  readonly #concurrency: number;
  readonly #replies = new Queue<SigningJob>();
  readonly #requests = new Queue<SigningJob>();
  readonly #refusals = new Queue<SigningJob>();
  #running = 0;
  #repliesInARow = 0;

  constructor(concurrency: number = defaultConcurrency()) {
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new RangeError(`a signing pool needs a concurrency of at least 1, not ${concurrency}`);
    this.#concurrency = concurrency;
  }

  /** How many signatures have not been begun yet. */
  get waiting(): number {
    return this.#replies.size + this.#requests.size + this.#refusals.size;
  }

  add(job: SigningJob, priority: SigningPriority): void {
    this.#queueOf(priority).enqueue(job);
    this.#fill();
  }

  /**
   * @param data not to be changed until the promise settles
   * @param check called when its turn has come; what it throws is thrown, and nothing is signed
   * @throws Error of OpenSSL, where the key cannot sign
   */
  sign(
    algorithm: SigningAlgorithm,
    data: Uint8Array,
    key: KeyObject,
    priority: SigningPriority,
    check: () => void = () => undefined,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.add({ algorithm, data, key, check, signed: resolve, failed: reject }, priority);
    });
  }

  #queueOf(priority: SigningPriority): Queue<SigningJob> {
    switch (priority) {
      case 'reply':
        return this.#replies;
      case 'request':
        return this.#requests;
      case 'refusal':
        return this.#refusals;
    }
  }

  #fill(): void {
    while (this.#running < this.#concurrency) {
      const job = this.#next();
      if (job === undefined) return;
      if (isStillWanted(job)) this.#run(job);
    }
  }

  #next(): SigningJob | undefined {
    const requestIsDue = this.#repliesInARow >= MAX_REPLIES_IN_A_ROW && this.#requests.size > 0;
    const reply = requestIsDue ? undefined : this.#replies.dequeue();
    this.#repliesInARow = reply === undefined ? 0 : this.#repliesInARow + 1;
    return reply ?? this.#requests.dequeue() ?? this.#refusals.dequeue();
  }

  #run(job: SigningJob): void {
    const done = (error: Error | null, signature?: Buffer): void => {
      this.#running -= 1;
      // The next is signed while this one goes on.
      this.#fill();
      if (signature === undefined) fail(job, error ?? new Error('OpenSSL made no signature'));
      else job.signed(signature);
    };
    this.#running += 1;
    try {
      sign(job.algorithm, job.data, job.key, done);
    } catch (error) {
      // A key that is not one to sign with is refused at once, not through the callback.
      done(asError(error));
    }
  }
}

/** Not a part of running it: thousands may be late together, and each is only to be let go. */
const isStillWanted = (job: SigningJob): boolean => {
  try {
    job.check();
    return true;
  } catch (error) {
    fail(job, asError(error));
    return false;
  }
};

/** Later, for it may be the caller of `add` who is told. */
const fail = (job: SigningJob, error: Error): void => queueMicrotask(() => job.failed(error));

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
