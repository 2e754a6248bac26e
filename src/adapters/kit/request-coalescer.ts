import { AsyncResource } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { own } from '../../envelope/text.ts';
import type { IncomingMessage } from '../../transport/link.ts';

export interface RequestCoalescerOptions {
  /** Gets the first message and the nodes of all. */
  readonly take: (message: IncomingMessage, nodes: readonly string[]) => void;
  /** Ms without a further copy until a request is complete; 0: what comes in one turn of the event loop. */
  readonly quiet?: number;
  /** Nodes that are handed over together. */
  readonly most?: number;
}

interface Open {
  /** In the thread of work that its first message began, whoever's turn it is: so that one can be told from another. */
  readonly take: (nodes: readonly string[]) => void;
  readonly nodes: Set<string>;
  /** By the monotonic clock. */
  readonly first: number;
  last: number;
}

/** A request is collected for at most so many quiet periods: its requester waits. */
const MAX_QUIET_PERIODS = 10;

/**
 * Puts together again what a client sends as one message a node: messages that come close together and are the same
 * but for the node. So a request is verified and signed once, not once a node, and the way out sees how
 * many nodes it is for.
 */
export class RequestCoalescer {
  readonly #options: RequestCoalescerOptions;
  readonly #quiet: number;
  /** In the order of their first messages. */
  readonly #open = new Map<string, Open>();
  #timer: NodeJS.Timeout | undefined;
  #check: NodeJS.Immediate | undefined;

  constructor(options: RequestCoalescerOptions) {
    this.#options = options;
    this.#quiet = options.quiet ?? 0;
  }

  add(message: IncomingMessage, node: string): void {
    const key = keyOf(message);
    const now = performance.now();
    const open = this.#open.get(key) ?? this.#begin(message, now);
    this.#open.set(key, open);
    if (!open.nodes.has(node)) open.nodes.add(own(node));
    open.last = now;
    if (open.nodes.size >= (this.#options.most ?? Number.POSITIVE_INFINITY)) this.#close(key, open);
    else this.#schedule(this.#quiet);
  }

  /** Hands over all that has been collected. */
  flush(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#check);
    this.#timer = this.#check = undefined;
    for (const [key, open] of this.#open) this.#close(key, open);
  }

  #begin(message: IncomingMessage, now: number): Open {
    const take = AsyncResource.bind((nodes: readonly string[]) => this.#options.take(message, nodes));
    return { take, nodes: new Set(), first: now, last: now };
  }

  #close(key: string, { take, nodes }: Open): void {
    this.#open.delete(key);
    take([...nodes]);
  }

  #schedule(wait: number): void {
    if (this.#timer !== undefined || this.#check !== undefined) return;
    if (wait === 0) this.#look();
    else
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#look();
      }, wait);
  }

  /** Once what lies in the socket has been read: a busy process has not seen the copies that came meanwhile. */
  #look(): void {
    this.#check = setImmediate(() => {
      this.#check = undefined;
      const now = performance.now();
      let next = Number.POSITIVE_INFINITY;
      for (const [key, open] of this.#open) {
        const wait = Math.min(open.last + this.#quiet, open.first + MAX_QUIET_PERIODS * this.#quiet) - now;
        if (wait <= 0) this.#close(key, open);
        else next = Math.min(next, wait);
      }
      if (this.#open.size > 0) this.#schedule(next);
    });
  }
}

const keyOf = ({ replyTo = '', body }: IncomingMessage): string =>
  `${createHash('sha256').update(body).digest('base64')} ${replyTo}`;
