import { textIn } from '../../../codec/ruby/encodings/decode.ts';
import { BINARY } from '../../../codec/ruby/text.ts';
import { RubyString, RubySymbol, type RubyValue } from '../../../codec/ruby/value.ts';

/** A string's text, or undefined where it has none; see {@link textIn}. */
export const textOf = (value: RubyString): string | undefined => textIn(value.bytes, value.encoding);

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
