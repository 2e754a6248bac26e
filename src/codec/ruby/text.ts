import { isUtf8 } from 'node:buffer';
import { RubyError, RubyString } from './value.ts';

export const BINARY = 'ASCII-8BIT';
export const UTF_8 = 'UTF-8';
export const US_ASCII = 'US-ASCII';

/** What an encoding's name may be. Ruby's longest is `UTF-8-HFS` or `IBM…`; this one goes into logs. */
const ENCODING_NAME = /^[A-Za-z0-9][\w.:-]{0,39}$/;

export const isEncodingName = (name: string): boolean => ENCODING_NAME.test(name);

export const isAscii = (bytes: Uint8Array, start: number, end: number): boolean => {
  let i = start;
  let seen = 0;
  for (const last = end - 3; i < last; i += 4)
    seen |= (bytes[i] ?? 0) | (bytes[i + 1] ?? 0) | (bytes[i + 2] ?? 0) | (bytes[i + 3] ?? 0);
  for (; i < end; i++) seen |= bytes[i] ?? 0;
  return seen < 0x80;
};

/** Valid UTF-8 as text; undefined where it is not valid. */
export const utf8Text = (bytes: Buffer, start: number, end: number): string | undefined => {
  if (isAscii(bytes, start, end)) return bytes.toString('latin1', start, end);
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : undefined;
};

/** A Ruby string in the value model: text where it is valid UTF-8 or US-ASCII, else its bytes. */
export const rubyText = (
  bytes: Buffer,
  start: number,
  end: number,
  encoding: string,
): string | RubyString => {
  if (encoding === UTF_8) {
    const text = utf8Text(bytes, start, end);
    if (text !== undefined) return text;
  } else if (encoding === US_ASCII && isAscii(bytes, start, end)) return bytes.toString('latin1', start, end);
  return new RubyString(bytes.subarray(start, end), encoding);
};

const SURROGATE = /\p{Surrogate}/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
const ASCII_TEXT = /^[\x00-\x7f]*$/;

export const isAsciiText = (text: string): boolean => ASCII_TEXT.test(text);

/** @throws RubyError `unwritable` for text with half of a surrogate pair, which no UTF-8 can say */
export const requireWellFormed = (text: string): void => {
  if (SURROGATE.test(text)) throw new RubyError('unwritable', 'text with an unpaired surrogate is no UTF-8');
};

/** A name from outside, fit for an error's text: printable ASCII and short. */
export const printableAscii = (name: string): string => {
  const plain = name.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 80 ? `${plain.slice(0, 80)}…` : plain;
};
