/** `mcbridge/decode`: any message of either side, or any layer of one, as a tree of layers, as `mcbridge decode` shows it. */
import { CASSETTES } from '../capture/file/layers.ts';
import { type Keys, NO_KEYS } from '../inspect/keys.ts';
import { decodeMessage } from '../inspect/recognise.ts';
import type { Layer } from '../inspect/tree.ts';

export {
  type CallerVerifier,
  type CallerVerifierOptions,
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../adapters/choria/wire/index.ts';
export { formatJson } from '../codec/json.ts';
export { Float, type Value, type ValueMap } from '../envelope/value.ts';
export { type Piece, piecesOf } from '../inspect/input.ts';
export { layerValue } from '../inspect/json.ts';
export { type Keys, type KnownKey, NO_KEYS } from '../inspect/keys.ts';
export { type Line, layerLines, type Span, type TextOptions, type Tone } from '../inspect/text.ts';
export {
  type Excerpt,
  type Field,
  type Format,
  isWhole,
  LAYERS,
  type Layer,
  type LayerKind,
  layersOf,
  type Problem,
  type Verdict,
} from '../inspect/tree.ts';

export interface DecodeOptions {
  /** What signatures are verified with; without any they are `unverified`. */
  readonly keys?: Keys;
  /** When it is read, in ms since the epoch; now unless given. Signatures are judged at the time of their message. */
  readonly now?: number;
}

/**
 * Reads a message as far as it goes. Never throws: what cannot be read is among the `problems` of its layer.
 * @param bytes one message: of an input with several, {@link piecesOf} gives each
 */
export const decode = (bytes: Uint8Array, { keys = NO_KEYS, now = Date.now() }: DecodeOptions = {}): Layer =>
  decodeMessage(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), keys, now, CASSETTES);
