import type { RemoteNodes } from '../../../envelope/port.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../../transport/link.ts';
import { directedDestination } from '../wire/addressing.ts';
import { QuietPeriod } from './quiet-period.ts';
import { arrange, type Batch, globSelectors, namesSelector } from './selectors.ts';

export interface DirectedOptions {
  readonly link: Link;
  readonly collective: string;
  readonly remoteNodes: RemoteNodes;
  readonly onMessage: (message: IncomingMessage) => void;
  /** Told of a change that could not be made; what stood before still stands. */
  readonly onError: (error: unknown) => void;
}

/** Nodes are learned in bursts: how long changes are collected, in ms. */
const SETTLE_DELAY_MS = 250;
/**
 * The subscriptions of a collective's directed queue: each selects some of the nodes that live beyond, so that what
 * is for others stays in the queue for them. Follows what is known of the nodes; a new selection stands before the
 * one that it replaces goes, and the broker gives a frame that both select to one of them.
 */
export class DirectedSubscriptions {
  readonly #options: DirectedOptions;
  #batches: readonly Batch[] = [];
  readonly #standing = new Map<string, LinkSubscription>();
  #timer: NodeJS.Timeout | undefined;
  #changing = false;
  #stale = false;
  #stopped = false;
  readonly #quietPeriod = new QuietPeriod();

  constructor(options: DirectedOptions) {
    this.#options = options;
  }

  /** @returns once the broker has confirmed what is to be selected now */
  async start(): Promise<void> {
    this.#options.remoteNodes.onChange(() => this.#changed());
    await this.#change();
  }

  /** Takes no more frames. @returns when no late one is to be expected any more; all that came are handed over */
  async stop(): Promise<void> {
    this.#freeze();
    await this.#quietPeriod.waitForGap();
    await this.#end([...this.#standing.keys()]);
    await this.#quietPeriod.waitForStragglers();
  }

  /** Changes no more; for when the link is about to go. */
  abandon(): void {
    this.#freeze();
    this.#quietPeriod.cancel();
  }

  #freeze(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #changed(): void {
    if (this.#stopped) return;
    if (this.#changing) this.#stale = true;
    else
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#change().catch((error: unknown) => {
          if (!this.#stopped) this.#options.onError(error);
        });
      }, SETTLE_DELAY_MS).unref();
  }

  async #change(): Promise<void> {
    this.#changing = true;
    try {
      const selectors = this.#selectors();
      const fresh = [...selectors].filter((selector) => !this.#standing.has(selector));
      const gone = [...this.#standing.keys()].filter((selector) => !selectors.has(selector));
      await Promise.all(fresh.map((selector) => this.#begin(selector)));
      if (gone.length > 0) await this.#quietPeriod.waitForGap();
      await this.#end(gone);
    } finally {
      this.#changing = false;
      if (this.#stale) {
        this.#stale = false;
        this.#changed();
      }
    }
  }

  #selectors(): ReadonlySet<string> {
    const { remoteNodes, collective } = this.#options;
    this.#batches = arrange(this.#batches, remoteNodes.names(collective));
    return new Set([...globSelectors(remoteNodes.patterns(collective)), ...this.#batches.map(namesSelector)]);
  }

  async #begin(selector: string): Promise<void> {
    const { link, collective, onMessage } = this.#options;
    const standing = await link.subscribe({
      destination: directedDestination(collective),
      headers: { selector },
      onMessage: (message) => {
        this.#quietPeriod.heard();
        onMessage(message);
      },
    });
    this.#standing.set(selector, standing);
    // Stopped while it was being made.
    if (this.#stopped) await this.#end([selector]);
  }

  async #end(selectors: readonly string[]): Promise<void> {
    const ending = selectors.map((selector) => {
      const subscription = this.#standing.get(selector);
      this.#standing.delete(selector);
      return subscription?.unsubscribe();
    });
    await Promise.all(ending);
  }
}
