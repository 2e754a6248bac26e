import Queue from 'yocto-queue';
import { LinkError, type OutgoingMessage, type Unsent } from './link.ts';

export interface SendBufferOptions {
  /** Requests and replies, however many messages each has, that may wait while there is no connection. */
  readonly maxMessages: number;
  /** Bytes that may wait: bodies, each once however many messages share it, and what keeping the messages takes. */
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Messages that expired while they waited, by destination; of a fan-out the next one's. */
  readonly onExpired: (destination: string, count: number) => void;
  /** A message that cannot be sent, where its sender gets no notice. */
  readonly onError: (error: LinkError) => void;
}

/** Messages that were handed to the broker, which may still refuse one. */
export interface Handed {
  refused(error: LinkError): void;
  /** Their sender is told once what was refused until then. */
  tell(): void;
}

/** A unit that goes out whole or not at all: all messages of one request, or a single one. */
interface Item {
  readonly messages: readonly OutgoingMessage[];
  readonly expires: number;
  readonly bytes: number;
  readonly unsent: Unsent | undefined;
  /** The message whose turn is next. */
  next: number;
  failed: number;
  /** Why, of the first that failed. */
  error: LinkError | undefined;
  told: boolean;
  handed: Handed | undefined;
}

/** However close together messages expire, the whole buffer is looked through at most this often. */
const SWEEP_MIN_MS = 50;
/** And at least this often while it holds something, should the clock be set forward. */
const SWEEP_MAX_MS = 60_000;
/** What an item, a message of it and one of its headers take on V8's heap beside their texts, in bytes. */
const ITEM_BYTES = 400;
const MESSAGE_BYTES = 100;
const HEADER_BYTES = 24;

/**
 * The bounded buffer of messages that wait for their connection, or for it to take more: first in, first out, each
 * until its `expires`. One timer serves all of them, runs only while something waits, and does not keep the process
 * alive.
 */
export class SendBuffer {
  readonly #options: SendBufferOptions;
  readonly #items = new Queue<Item>();
  #length = 0;
  #bytes = 0;
  /** The item that the last message came from. */
  #current: Item | undefined;
  /** No waiting message expires before this. */
  #earliest = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(options: SendBufferOptions) {
    this.#options = options;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes messages in, all or none. What has expired already is counted as expired at once.
   * @param isUp whether there is a connection: then only bytes are limited, and one item always has room
   * @throws LinkError `overloaded` when there is no room, also after dropping what has expired
   */
  push(messages: readonly OutgoingMessage[], isUp: boolean, unsent?: Unsent): void {
    const [first] = messages;
    if (first === undefined) return;
    const now = this.#options.clock();
    const item: Item = {
      messages,
      expires: first.expires,
      bytes: bytesOf(messages),
      unsent,
      next: 0,
      failed: 0,
      error: undefined,
      told: false,
      handed: undefined,
    };
    if (item.expires <= now) {
      this.#drop(item, expired());
      this.#options.onExpired(first.destination, messages.length);
      return;
    }
    if (!this.#hasRoom(item, isUp) && this.#earliest <= now) this.#sweep(now);
    if (!this.#hasRoom(item, isUp)) throw this.#full(item);
    this.#items.enqueue(item);
    this.#length += messages.length;
    this.#bytes += item.bytes;
    if (item.expires < this.#earliest) this.#earliest = item.expires;
    this.#arm(now);
  }

  /** The oldest message that is still worth sending; undefined when none waits. */
  shift(): OutgoingMessage | undefined {
    if (this.#length === 0) return undefined;
    const now = this.#options.clock();
    if (this.#earliest <= now) this.#sweep(now);
    const item = this.#items.peek();
    const message = item?.messages[item.next];
    if (item === undefined || message === undefined) return undefined;
    this.#current = item;
    item.next++;
    this.#length--;
    if (item.next === item.messages.length) this.#leave(item);
    return message;
  }

  /** The message that `shift` gave last cannot be sent; its sender is told, once for all messages of a fan-out. */
  refused(error: LinkError): void {
    const item = this.#current;
    if (item === undefined) return;
    item.failed++;
    item.error ??= error;
    if (item.next === item.messages.length) this.#tell(item);
  }

  /** Of the message that `shift` gave last; undefined where the sender wants no notice. */
  handed(): Handed | undefined {
    const item = this.#current;
    if (item?.unsent === undefined) return undefined;
    item.handed ??= {
      refused: (error) => {
        item.failed++;
        item.error ??= error;
      },
      tell: () => {
        if (item.next === item.messages.length) this.#tell(item);
      },
    };
    return item.handed;
  }

  /** Drops everything and stops the timer. @returns how many messages were lost */
  clear(): number {
    const lost = this.#length;
    const waiting = this.#waiting();
    this.#reset();
    this.#disarm();
    for (const item of waiting) this.#drop(item, new LinkError('closed', 'the link was closed'));
    return lost;
  }

  #hasRoom({ bytes }: Item, isUp: boolean): boolean {
    const { maxMessages, maxBytes } = this.#options;
    if (isUp && this.#length === 0) return true;
    return this.#bytes + bytes <= maxBytes && (isUp || this.#items.size < maxMessages);
  }

  #full({ bytes }: Item): LinkError {
    const { maxMessages, maxBytes } = this.#options;
    return new LinkError(
      'overloaded',
      `the send buffer is full: ${this.#items.size} requests or replies (limit ${maxMessages} while ` +
        `there is no connection) with ${this.#bytes} bytes (limit ${maxBytes}) wait, no room for ${bytes} more`,
    );
  }

  /** All messages of the first item have been handed over. */
  #leave(item: Item): void {
    this.#items.dequeue();
    this.#bytes -= item.bytes;
    if (this.#items.size === 0) this.#reset();
    if (item.failed > 0) this.#tell(item);
  }

  /** What has not been handed over will not be. */
  #drop(item: Item, error: LinkError): number {
    const left = item.messages.length - item.next;
    item.failed += left;
    item.error ??= error;
    item.next = item.messages.length;
    this.#tell(item);
    return left;
  }

  /** Once, and after all work in progress: the last message may be refused as well, and the sender may send again. */
  #tell(item: Item): void {
    if (item.told) return;
    item.told = true;
    queueMicrotask(() => {
      const { error, failed, unsent } = item;
      if (error === undefined) return;
      if (unsent !== undefined) unsent(error, failed);
      // The other two have events of their own.
      else if (error.code !== 'expired' && error.code !== 'closed') this.#options.onError(error);
    });
  }

  #waiting(): readonly Item[] {
    return [...this.#items];
  }

  #reset(): void {
    this.#items.clear();
    this.#length = 0;
    this.#bytes = 0;
    this.#earliest = Number.POSITIVE_INFINITY;
  }

  #sweep(now: number): void {
    const waiting = this.#waiting();
    const dropped: Item[] = [];
    this.#reset();
    for (const item of waiting) {
      if (item.expires <= now) {
        dropped.push(item);
        continue;
      }
      this.#items.enqueue(item);
      this.#length += item.messages.length - item.next;
      this.#bytes += item.bytes;
      if (item.expires < this.#earliest) this.#earliest = item.expires;
    }
    const lost = new Map<string, number>();
    for (const item of dropped) {
      const destination = item.messages[item.next]?.destination ?? '';
      lost.set(destination, (lost.get(destination) ?? 0) + this.#drop(item, expired()));
    }
    for (const [destination, count] of lost) this.#options.onExpired(destination, count);
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
    if (this.#length > 0) this.#arm(now);
  }
}

const expired = (): LinkError => new LinkError('expired', 'its time ended while it waited to be sent');

/** What messages take while they wait. Those of one request share their bodies, and mostly come one after the other. */
const bytesOf = (messages: readonly OutgoingMessage[]): number => {
  let bytes = ITEM_BYTES + messages.length * MESSAGE_BYTES;
  let last: OutgoingMessage | undefined;
  for (const message of messages) {
    const { destination, replyTo, headers, body } = message;
    if (destination !== last?.destination) bytes += destination.length;
    if (replyTo !== undefined && replyTo !== last?.replyTo) bytes += replyTo.length;
    if (body !== last?.body) bytes += body.byteLength;
    if (headers !== undefined && headers !== last?.headers)
      for (const name in headers) {
        const value = headers[name];
        bytes += value === last?.headers?.[name] ? HEADER_BYTES : HEADER_BYTES + (value?.length ?? 0);
      }
    last = message;
  }
  return bytes;
};
