import type { ValueMap } from '../envelope/value.ts';
import type { JsonText } from './json-text.ts';
import type { Keys } from './keys.ts';
import type { Layer } from './tree.ts';

/** Documents that the decoding command knows: a format that holds messages, a JSON object on each line, or an adapter's messages. */
export interface Container {
  /** Whether an object is one of them. */
  holds(map: ValueMap): boolean;
  read(json: JsonText, context: Context): Layer;
}

/** What a reader of one layer gets from outside. */
export interface Context {
  readonly keys: Keys;
  /** The time of reading, in ms since the epoch. */
  readonly now: number;
  readonly containers: readonly Container[];
  /** Reads what is inside a layer, whatever it is. Never throws. */
  readonly inside: (bytes: Buffer) => Layer;
}
