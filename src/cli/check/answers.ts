import type { Rejection, RejectionCode } from '../../envelope/rejection.ts';
import { own } from '../../envelope/text.ts';

/** Answers that were refused for one reason. */
export interface Unread {
  readonly reason: RejectionCode;
  readonly count: number;
  /** Of the first one. */
  readonly sentence: string;
  /** Some of those whom they say to come from. */
  readonly senders: readonly string[];
}

/** A node, and how many seconds its clock is ahead of this one's. */
export interface OffClock {
  readonly node: string;
  readonly seconds: number;
}

/** Whoever answers decides how much there is to remember. */
const MAX_NODES = 100_000;
const MAX_SENDERS = 5;
/** Answers say whole seconds, and take their time: less than this is none that is off. In seconds. */
const CLOCK_TOLERANCE_SECONDS = 15;

/** What came back to one question of who is there. */
export class Answers {
  readonly #clock: () => number;
  readonly #nodes = new Set<string>();
  readonly #off = new Map<string, number>();
  readonly #unread = new Map<RejectionCode, { count: number; sentence: string; senders: Set<string> }>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  readonly found = (node: string, time?: number): void => {
    if (this.#nodes.size >= MAX_NODES) return;
    const name = own(node);
    this.#nodes.add(name);
    const seconds = time === undefined ? 0 : Math.round((time - this.#clock()) / 1000);
    if (Math.abs(seconds) >= CLOCK_TOLERANCE_SECONDS) this.#off.set(name, seconds);
  };

  readonly unread = ({ code, message, context: { sender } }: Rejection): void => {
    const known = this.#unread.get(code) ?? { count: 0, sentence: message, senders: new Set<string>() };
    known.count++;
    if (sender !== undefined && known.senders.size < MAX_SENDERS) known.senders.add(own(sender));
    this.#unread.set(code, known);
  };

  get nodes(): readonly string[] {
    return [...this.#nodes].toSorted();
  }

  /** Those whose clocks are off, first the one that is so most. */
  get offClocks(): readonly OffClock[] {
    return [...this.#off]
      .map(([node, seconds]) => ({ node, seconds }))
      .toSorted((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds));
  }

  get refused(): readonly Unread[] {
    return [...this.#unread].map(([reason, { count, sentence, senders }]) => ({
      reason,
      count,
      sentence,
      senders: [...senders],
    }));
  }
}
