import { readBase64 } from './base64.ts';
import type { Container, Context } from './context.ts';
import { looksLikeMarshal, looksLikeYaml } from './document.ts';
import { readJsonLayer } from './json-layer.ts';
import type { Keys } from './keys.ts';
import { problemAt, problemOf } from './problem.ts';
import { readRuby } from './ruby.ts';
import { looksLikeFrame, readFrame } from './stomp.ts';
import { looksLikeToken, tokenLayer } from './token.ts';
import { isWhole, type Layer, layerOf, layersOf } from './tree.ts';

/** A message in a capture has seven at most; what is made to have more is not read to its end. */
const MAX_LAYERS = 20;

/** Discovery's words, as JSON strings in Ruby's dialect and bare in Go's. */
const WORDS: ReadonlyMap<string, 'ping' | 'pong'> = new Map([
  ['ping', 'ping'],
  ['"ping"', 'ping'],
  ['pong', 'pong'],
  ['"pong"', 'pong'],
]);

const EXCERPT_BYTES = 64;

const unknown = (bytes: Buffer): Layer =>
  layerOf('unknown', {
    bytes: bytes.length,
    problems: [problemAt(bytes, 0, bytes.length === 0 ? 'there is nothing' : 'it is like no message')],
  });

/** By its first bytes; what they say may still turn out to be wrong. */
const read = (bytes: Buffer, context: Context): Layer => {
  if (looksLikeMarshal(bytes)) return readRuby(bytes, 'marshal', context);
  if (looksLikeFrame(bytes)) return readFrame(bytes, context);
  if (looksLikeYaml(bytes)) return readRuby(bytes, 'yaml', context);
  const beginning = bytes.toString('latin1', 0, EXCERPT_BYTES).trimStart();
  if (beginning.startsWith('{')) return readJsonLayer(bytes, context);
  // Python ends a document of one word so.
  const word =
    bytes.length <= EXCERPT_BYTES ? WORDS.get(beginning.replace(/\n\.\.\.\s*$/, '').trim()) : undefined;
  if (word !== undefined) return layerOf(word, { bytes: bytes.length });
  if (beginning.startsWith('eyJ') && looksLikeToken(bytes.toString('latin1').trim()))
    return tokenLayer(bytes);
  return readBase64(bytes, context) ?? unknown(bytes);
};

const reader = (given: Omit<Context, 'inside'>, depth: number): ((bytes: Buffer) => Layer) => {
  const inside = (bytes: Buffer): Layer => {
    if (depth >= MAX_LAYERS)
      return layerOf('unknown', {
        bytes: bytes.length,
        problems: [problemAt(bytes, 0, `more than ${MAX_LAYERS} layers`)],
      });
    return reader(given, depth + 1)(bytes);
  };
  return (bytes) => {
    try {
      return read(bytes, { ...given, inside });
    } catch (error) {
      return layerOf('unknown', { bytes: bytes.length, problems: [problemOf(error, bytes)] });
    }
  };
};

const LINE_END = /\r?\n$/;

/** A file's last line end, which most formats do not mind and Marshal does. */
const withoutLineEnd = (bytes: Buffer): Buffer => {
  const end = LINE_END.exec(bytes.toString('latin1', Math.max(0, bytes.length - 2)));
  return end === null ? bytes : bytes.subarray(0, bytes.length - end[0].length);
};

/**
 * Reads a message of either side, or any layer of one, as far as it goes. Never throws: what cannot be read is in the
 * tree's problems.
 * @param now ms since the epoch
 * @param containers formats besides lines of captures that messages may be held in, or written in
 */
export const decodeMessage = (
  bytes: Buffer,
  keys: Keys,
  now: number,
  containers: readonly Container[] = [],
): Layer => {
  const decode = reader({ keys, now, containers }, 1);
  const layer = decode(bytes);
  const shorter = withoutLineEnd(bytes);
  if (isWhole(layer) || shorter.length === bytes.length) return layer;
  const again = decode(shorter);
  return isWhole(again) || layersOf(again).length > layersOf(layer).length ? again : layer;
};
