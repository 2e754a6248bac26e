import { RubyError, RubyFloat } from '../value.ts';

/** More digits are refused: reading and printing them takes more than linear time. Those of Marshal's 1024 bytes. */
const MAX_DIGITS = 2467;

// Psych's own expressions (scalar_scanner.rb of Psych 4.0), whose comments call the commas "not to YAML spec".
const FLOAT = /^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?$/;
const INTEGER =
  /^(?:[-+]?0b[01_,]+|[-+]?0[0-7_,]+|[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)|[-+]?0x[0-9a-fA-F_,]+)$/;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}$/;
const BASE_60_FLOAT = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}\.[0-9_]*$/;

const noNumber = (text: string): RubyError =>
  new RubyError('malformed', `${text.slice(0, 40)} looks like a number and is none`);

const narrow = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

const checkDigits = (text: string): void => {
  if (text.length > MAX_DIGITS) throw new RubyError('limit', `a number of ${text.length} digits is too long`);
};

/** Ruby's `Integer(text)` of what {@link INTEGER} lets through. */
const integer = (text: string): number | bigint => {
  const digits = text.replace(/[,_]/g, '');
  const negative = digits.startsWith('-');
  const magnitude = digits.replace(/^[-+]/, '');
  if (/^0[bx]$/.test(magnitude)) throw noNumber(text);
  const value = BigInt(/^0[0-7]/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude);
  return narrow(negative ? -value : value);
};

/** Ruby's `String#to_i`: up to the second of two underscores. */
const leadingInteger = (text: string): bigint =>
  BigInt((/^[-+]?\d+(?:_\d+)*/.exec(text)?.[0] ?? '0').replace(/[_+]/g, ''));

const leadingFloat = (text: string): number =>
  Number((/^[-+]?\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?/.exec(text)?.[0] ?? '0').replace(/_/g, ''));

/** Psych's reading: the first of two parts counts as hours, too, so `1:30` is 5400. */
const base60 = (text: string): number | bigint =>
  narrow(
    text.split(':').reduce((sum, part, i) => sum + leadingInteger(part) * 60n ** BigInt(Math.abs(i - 2)), 0n),
  );

const base60Float = (text: string): number =>
  text.split(':').reduce((sum, part, i) => sum + leadingFloat(part) * 60 ** Math.abs(i - 2), 0);

/** Ruby's `Float(text)` for decimal text without separators. @throws RubyError `malformed` */
export const strictFloat = (text: string): RubyFloat => {
  if (!/^[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) throw noNumber(text);
  return new RubyFloat(Number(text));
};

/** What Psych makes of a plain scalar that is neither text, time, symbol nor infinity; undefined for no number. */
export const psychNumber = (text: string): number | bigint | RubyFloat | undefined => {
  const first = text.charCodeAt(0);
  // Digits, `+`, `,`, `-`, `.`; spares most text the expressions below.
  if (first < 0x2b || first > 0x39) return undefined;
  if (BASE_60.test(text)) {
    checkDigits(text);
    return base60(text);
  }
  if (BASE_60_FLOAT.test(text)) {
    checkDigits(text);
    return new RubyFloat(base60Float(text));
  }
  if (FLOAT.test(text)) {
    checkDigits(text);
    if (/^[-+]?\.$/.test(text)) return undefined;
    return strictFloat(text.replace(/[,_]/g, '').replace(/\.([Ee]|$)/g, '$1'));
  }
  if (!INTEGER.test(text)) return undefined;
  checkDigits(text);
  return integer(text);
};
