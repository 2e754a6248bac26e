import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './target.ts';

export interface OutboxOptions {
  readonly target: Target;
  /** Whether a failed write refuses who waits; else it is tried again. */
  readonly stop: boolean;
  /** Bytes that may wait; what comes on top is lost, or refused where somebody waits. */
  readonly limit: number;
  /** Ms until a failed write is tried again. */
  readonly retry: number;
  /** Ms that a record which nobody waits for may wait for others: each write wakes a thread, which a request would feel. */
  readonly linger: number;
  /** Makes the record of records that could not be written. */
  readonly lost: (count: number) => string;
  /** Told when writing begins to fail, not for each record. */
  readonly onFailure: (error: unknown) => void;
  /** Told when it works again. */
  readonly onWorks: () => void;
}

/** What was written, and what was not. */
export interface Counts {
  written: number;
  /** Nobody waited for them, and they are gone. */
  lost: number;
  /** Somebody waited, and was refused. */
  refused: number;
}

interface Waiting {
  readonly record: string;
  readonly bytes: number;
  /** Where somebody waits. */
  readonly done?: (error?: unknown) => void;
}

/** Bytes of one write, about. */
const BATCH_BYTES = 1024 ** 2;
/** What a record takes beside its text. */
const OVERHEAD_BYTES = 512;

const CLOSED = 'the audit is closed';

/** Why a record is not taken. */
export class OutboxFull extends Error {
  override readonly name = 'OutboxFull';
}

/** Records on their way to a target: one write at a time, each with all that waits by then. */
export class Outbox {
  readonly counts: Counts = { written: 0, lost: 0, refused: 0 };
  #options: OutboxOptions;
  #waiting: Waiting[] = [];
  /** What is being written. */
  #current: readonly Waiting[] = [];
  #bytes = 0;
  #wantsHead = false;
  #wantsReopen = false;
  #isClosing = false;
  #isFailing = false;
  /** Lost since the last write. */
  #missing = 0;
  #running: Promise<void> | undefined;
  /** Ends the wait for others. */
  #hurry: () => void = () => undefined;
  readonly #stopped = new AbortController();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** What waits, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** By another configuration; its target stays. */
  follow(options: Omit<OutboxOptions, 'target'>): void {
    this.#options = { ...options, target: this.#options.target };
  }

  /** For a record that nobody waits for. */
  add(record: string): void {
    const bytes = record.length * 2 + OVERHEAD_BYTES;
    if (this.#isFull(bytes)) this.#lose(1);
    else this.#push({ record, bytes });
  }

  /** @throws what keeps it from being written, or OutboxFull */
  written(record: string): Promise<void> {
    const bytes = record.length * 2 + OVERHEAD_BYTES;
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => {
        if (error === undefined) {
          resolve();
          return;
        }
        this.counts.refused++;
        reject(error);
      };
      if (this.#isFull(bytes))
        done(new OutboxFull(this.#isClosing ? CLOSED : `${this.#bytes} bytes wait to be written already`));
      else this.#push({ record, bytes, done });
    });
  }

  /** Has a head signed, where anything is new. */
  head(): void {
    this.#wantsHead = true;
    this.#runNow();
  }

  reopen(): void {
    this.#wantsReopen = true;
    this.#runNow();
  }

  /** Writes what waits. Resolves then, or when the time is over. @param ms that it may take */
  async close(ms: number): Promise<void> {
    this.#isClosing = true;
    this.#runNow();
    await Promise.race([this.#running, sleep(ms, undefined, { ref: false })]);
    this.#stopped.abort();
    const left = this.#current;
    this.#current = [];
    this.#giveBack(left, new OutboxFull(CLOSED), true);
    this.#drop(new OutboxFull(CLOSED));
  }

  /** Something larger than the limit is taken where nothing waits. */
  #isFull(bytes: number): boolean {
    if (this.#isClosing) return true;
    return this.#bytes > 0 && this.#bytes + bytes > this.#options.limit;
  }

  #push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes;
    this.#run();
    if (!this.#mayLinger) this.#hurry();
  }

  #lose(count: number): void {
    this.counts.lost += count;
    this.#missing += count;
  }

  #run(): void {
    this.#running ??= this.#loop().finally(() => {
      this.#running = undefined;
      if (!this.#isIdle && !this.#stopped.signal.aborted) this.#run();
    });
  }

  #runNow(): void {
    this.#run();
    this.#hurry();
  }

  /** Not where somebody waits, or where a whole write is there already. */
  get #mayLinger(): boolean {
    if (this.#wantsHead || this.#wantsReopen || this.#isClosing) return false;
    return this.#bytes < BATCH_BYTES && this.#waiting.at(-1)?.done === undefined;
  }

  async #linger(): Promise<void> {
    const { linger } = this.#options;
    if (linger === 0 || !this.#mayLinger) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, linger);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get #isIdle(): boolean {
    return this.#waiting.length === 0 && !this.#wantsHead && !this.#wantsReopen;
  }

  async #loop(): Promise<void> {
    // What comes in the same turn goes out together.
    await Promise.resolve();
    while (!this.#isIdle && !this.#stopped.signal.aborted) {
      await this.#linger();
      await this.#turn();
    }
    if (this.#isClosing && !this.#stopped.signal.aborted) await this.#closeTarget();
  }

  async #closeTarget(): Promise<void> {
    this.#stopped.abort();
    try {
      await this.#options.target.close();
    } catch (error) {
      this.#fails(error);
    }
  }

  async #turn(): Promise<void> {
    const { target, stop, retry, lost } = this.#options;
    const [wantsHead, wantsReopen, missing] = [this.#wantsHead, this.#wantsReopen, this.#missing];
    // What is wished for while this goes on is for the next turn.
    this.#wantsHead = this.#wantsReopen = false;
    const batch = this.#batch();
    this.#current = batch;
    try {
      if (wantsReopen) await target.reopen?.();
      const records = batch.map(({ record }) => record);
      await target.write(missing > 0 ? [lost(missing), ...records] : records, wantsHead);
    } catch (error) {
      if (this.#current !== batch) return;
      this.#current = [];
      this.#fails(error);
      this.#giveBack(batch, error, stop);
      if (!stop && !this.#isClosing)
        await sleep(retry, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => undefined);
      else if (!stop) this.#drop(error);
      return;
    }
    // It was given up meanwhile.
    if (this.#current !== batch) return;
    this.#current = [];
    this.#missing -= missing;
    this.#works();
    for (const { bytes, done } of batch) {
      this.#bytes -= bytes;
      this.counts.written++;
      done?.();
    }
  }

  #batch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const one of this.#waiting) {
      if (count > 0 && bytes + one.bytes > BATCH_BYTES) break;
      bytes += one.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Who waits is told; what nobody waits for is tried again, unless others are told. */
  #giveBack(batch: readonly Waiting[], error: unknown, isStop: boolean): void {
    const isKept = ({ done }: Waiting): boolean => !isStop && done === undefined;
    this.#waiting.unshift(...batch.filter(isKept));
    for (const one of batch) {
      if (isKept(one)) continue;
      this.#bytes -= one.bytes;
      if (one.done === undefined) this.#lose(1);
      else one.done(error);
    }
  }

  #drop(error: unknown): void {
    this.#giveBack(this.#waiting.splice(0), error, true);
  }

  #fails(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.onFailure(error);
  }

  #works(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#options.onWorks();
  }
}
