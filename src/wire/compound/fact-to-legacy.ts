import { both, type ChoriaLeaf, type Expression, either, negated } from '../../envelope/expression.ts';
import { type Answers, textPattern } from './answers.ts';
import { digitsPattern, isOrdering, isWhole, OPPOSITE, type Ordering } from './digits.ts';
import { type LegacyFact, legacyFact } from './legacy-fact.ts';
import {
  excludesLetters,
  ignoringCase,
  literalPattern,
  parsePattern,
  patternText,
  withoutOuterSlashes,
} from './pattern.ts';
import { unsupported } from './refusal.ts';

type Value = Extract<ChoriaLeaf, { kind: 'value' }>;

const digits = (operator: Ordering, bound: string, part: string): string => {
  const pattern = isWhole(bound) ? digitsPattern(operator, bound) : undefined;
  if (pattern === undefined)
    throw unsupported(
      part,
      'facts are compared by size with whole numbers from 0 that leave something to match',
    );
  return pattern;
};

const equality = (fact: LegacyFact, value: Value['value'], part: string): Answers => {
  if (value === null) return { yes: () => fact.isMissing, no: () => fact.isFilled };
  if (typeof value !== 'number') {
    const equal = fact.equals(`${value}`);
    return { yes: () => fact.plainly(equal), no: () => negated(equal) };
  }
  if (!/^\d{1,15}(?:\.\d+)?$/.test(`${value}`)) throw unsupported(part, 'the number is not plain');
  // Ruby writes a float with a fraction, also where go-choria takes it for the same number.
  const zeros = Number.isInteger(value) ? '(?:\\x2e0)?' : '';
  const equal = fact.matches(`\\A${value === 0 ? '\\x2d?' : ''}${literalPattern(`${value}`)}${zeros}\\z`);
  return { yes: () => fact.plainly(equal), no: () => negated(equal) };
};

const ordering = (fact: LegacyFact, operator: Ordering, value: Value['value'], part: string): Answers => {
  const compared = (as: Ordering): Expression => {
    if (typeof value === 'number') return fact.plainly(fact.matches(digits(as, `${value}`, part)));
    // Where both sides are digits, daemons compare numbers.
    const words = typeof value === 'string' && !/^\d/.test(value) ? fact.compares(as, value) : undefined;
    if (words === undefined)
      throw unsupported(part, 'facts are compared by size with whole numbers or words');
    return fact.plainly(words);
  };
  // What cannot be compared fails the whole expression, also below `not`.
  return { yes: () => compared(operator), no: () => compared(OPPOSITE[operator]) };
};

/** `fact("path") operator value` */
export const factAnswers = ({ query, operator, value }: Value, part: string): Answers => {
  const fact = legacyFact(query ?? '');
  if (isOrdering(operator)) return ordering(fact, operator, value, part);
  if (operator === '==') return equality(fact, value, part);
  if (operator === '!=') {
    const { yes, no } = equality(fact, value, part);
    return { yes: no, no: yes };
  }
  const matches = fact.matches(textPattern(operator, `${value}`));
  return { yes: () => fact.plainly(matches), no: () => fact.plainly(negated(matches)) };
};

/** `with("fact operator value")`: what is missing or no text and no number does not match, and fails nothing. */
export const filterAnswers = (name: string, written: string, value: string, part: string): Answers => {
  const fact = legacyFact(name);
  if (value === '') throw unsupported(part, 'there is no value');
  if (written === '=~' || (value.startsWith('/') && value.endsWith('/'))) {
    if (!['=~', '=', '=='].includes(written)) throw unsupported(part, 'a regular expression takes = or =~');
    const parsed = parsePattern(withoutOuterSlashes(value), 'go');
    const pattern = patternText(parsed) || '(?:)';
    const matches = fact.matches(pattern);
    const alike = fact.matches(ignoringCase(pattern));
    return {
      yes: () => fact.plainly(excludesLetters(parsed) ? both(matches, alike) : matches),
      no: () => negated(alike),
    };
  }
  const operator = written.replace('=>', '>=').replace('=<', '<=');
  if (isOrdering(operator))
    return {
      yes: () => fact.plainly(fact.matches(digits(operator, value, part))),
      no: () => either(fact.isMissing, fact.matches(digits(OPPOSITE[operator], value, part))),
    };
  const alike = fact.matches(ignoringCase(`\\A${literalPattern(value)}\\z`));
  if (operator === '!=')
    return { yes: () => fact.plainly(negated(alike)), no: () => either(fact.isMissing, fact.equals(value)) };
  return { yes: () => fact.plainly(fact.equals(value)), no: () => negated(alike) };
};
