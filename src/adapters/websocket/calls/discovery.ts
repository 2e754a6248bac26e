import pTimeout from 'p-timeout';
import type { Filter } from '../../../envelope/filter.ts';
import type { ReadableReply } from '../../../envelope/message.ts';
import { refusedCall } from '../wire/errors.ts';
import { type Asker, ask, type Waiting } from './ask.ts';

export interface DiscoveryQuestion {
  readonly collective: string;
  readonly filter: Filter;
  /** Seconds that nodes have. */
  readonly timeout: number;
  /** That are enough. */
  readonly limit: number | undefined;
}

/** Collects the names of nodes that answer. */
class Discovery implements Waiting {
  readonly #nodes = new Set<string>();
  readonly #limit: number;
  #enough: () => void = () => undefined;
  readonly #isEnough: Promise<void>;

  constructor(limit: number | undefined) {
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    this.#isEnough = new Promise((resolve) => {
      this.#enough = resolve;
    });
  }

  get nodes(): readonly string[] {
    return [...this.#nodes].toSorted();
  }

  heard({ sender }: ReadableReply): void {
    if (this.#nodes.size < this.#limit) this.#nodes.add(sender);
    if (this.#nodes.size >= this.#limit) this.#enough();
  }

  dropped(): void {
    this.#enough();
  }

  /** @param ms at most */
  async collected(ms: number): Promise<void> {
    await pTimeout(this.#isEnough, { milliseconds: ms, message: false });
  }
}

/** Asks who is there. @returns their names, in order @throws CallError */
export const discover = async (asker: Asker, question: DiscoveryQuestion): Promise<readonly string[]> => {
  const { collective, filter, timeout, limit } = question;
  const discovery = new Discovery(limit);
  const { number, done } = ask(asker, discovery, {
    collective,
    agent: 'discovery',
    nodes: undefined,
    filter,
    payload: { kind: 'discovery' },
    ttl: timeout,
  });
  try {
    const refused = await done;
    if (refused !== undefined) throw refusedCall(refused, true);
    await discovery.collected(Math.min(timeout, asker.env.around.maxTtl) * 1000);
    return discovery.nodes;
  } finally {
    asker.forget(number);
  }
};
