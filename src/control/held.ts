/** What an app has opened at a place of this machine. */
export interface Closable {
  close(): Promise<void>;
  /** There is another one now: nobody comes any more, and who is there stays. Where it has none, it is closed. */
  retire?(): void;
  /** Whether it can still be found at its place; it is opened there anew where not. */
  isThere?(): boolean;
}

/** An exchange that is ready: exactly one of the two follows. */
export interface Exchange {
  /** From now on the new one is had, and the old one is closed. */
  commit(): Promise<void>;
  /** The new one is closed, and nothing has changed. */
  abandon(): Promise<void>;
}

/** Nothing changes. */
export const NO_EXCHANGE: Exchange = { commit: async () => undefined, abandon: async () => undefined };

/** What is open at one place at a time, or at none, and is opened elsewhere before it is closed. */
export class Held<T extends Closable> {
  #place: string | undefined;
  #open: T | undefined;
  #isClosed = false;

  get now(): T | undefined {
    return this.#open;
  }

  /**
   * @param place where it is to be; undefined: nowhere
   * @param open opens it there; undefined where that cannot be, and is not a reason to refuse
   * @throws what `open` does
   */
  async prepare(place: string | undefined, open: () => Promise<T | undefined>): Promise<Exchange> {
    if (place === this.#place && (place === undefined || this.#isThere())) return NO_EXCHANGE;
    const next = place === undefined ? undefined : await open();
    return {
      commit: async () => {
        if (this.#isClosed) return await next?.close();
        const before = this.#open;
        [this.#place, this.#open] = [place, next];
        if (before?.retire !== undefined) before.retire();
        else await before?.close();
      },
      abandon: async () => next?.close(),
    };
  }

  /** What could not be had is tried again. */
  #isThere(): boolean {
    return this.#open !== undefined && this.#open.isThere?.() !== false;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#isClosed = true;
    [this.#place, this.#open] = [undefined, undefined];
    await open?.close();
  }
}

/** All exchanges or none of them. @throws what one of them does, once the others are abandoned */
export const prepareAll = async (prepare: readonly (() => Promise<Exchange>)[]): Promise<Exchange> => {
  const ready: Exchange[] = [];
  const abandon = async (): Promise<void> => {
    for (const exchange of ready) await exchange.abandon();
  };
  try {
    for (const one of prepare) ready.push(await one());
  } catch (error) {
    await abandon();
    throw error;
  }
  return {
    commit: async () => {
      for (const exchange of ready) await exchange.commit();
    },
    abandon,
  };
};
