import type { Done, Gap, NodeReply } from './types.ts';

/** What a call needs of its client. */
export interface CallHost {
  credit(id: string, n: number): void;
  cancel(id: string): Promise<void>;
}

/** All that came of a call. */
export interface Collected {
  readonly replies: readonly NodeReply[];
  readonly done: Done;
}

/**
 * A call that runs: its replies as they come, by `for await`. It has credit for so many replies as its window; each half of it that was
 * taken is given anew, so that replies come no faster than they are taken.
 */
export class Call implements AsyncIterable<NodeReply | Gap> {
  readonly id: string;
  /** Those that are asked, where they are known. */
  readonly nodes: readonly string[] | undefined;
  /** Resolves once all that came was taken; rejects where the connection is lost before. */
  readonly done: Promise<Done>;
  readonly #host: CallHost;
  readonly #window: number;
  readonly #queue: (NodeReply | Gap)[] = [];
  #taken = 0;
  #isOver = false;
  #error: Error | undefined;
  #wake: () => void = () => undefined;
  #resolve: (done: Done) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(
    host: CallHost,
    it: { readonly id: string; readonly nodes: readonly string[] | undefined },
    window: number,
  ) {
    this.id = it.id;
    this.nodes = it.nodes;
    this.#host = host;
    this.#window = window;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who only iterates is told there.
    this.done.catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NodeReply | Gap> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        if (next.kind === 'reply') this.#take();
        yield next;
      } else if (this.#error !== undefined) throw this.#error;
      else if (this.#isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  /** Waits for its end, with all replies in memory. @throws ConnectionLost */
  async collect(): Promise<Collected> {
    const replies: NodeReply[] = [];
    for await (const one of this) if (one.kind === 'reply') replies.push(one);
    return { replies, done: await this.done };
  }

  cancel(): Promise<void> {
    return this.#host.cancel(this.id);
  }

  /** For the client. */
  came(one: NodeReply | Gap): void {
    this.#queue.push(one);
    this.#wake();
  }

  /** For the client. */
  ended(done: Done): void {
    this.#isOver = true;
    this.#resolve(done);
    this.#wake();
  }

  /** For the client. */
  failed(error: Error): void {
    this.#error = error;
    this.#reject(error);
    this.#wake();
  }

  #take(): void {
    this.#taken++;
    if (this.#isOver || this.#taken < Math.ceil(this.#window / 2)) return;
    this.#host.credit(this.id, this.#taken);
    this.#taken = 0;
  }
}
