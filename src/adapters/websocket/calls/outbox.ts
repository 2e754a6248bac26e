import Queue from 'yocto-queue';
import type { ByteBudget } from '../../kit/byte-budget.ts';

/** What a text that waits takes besides its own bytes. */
const OVERHEAD_BYTES = 200;

type Item =
  | { readonly kind: 'reply'; readonly text: Buffer; readonly bytes: number }
  | { readonly kind: 'gap'; missed: number };

export interface OutboxOptions {
  /** How many replies may go out. */
  readonly credit: number;
  /** What may wait, of all calls of the session together. */
  readonly budget: ByteBudget;
  readonly say: (text: Buffer | string) => void;
  readonly gap: (missed: number) => string;
}

/**
 * The replies of one call, in their order, as far as its client has credit for them. What there is no room for is dropped, and the
 * place where it would have been says so.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queue = new Queue<Item>();
  #lastItem: Item | undefined;
  #credit: number;
  #isOpen = false;
  #last: (() => void) | undefined;
  #missed = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#credit = options.credit;
  }

  /** Replies that were dropped. */
  get missed(): number {
    return this.#missed;
  }

  /** @throws Rejection where it is dropped: `overloaded`, or what writing it throws */
  put(write: () => string): void {
    let text: Buffer;
    let bytes: number;
    try {
      // As bytes, whose number is known: a text that was put together takes more than it says while it waits.
      text = Buffer.from(write());
      bytes = OVERHEAD_BYTES + text.length;
      this.#options.budget.reserve(bytes);
    } catch (error) {
      this.#miss(1);
      throw error;
    }
    this.#add({ kind: 'reply', text, bytes });
    this.#flush();
  }

  /** From now on things go out: the client has been told of the call. */
  open(): void {
    this.#isOpen = true;
    this.#flush();
  }

  give(credit: number): void {
    this.#credit += credit;
    this.#flush();
  }

  /** @param last called once all of it has gone out */
  end(last: () => void): void {
    this.#last = last;
    this.#flush();
  }

  /** The client does not take what waits. */
  abandon(): void {
    let waiting = 0;
    let dropped = 0;
    for (const item of this.#drained())
      if (item.kind === 'reply') waiting++;
      else dropped += item.missed;
    const count = waiting + dropped;
    if (count > 0) this.#options.say(this.#options.gap(count));
    // What was dropped before has been counted then.
    this.#missed += waiting;
    this.#flush();
  }

  /** There is no client any more. */
  discard(): void {
    for (const _ of this.#drained());
    this.#last = undefined;
  }

  *#drained(): Iterable<Item> {
    for (let item = this.#queue.dequeue(); item !== undefined; item = this.#queue.dequeue()) {
      if (item.kind === 'reply') this.#options.budget.release(item.bytes);
      yield item;
    }
    this.#lastItem = undefined;
  }

  #add(item: Item): void {
    this.#queue.enqueue(item);
    this.#lastItem = item;
  }

  #miss(count: number): void {
    this.#missed += count;
    if (this.#lastItem?.kind === 'gap') this.#lastItem.missed += count;
    else this.#add({ kind: 'gap', missed: count });
    this.#flush();
  }

  /** A gap takes no credit. */
  #flush(): void {
    if (!this.#isOpen) return;
    const { say, gap, budget } = this.#options;
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (next.kind === 'reply' && this.#credit <= 0) return;
      this.#queue.dequeue();
      if (next === this.#lastItem) this.#lastItem = undefined;
      if (next.kind === 'gap') say(gap(next.missed));
      else {
        this.#credit--;
        budget.release(next.bytes);
        say(next.text);
      }
    }
    const last = this.#last;
    this.#last = undefined;
    last?.();
  }
}
