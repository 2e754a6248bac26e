import { textIn } from '../encodings/decode.ts';
import { RubyFloat, RubyRegexp, RubyString, RubySymbol, type RubyValue } from '../value.ts';

/** `Float#to_s`: the shortest digits, with an exponent below 1e-4 and from 1e16. */
export const floatText = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [mantissa = '', exponent = ''] = size.toExponential().split('e');
    const digits = exponent.slice(1).padStart(2, '0');
    return `${sign}${mantissa}${mantissa.includes('.') ? '' : '.0'}e${exponent.charAt(0)}${digits}`;
  }
  return `${sign}${size}${Number.isInteger(size) ? '.0' : ''}`;
};

/** `/source/flags`, the notation that filters and agents use. */
export const regexpText = ({ source, options }: RubyRegexp): string =>
  `/${source}/${options & 4 ? 'm' : ''}${options & 1 ? 'i' : ''}${options & 2 ? 'x' : ''}`;

/** To write long integers takes more than linear time, and a link of one byte may repeat each. */
const MAX_NUMBER = 10n ** 100n;

/** What `to_s` gives of a value that is a text, a number or the like; undefined of others. */
export const scalarText = (value: RubyValue | undefined): string | undefined => {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    case 'bigint':
      return value < MAX_NUMBER && value > -MAX_NUMBER ? String(value) : undefined;
  }
  if (value === null) return '';
  if (value instanceof RubySymbol) return value.name;
  if (value instanceof RubyFloat) return floatText(value.value);
  if (value instanceof RubyString) return textIn(value.bytes, value.encoding);
  if (value instanceof RubyRegexp) return regexpText(value);
  return undefined;
};
