import { type Change, changesBetween } from './compare.ts';
import type { ComparedMessage } from './compared-message.ts';

export interface MatcherOptions {
  /** How two that mean the same may differ all the same: signatures, and bytes where these are to be the same. */
  readonly further: (recorded: ComparedMessage, replayed: ComparedMessage) => readonly Change[];
  /** Told of each two that belong together, whether they are the same or not, unless they are so in each byte. */
  readonly onPair: (recorded: ComparedMessage, replayed: ComparedMessage) => void;
  readonly onSame: (recorded: ComparedMessage) => void;
  /** One of both is undefined where there is no other to it. */
  readonly onDifferent: (
    recorded: ComparedMessage | undefined,
    replayed: ComparedMessage | undefined,
    changes: readonly Change[],
  ) => void;
}

/**
 * Messages that have to wait for their counterpart: what a bridge signed comes later in the recording than in the
 * replay, and what is heard on two networks in either order. Counted in messages that come in.
 */
const MAX_TURNS_APART = 1_000;
/** How many of one kind are looked at for the best counterpart of one that has none that is the same. */
const MAX_CANDIDATES = 100;

/** So few are compared one by one, as where each message comes right after its counterpart. */
const MAX_UNINDEXED_ITEMS = 4;

/** Those that wait, in order. */
class Waiting {
  readonly items = new Set<ComparedMessage>();
  /** By all that they are; only while there are many. */
  #index: Map<string, ComparedMessage[]> | undefined;

  add(item: ComparedMessage): void {
    this.items.add(item);
    if (this.#index !== undefined) addTo(this.#index, item);
  }

  delete(item: ComparedMessage): void {
    this.items.delete(item);
    if (this.items.size === 0) this.#index = undefined;
    const same = this.#index?.get(item.exact) ?? [];
    if (same.length <= 1) this.#index?.delete(item.exact);
    else same.splice(same.indexOf(item), 1);
  }

  /** The first that is the same in each byte. */
  exact(item: ComparedMessage): ComparedMessage | undefined {
    if (this.#index === undefined && this.items.size > MAX_UNINDEXED_ITEMS) {
      this.#index = new Map();
      for (const one of this.items) addTo(this.#index, one);
    }
    if (this.#index !== undefined) return this.#index.get(item.exact)?.[0];
    for (const one of this.items) if (one.isExactly(item)) return one;
    return undefined;
  }
}

const addTo = (index: Map<string, ComparedMessage[]>, item: ComparedMessage): void => {
  const same = index.get(item.exact);
  if (same === undefined) index.set(item.exact, [item]);
  else same.push(item);
};

interface Lane {
  readonly recorded: Waiting;
  readonly replayed: Waiting;
}

/**
 * Finds for each recorded message the replayed one that is the same, in any order; what stays alone is put beside
 * what is most like it. Holds only what waits.
 */
export class Matcher {
  readonly #options: MatcherOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #egresses: Lane[] = [];

  constructor(options: MatcherOptions) {
    this.#options = options;
  }

  recorded(item: ComparedMessage): void {
    const { recorded, replayed } = this.#lane(item.lane);
    const exact = replayed.exact(item);
    if (exact !== undefined) {
      replayed.delete(exact);
      this.#options.onSame(item);
      return;
    }
    for (const other of replayed.items) {
      if (!this.#isSame(item, other)) continue;
      replayed.delete(other);
      return;
    }
    recorded.add(item);
  }

  replayed(item: ComparedMessage): void {
    const { recorded, replayed } = this.#lane(item.lane);
    const exact = recorded.exact(item);
    if (exact !== undefined) {
      recorded.delete(exact);
      this.#options.onSame(exact);
      return;
    }
    for (const other of recorded.items) {
      if (!this.#isSame(other, item)) continue;
      recorded.delete(other);
      return;
    }
    replayed.add(item);
  }

  /** Gives up on those that have waited for long. @param turn the messages that have come in so far */
  sweep(turn: number): void {
    this.#end((item) => item.turn < turn - MAX_TURNS_APART);
  }

  /** Gives up on all that wait. */
  end(): void {
    this.#end(() => true);
  }

  /** Whether any recorded one that was sent by an egress still waits. */
  get isRequestWaiting(): boolean {
    return this.#egresses.some(({ recorded }) => recorded.items.size > 0);
  }

  /**
   * Gives up on the first recorded one of any egress that this is true for: what it belongs to has to be known now. A
   * reply may come by another egress of the same network than its request went by.
   */
  decideRequest(wanted: (item: ComparedMessage) => boolean): void {
    for (const { recorded, replayed } of this.#egresses)
      for (const item of recorded.items)
        if (wanted(item)) {
          this.#giveUp(item, recorded, replayed);
          return;
        }
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane = { recorded: new Waiting(), replayed: new Waiting() };
    this.#lanes.set(name, lane);
    if (name.startsWith('egress ')) this.#egresses.push(lane);
    return lane;
  }

  #isSame(recorded: ComparedMessage, replayed: ComparedMessage): boolean {
    const { further, onPair, onSame, onDifferent } = this.#options;
    if (recorded.matchKey !== replayed.matchKey) return false;
    if (changesBetween(recorded.normalized, replayed.normalized).length > 0) return false;
    onPair(recorded, replayed);
    const changes = further(recorded, replayed);
    if (changes.length === 0) onSame(recorded);
    else onDifferent(recorded, replayed, changes);
    return true;
  }

  #end(isOver: (item: ComparedMessage) => boolean): void {
    for (const { recorded, replayed } of this.#lanes.values()) {
      for (const item of recorded.items) {
        // They are in order.
        if (!isOver(item)) break;
        this.#giveUp(item, recorded, replayed);
      }
      for (const item of replayed.items) {
        if (!isOver(item)) break;
        replayed.delete(item);
        this.#options.onDifferent(undefined, item, []);
      }
    }
  }

  #giveUp(item: ComparedMessage, recorded: Waiting, replayed: Waiting): void {
    const { onPair, onDifferent } = this.#options;
    recorded.delete(item);
    const other = mostLike(item, replayed.items);
    if (other === undefined) {
      onDifferent(item, undefined, []);
      return;
    }
    replayed.delete(other);
    onPair(item, other);
    onDifferent(item, other, changesBetween(item.normalized, other.normalized));
  }
}

/** Among those of the same request the one with the fewest changes. */
const mostLike = (
  item: ComparedMessage,
  others: ReadonlySet<ComparedMessage>,
): ComparedMessage | undefined => {
  let best: ComparedMessage | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  let looked = 0;
  for (const other of others) {
    if (
      other.matchKey !== item.matchKey &&
      (item.requestId === undefined || other.requestId !== item.requestId)
    )
      continue;
    const count = changesBetween(item.normalized, other.normalized).length;
    if (count < fewest) [best, fewest] = [other, count];
    if (++looked >= MAX_CANDIDATES) break;
  }
  return best;
};
