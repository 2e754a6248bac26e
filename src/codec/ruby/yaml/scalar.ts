import { RubyFloat, RubySymbol, type RubyValue } from '../value.ts';
import { psychNumber } from './number.ts';
import { dayText, isTimestamp, psychTime } from './timestamp.ts';

/** What cannot be anything but text, or one of the words. From `ScalarScanner#tokenize`; Ruby's `[[:alpha:]]`. */
const TEXT = /^[^\d.:-]?[\p{Alphabetic}_ \t\r\n\f\v!@#$%^&*(){}<>|/\\~;=]+/u;
const QUOTED_SYMBOL = /^:(["'])([^\n]*)\1/;

/** The words of five letters at most; Psych looks at each line, because Ruby's `^` and `$` do. */
const word = (text: string): RubyValue => {
  const lines = text.toLowerCase().split('\n');
  if (lines.some((line) => line !== '' && !'ytonf~'.includes(line.charAt(0)))) return text;
  if (text === '~' || lines.includes('null')) return null;
  if (lines.some((line) => line === 'yes' || line === 'true' || line === 'on')) return true;
  if (lines.some((line) => line === 'no' || line === 'false' || line === 'off')) return false;
  return text;
};

const symbol = (text: string): RubySymbol => {
  const quoted = QUOTED_SYMBOL.exec(text)?.[2];
  return new RubySymbol(quoted === undefined ? text.slice(1) : quoted.replace(/^:/, ''));
};

/**
 * What Psych makes of a plain scalar without a tag.
 * @throws RubyError `malformed` where Psych raises
 */
export const psychScalar = (text: string): RubyValue => {
  if (text === '') return null;
  if (TEXT.test(text) || text.includes('\n'))
    return text.length > 10 || [...text].length > 5 ? text : word(text);
  if (isTimestamp(text)) return psychTime(text) ?? text;
  const day = dayText(text);
  if (day !== undefined) return day;
  if (/^\+?\.inf$/i.test(text)) return new RubyFloat(Number.POSITIVE_INFINITY);
  if (/^-\.inf$/i.test(text)) return new RubyFloat(Number.NEGATIVE_INFINITY);
  if (/^\.nan$/i.test(text)) return new RubyFloat(Number.NaN);
  if (text.length > 1 && text.startsWith(':')) return symbol(text);
  return psychNumber(text) ?? text;
};
