import { type ChoriaLeaf, type Expression, either, negated } from '../../../envelope/expression.ts';
import { isOrdering, OPPOSITE, type Ordering, sizePattern } from './digits.ts';
import { type LegacyFact, legacyFact } from './legacy-fact.ts';
import { ignoringCase, withoutCase } from './letter-case.ts';
import { literalPattern, withoutOuterSlashes } from './pattern.ts';
import { unsupported } from './refusal.ts';
import { type Translation, textPattern } from './translation.ts';

type Value = Extract<ChoriaLeaf, { kind: 'value' }>;

/** Of others Ruby writes an exponent, or not all digits. */
const isPlainNumber = (value: number): boolean =>
  /^-?\d{1,15}(?:\.\d{1,15})?$/.test(`${value}`) && (value === 0 || Math.abs(value) >= 1e-4);

const equality = (fact: LegacyFact, value: Value['value'], part: string): Translation => {
  if (value === null) return { whenTrue: () => fact.isMissing, whenFalse: () => fact.isFilled };
  if (typeof value !== 'number') {
    const equal = fact.equals(`${value}`);
    return { whenTrue: () => fact.plainly(equal), whenFalse: () => negated(equal) };
  }
  if (!isPlainNumber(value)) throw unsupported(part, 'the number is not plain, as 1.5 is');
  // Ruby writes a float with a fraction, also where go-choria takes it for the same number.
  const zeros = Number.isInteger(value) ? '(?:\\x2e0)?' : '';
  const equal = fact.matches(`\\A${value === 0 ? '\\x2d?' : ''}${literalPattern(`${value}`)}${zeros}\\z`);
  return { whenTrue: () => fact.plainly(equal), whenFalse: () => negated(equal) };
};

const ordering = (fact: LegacyFact, operator: Ordering, value: Value['value'], part: string): Translation => {
  const compared = (as: Ordering): Expression => {
    if (typeof value === 'number') return fact.plainly(fact.matches(sizePattern(as, `${value}`, part)));
    // Where both sides are digits, daemons compare numbers.
    const words = typeof value === 'string' && !/^\d/.test(value) ? fact.compares(as, value) : undefined;
    if (words === undefined)
      throw unsupported(part, 'facts are compared by size with whole numbers or words');
    return fact.plainly(words);
  };
  // What cannot be compared fails the whole expression, also below `not`.
  return { whenTrue: () => compared(operator), whenFalse: () => compared(OPPOSITE[operator]) };
};

/** `fact("path") operator value` */
export const factTranslation = ({ query, operator, value }: Value, part: string): Translation => {
  const fact = legacyFact(query ?? '');
  if (isOrdering(operator)) return ordering(fact, operator, value, part);
  if (operator === '==') return equality(fact, value, part);
  if (operator === '!=') {
    const { whenTrue, whenFalse } = equality(fact, value, part);
    return { whenTrue: whenFalse, whenFalse: whenTrue };
  }
  const matches = fact.matches(textPattern(operator, `${value}`));
  // What is missing has no text; a list or hash fails the whole expression, also below `not`.
  return {
    whenTrue: () => fact.plainly(matches),
    whenFalse: () => either(fact.isMissing, fact.plainly(negated(matches))),
  };
};

const WRITTEN: Readonly<Record<string, string>> = { '=': '==', '=>': '>=', '=<': '<=' };

/** `with("fact operator value")`: what is missing or no text and no number does not match, and fails nothing. */
export const filterTranslation = (
  name: string,
  written: string,
  value: string,
  part: string,
): Translation => {
  const isPattern = value.startsWith('/') && value.endsWith('/');
  if (isPattern && !['=~', '=', '=='].includes(written))
    throw unsupported(part, 'a regular expression takes = or =~');
  return comparisonTranslation(name, isPattern ? '=~' : (WRITTEN[written] ?? written), value, part);
};

const FRACTION = /^[-+]?(?:\d+\.\d*|\.\d+)(?:e[-+]?\d+)?$|^[-+]?0x[\da-f_]*\.[\da-f_]*p[-+]?\d+$/i;

/** The pattern of what equals the value: to go-choria a number does so by size where the value has a point. */
const likeness = (value: string, part: string): string => {
  if (!FRACTION.test(value)) return literalPattern(value);
  const number = Number(value);
  if (!isPlainNumber(number)) throw unsupported(part, 'the number is not plain, as 1.5 is');
  const size = `${Math.abs(number)}`;
  const sign = number === 0 ? '\\x2d?' : number < 0 ? '\\x2d' : '';
  const zeros = Number.isInteger(number) ? '(?:\\x2e0*)?' : '0*';
  return `(?:${literalPattern(value)}|${sign}${literalPattern(size)}${zeros})`;
};

/** As `filterTranslation`, with the operator as in plain filters. */
export const comparisonTranslation = (
  name: string,
  operator: string,
  value: string,
  part: string,
): Translation => {
  const fact = legacyFact(name);
  if (value === '') throw unsupported(part, 'there is no value');
  if (operator === '=~') {
    const source = withoutOuterSlashes(value);
    return {
      whenTrue: () => fact.plainly(fact.matches(withoutCase(source, 'less'))),
      whenFalse: () => negated(fact.matches(withoutCase(source, 'more'))),
    };
  }
  if (isOrdering(operator))
    return {
      whenTrue: () => fact.plainly(fact.matches(sizePattern(operator, value, part))),
      whenFalse: () => either(fact.isMissing, fact.matches(sizePattern(OPPOSITE[operator], value, part))),
    };
  const alike = fact.matches(ignoringCase(`\\A${likeness(value, part)}\\z`));
  if (operator === '!=')
    return {
      whenTrue: () => fact.plainly(negated(alike)),
      whenFalse: () => either(fact.isMissing, fact.equals(value)),
    };
  return { whenTrue: () => fact.plainly(fact.equals(value)), whenFalse: () => negated(alike) };
};
