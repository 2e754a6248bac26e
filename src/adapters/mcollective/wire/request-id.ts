import { RubyString, RubySymbol, type RubyValue, symbol } from '../../../codec/ruby/value.ts';
import { isRequestId } from '../../../envelope/check.ts';
import { binary, fieldText } from './text.ts';

/**
 * What a client made its request's id of, where that is not text. Daemons hand back the very value, and a client looks for
 * it: an integer comes of YAML without quotes, bytes of a raw UUID.
 */
export type IdForm = 'integer' | 'symbol' | 'bytes';

export interface RequestId {
  /** In the bridge, in logs and to nodes of other protocols; the base64 of bytes. */
  readonly text: string;
  /** Undefined for a text. */
  readonly form?: IdForm;
}

/** The id in a message; undefined where there is none, or none of at most 255 bytes. */
export const requestIdFrom = (value: RubyValue | undefined): RequestId | undefined => {
  const id = read(value);
  return id !== undefined && isRequestId(id.text) ? id : undefined;
};

const read = (value: RubyValue | undefined): RequestId | undefined => {
  if (typeof value === 'number' || typeof value === 'bigint') return { text: String(value), form: 'integer' };
  if (value instanceof RubySymbol) return { text: value.name, form: 'symbol' };
  const text = fieldText(value);
  if (text !== undefined) return { text };
  return value instanceof RubyString ? { text: value.bytes.toString('base64'), form: 'bytes' } : undefined;
};

/** The value that the client wrote. */
export const requestIdToRuby = ({ text, form }: RequestId): RubyValue => {
  if (form === 'integer') return integer(BigInt(text));
  if (form === 'symbol') return symbol(text);
  return form === 'bytes' ? binary(Buffer.from(text, 'base64')) : text;
};

const integer = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;
