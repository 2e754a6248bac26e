import { LinkError, type OutgoingMessage } from './link.ts';

export interface SpoolOptions {
  readonly maxMessages: number;
  /** Bytes of bodies; a body that several messages share counts once for each. */
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Messages whose time ran out while they waited, by destination. */
  readonly onExpired: (destination: string, count: number) => void;
}

/** However close together messages expire, the whole spool is looked through at most this often. */
const SWEEP_MIN_MS = 50;
/** And at least this often while it holds something, should the clock be set forward. */
const SWEEP_MAX_MS = 60_000;
/** Slots at the front that may be empty before the rest moves up. */
const SLACK = 1024;

/**
 * The bounded buffer of messages that wait for their connection: first in, first out, each until its `expires`.
 * One timer serves all of them, runs only while something waits, and does not keep the process alive.
 */
export class Spool {
  readonly #options: SpoolOptions;
  #slots: (OutgoingMessage | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  /** No waiting message expires before this. */
  #earliest = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#slots.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a message in. One that has expired already is counted as expired at once.
   * @throws LinkError `overloaded` when there is no room, also after dropping what has expired
   */
  push(message: OutgoingMessage): void {
    const now = this.#options.clock();
    if (message.expires <= now) {
      this.#options.onExpired(message.destination, 1);
      return;
    }
    if (!this.#hasRoom(message) && this.#earliest <= now) this.#sweep(now);
    if (!this.#hasRoom(message))
      throw new LinkError(
        'overloaded',
        `the send buffer is full: ${this.length} messages (limit ${this.#options.maxMessages}) with ` +
          `${this.#bytes} bytes (limit ${this.#options.maxBytes}) wait, no room for ${message.body.byteLength} more`,
      );
    this.#slots.push(message);
    this.#bytes += message.body.byteLength;
    if (message.expires < this.#earliest) this.#earliest = message.expires;
    this.#arm(now);
  }

  /** The oldest message that is still worth sending; undefined when none waits. */
  shift(): OutgoingMessage | undefined {
    if (this.length > 0) {
      const now = this.#options.clock();
      if (this.#earliest <= now) this.#sweep(now);
    }
    const message = this.#slots[this.#head];
    if (message === undefined) return undefined;
    this.#slots[this.#head++] = undefined;
    this.#bytes -= message.body.byteLength;
    if (this.#head === this.#slots.length) this.#reset();
    else if (this.#head > SLACK && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Drops everything and stops the timer. @returns how many messages were lost */
  clear(): number {
    const lost = this.length;
    this.#reset();
    this.#disarm();
    return lost;
  }

  #hasRoom(message: OutgoingMessage): boolean {
    const { maxMessages, maxBytes } = this.#options;
    return this.length < maxMessages && this.#bytes + message.body.byteLength <= maxBytes;
  }

  #reset(): void {
    this.#slots = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#earliest = Number.POSITIVE_INFINITY;
  }

  #sweep(now: number): void {
    const waiting = this.#slots.slice(this.#head);
    const expired = new Map<string, number>();
    this.#reset();
    for (const message of waiting) {
      if (message === undefined) continue;
      if (message.expires <= now) {
        expired.set(message.destination, (expired.get(message.destination) ?? 0) + 1);
        continue;
      }
      this.#slots.push(message);
      this.#bytes += message.body.byteLength;
      if (message.expires < this.#earliest) this.#earliest = message.expires;
    }
    for (const [destination, count] of expired) this.#options.onExpired(destination, count);
  }

  #arm(now: number): void {
    if (this.#timer !== undefined && this.#due <= this.#earliest) return;
    const delay = Math.min(SWEEP_MAX_MS, Math.max(SWEEP_MIN_MS, this.#earliest - now));
    if (this.#timer !== undefined && this.#due <= now + delay) return;
    this.#disarm();
    this.#due = now + delay;
    this.#timer = setTimeout(() => this.#onTimer(), delay);
    this.#timer.unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
  }

  #onTimer(): void {
    this.#disarm();
    const now = this.#options.clock();
    if (this.#earliest <= now) this.#sweep(now);
    if (this.length > 0) this.#arm(now);
  }
}
