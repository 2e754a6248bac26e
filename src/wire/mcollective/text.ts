import { TextDecoder } from 'node:util';
import { RubyString, RubySymbol, type RubyValue } from '../ruby/value.ts';

/** Ruby's encoding names that the Encoding Standard knows by another label. */
const LABELS: Readonly<Record<string, string>> = {
  'Windows-31J': 'shift_jis',
  CP932: 'shift_jis',
  eucJP: 'euc-jp',
  'eucJP-ms': 'euc-jp',
  CP949: 'euc-kr',
  CP936: 'gbk',
  IBM866: 'ibm866',
};

const BINARY = 'ASCII-8BIT';

/** Ruby's names of what has no character for a byte above 0x7f; the Encoding Standard reads ASCII as windows-1252. */
const ASCII_ALONE = /^(?:ASCII-8BIT|BINARY|US-ASCII|ASCII|ANSI_X3\.4-1968|646)$/i;

/** Encodings in which a byte below 0x80 need not be the ASCII character. */
const NOT_ASCII = /^(UTF-?(7|16|32)|ISO-2022|CP5022|stateless-ISO-2022|IBM037|HZ-)/i;

/** UTF-16 without a byte order says it in its first character; big-endian, where it does not (RFC 2781). */
const withByteOrder = (encoding: string, bytes: Buffer): readonly [string, Buffer] => {
  if (encoding !== 'UTF-16') return [encoding, bytes];
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE();
  if (mark === 0xfffe) return ['UTF-16LE', bytes.subarray(2)];
  return ['UTF-16BE', mark === 0xfeff ? bytes.subarray(2) : bytes];
};

const decoders = new Map<string, TextDecoder | null>();

const decoderFor = (encoding: string): TextDecoder | null => {
  const known = decoders.get(encoding);
  if (known !== undefined) return known;
  let decoder: TextDecoder | null = null;
  try {
    decoder = new TextDecoder(LABELS[encoding] ?? encoding, { fatal: true, ignoreBOM: true });
  } catch {
    // An encoding that this runtime does not know; its bytes are kept as they are.
  }
  // Encoding names come from messages: the cache must not grow with them.
  if (decoders.size < 64) decoders.set(encoding, decoder);
  return decoder;
};

const isAscii = (bytes: Uint8Array): boolean => {
  for (const byte of bytes) if (byte > 0x7f) return false;
  return true;
};

const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** By hand, because several releases of Node read it as latin1 (nodejs/node#56542). */
const windows1252 = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (control) => WINDOWS_1252.charAt(control.charCodeAt(0) - 0x80));

/**
 * A string's text, or undefined where it has none: bytes of an unknown encoding, broken bytes, or binary.
 * A binary string of ASCII alone is text, because to Ruby too it equals the same string in any encoding
 * (and daemons on Ruby 1.8 declare no encoding at all).
 */
export const textOf = (value: RubyString): string | undefined => {
  if (isAscii(value.bytes) && !NOT_ASCII.test(value.encoding)) return value.bytes.toString('latin1');
  if (ASCII_ALONE.test(value.encoding)) return undefined;
  // The Encoding Standard reads latin1 as windows-1252; Ruby's ISO-8859-1 is latin1 proper.
  if (value.encoding === 'ISO-8859-1') return value.bytes.toString('latin1');
  if (value.encoding === 'Windows-1252') return windows1252(value.bytes);
  const [encoding, bytes] = withByteOrder(value.encoding, value.bytes);
  try {
    return decoderFor(encoding)?.decode(bytes);
  } catch {
    return undefined;
  }
};

/** The text of a protocol field; symbols count as text, because daemons of some versions write them so. */
export const fieldText = (value: RubyValue | undefined): string | undefined => {
  if (typeof value === 'string') return value;
  if (value instanceof RubyString) return textOf(value);
  if (value instanceof RubySymbol) return value.name;
  return undefined;
};

/** The bytes of a field that holds another document or a signature. */
export const fieldBytes = (value: RubyValue | undefined): Buffer | undefined => {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (value instanceof RubyString) return value.bytes;
  return undefined;
};

export const binary = (bytes: Uint8Array): RubyString =>
  new RubyString(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), BINARY);
