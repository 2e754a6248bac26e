import type { Change } from './compare.ts';

/** A message that is not as it was recorded, one that did not come, or one that should not have. */
export interface Difference {
  readonly kind: 'changed' | 'missing' | 'extra';
  /** `egress legacy`, or `rejections`. */
  readonly lane: string;
  /** Of the cassette: of the recorded message, or of the one that made the bridge send the extra one. */
  readonly line: number;
  /** Where the message goes, or why it was refused. */
  readonly what: string;
  readonly requestId?: string;
  /** The node or client that it names as its sender. */
  readonly sender?: string;
  readonly changes: readonly Change[];
}

export interface ReplayResult {
  readonly file: string;
  readonly outcome: 'same' | 'different' | 'unusable';
  /** Why it is unusable, in sentences. */
  readonly reason?: string;
  /** Messages that were fed to the bridge. */
  readonly fed: number;
  /** Messages that the bridge sent. */
  readonly sent: number;
  /** Messages that the bridge refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Recorded messages and rejections that came out the same. */
  readonly same: number;
  /** All that differ. */
  readonly different: number;
  /** The first of them. */
  readonly differences: readonly Difference[];
  /** What a reader should know besides. */
  readonly notes: readonly string[];
  /** Settings of private keys that were missing, and were made for this replay. */
  readonly madeKeys: readonly string[];
  /** Whether the cassette has been rewritten. */
  readonly updated: boolean;
  /** Whether it has been made just now, of the requests of a capture. */
  readonly imported?: true;
  readonly seconds: number;
}

/** What a cassette that nothing could be made of comes to. */
export const unusable = (file: string, reason: string): ReplayResult => ({
  file,
  outcome: 'unusable',
  reason,
  fed: 0,
  sent: 0,
  refused: {},
  same: 0,
  different: 0,
  differences: [],
  notes: [],
  madeKeys: [],
  updated: false,
  seconds: 0,
});
