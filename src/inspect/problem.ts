import { isUtf8 } from 'node:buffer';
import { RubyError } from '../codec/ruby/index.ts';
import { asRejection, Rejection } from '../envelope/rejection.ts';
import { LinkError } from '../transport/link.ts';
import type { Problem } from './tree.ts';

/** Bytes shown on either side of a problem. */
const EXCERPT_BYTES = 16;

/** A problem at a byte of a layer, with what stands around it. */
export const problemAt = (bytes: Buffer, offset: number, message: string): Problem => {
  const from = Math.max(0, offset - EXCERPT_BYTES);
  return { message, offset, excerpt: { from, bytes: bytes.subarray(from, offset + EXCERPT_BYTES) } };
};

/** Where the codecs say it in the sentence; the tree has a place of its own for it. */
const PLACE = /[,:]? (?:at|@) (?:byte|offset|position) \d+/g;

/** The `yaml` package's errors have the range that they are about. */
const yamlPosition = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !('pos' in error) || !Array.isArray(error.pos)) return undefined;
  const from: unknown = error.pos[0];
  return typeof from === 'number' ? from : undefined;
};

/** Bytes before a position in a text that was decoded from UTF-8. */
export const bytesBefore = (text: string, position: number): number =>
  Buffer.byteLength(text.slice(0, position));

const rubyOffset = (error: RubyError, bytes: Buffer): number => {
  if (error.offset !== undefined) return error.offset;
  const position = yamlPosition(error.cause);
  if (position !== undefined) return bytesBefore(bytes.toString(), position);
  const bad = badUtf8(bytes);
  if (bad !== undefined) return bad;
  const named = error.className === undefined ? -1 : bytes.indexOf(error.className);
  // YAML is read as a whole, so what is said of it without a place is known at its end.
  return named === -1 ? bytes.length : named;
};

/**
 * What a codec refused, as a problem of the layer that it read. Anything else that is thrown is a mistake of this
 * program and says so, but does not end it.
 */
export const problemOf = (error: unknown, bytes: Buffer): Problem => {
  const cause = error instanceof Rejection ? error.cause : error;
  if (cause instanceof RubyError)
    return problemAt(bytes, rubyOffset(cause, bytes), cause.message.replace(PLACE, ''));
  if (error instanceof LinkError) return { message: error.message };
  const rejection = asRejection(error);
  // All was read, and something was not there.
  if (rejection.code === 'missing_field') return { message: rejection.message, offset: bytes.length };
  return { message: rejection.message };
};

/** The problem that a codec has with a layer, if it has one. */
export const objection = (bytes: Buffer, run: () => unknown): readonly Problem[] => {
  try {
    run();
    return [];
  } catch (error) {
    return [problemOf(error, bytes)];
  }
};

/** The first byte that is not UTF-8; undefined where all are. */
export const badUtf8 = (bytes: Buffer): number | undefined => {
  if (isUtf8(bytes)) return undefined;
  // What cannot be decoded becomes U+FFFD, so from there on the text would be written differently.
  const again = Buffer.from(bytes.toString('utf8'));
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  // U+FFFD may begin with the same bytes: the sequence that is wrong starts at the last good character's end.
  for (let start = Math.max(0, at - 3); start < at; start++)
    if (isUtf8(bytes.subarray(0, start)) && !startsWell(bytes, start)) return start;
  return at;
};

/** Whether a whole character begins here. */
const startsWell = (bytes: Buffer, at: number): boolean =>
  [1, 2, 3, 4].some((length) => at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)));
