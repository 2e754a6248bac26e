import { utf8Text } from '../text.ts';
import type { EncodingTables } from './packed.ts';
import { TextBuilder } from './table.ts';

type Endian = 'BE' | 'LE';

export const decodeUtf16 = (bytes: Buffer, endian: Endian): string | undefined => {
  if (bytes.length % 2 !== 0) return undefined;
  const text = endian === 'LE' ? bytes.toString('utf16le') : Buffer.from(bytes).swap16().toString('utf16le');
  return text.isWellFormed() ? text : undefined;
};

export const decodeUtf32 = (bytes: Buffer, endian: Endian): string | undefined => {
  if (bytes.length % 4 !== 0) return undefined;
  const into = new TextBuilder();
  for (let at = 0; at < bytes.length; at += 4) {
    const code = endian === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    into.code(code);
  }
  return into.result();
};

/** The order of the bytes by the mark in front, without which Ruby converts neither UTF-16 nor UTF-32. */
export const byByteOrder = (
  bytes: Buffer,
  width: 2 | 4,
  decode: (bytes: Buffer, endian: Endian) => string | undefined,
): string | undefined => {
  if (bytes.length === 0) return '';
  if (bytes.length < width) return undefined;
  const mark = width === 2 ? bytes.readUInt16BE(0) : bytes.readUInt32BE(0);
  if (mark === 0xfeff) return decode(bytes.subarray(width), 'BE');
  if (mark === (width === 2 ? 0xfffe : 0xfffe0000)) return decode(bytes.subarray(width), 'LE');
  return undefined;
};

const isTrail = (byte: number | undefined): byte is number => byte !== undefined && byte >> 6 === 2;

/** CESU-8: UTF-8 of UTF-16's code units, so that characters beyond U+FFFF take six bytes. */
export const decodeCesu8 = (bytes: Buffer): string | undefined => {
  const into = new TextBuilder();
  for (let at = 0; at < bytes.length; ) {
    const [a = 0, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    if (a < 0x80) {
      into.unit(a);
      at += 1;
    } else if (a >= 0xc2 && a <= 0xdf && isTrail(b)) {
      into.unit(((a & 0x1f) << 6) | (b & 0x3f));
      at += 2;
    } else if (a >= 0xe0 && a <= 0xef && isTrail(b) && isTrail(c) && (a > 0xe0 || b >= 0xa0)) {
      into.unit(((a & 0xf) << 12) | ((b & 0x3f) << 6) | (c & 0x3f));
      at += 3;
    } else return undefined;
  }
  const text = into.result();
  return text.isWellFormed() ? text : undefined;
};

/** UTF-8 with characters of a telephone company's own. */
export const decodeVariant = (
  bytes: Buffer,
  differences: ReadonlyMap<number, string>,
): string | undefined => {
  const text = utf8Text(bytes, 0, bytes.length);
  if (text === undefined) return undefined;
  const into = new TextBuilder();
  for (const char of text) {
    const other = differences.get(char.codePointAt(0) ?? 0);
    if (other === '') return undefined;
    into.text(other ?? char);
  }
  return into.result();
};

/**
 * What file names of macOS are in: characters are taken apart. Ruby puts two together, from left to right; one of four
 * bytes ends what went before, one of ASCII too (`fun_so_from_utf8_mac` in utf8_mac.trans).
 */
export const decodeMac = (bytes: Buffer, { compositions }: EncodingTables): string | undefined => {
  const text = utf8Text(bytes, 0, bytes.length);
  if (text === undefined) return undefined;
  const into = new TextBuilder();
  let last = '';
  for (const char of text) {
    const composed = char >= '\x80' ? compositions.get(last + char) : undefined;
    if (composed === undefined) into.text(last);
    last = composed ?? char;
  }
  into.text(last);
  return into.result();
};
