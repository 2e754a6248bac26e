/** Something that is to be counted beside what was counted under its key before. */
export interface Addition {
  /** Letters, digits, `-` and `_`; the same in all instances. */
  readonly key: string;
  readonly amount: number;
  /** What may have been counted before it at most: where it is more, nothing is added. */
  readonly most: number;
  /** When it is counted, in ms since the epoch. */
  readonly now: number;
  /** Until when it counts, in ms since the epoch. */
  readonly expires: number;
}

export type Counted =
  /** @param before what was counted before it, by all instances */
  | { readonly result: 'added' | 'too_much'; readonly before: number }
  /** It may be counted, and nobody knows what was before. The reason is for the person at the client, without its full stop. */
  | { readonly result: 'unknown'; readonly reason: string };

/** Counts over all instances of a cluster. What was added is not taken back. */
export interface Tally {
  add(addition: Addition): Promise<Counted>;
}
