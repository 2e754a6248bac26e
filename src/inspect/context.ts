import type { Keys } from './keys.ts';
import type { Layer } from './tree.ts';

/** What a reader of one layer gets from outside. */
export interface Context {
  readonly keys: Keys;
  /** The time of reading, in ms since the epoch. */
  readonly now: number;
  /** Reads what is inside a layer, whatever it is. Never throws. */
  readonly inside: (bytes: Buffer) => Layer;
}
