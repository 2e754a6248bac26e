import { both, type ChoriaLeaf, type Expression, negated } from '../../../envelope/expression.ts';
import { type Answers, textPattern } from './answers.ts';
import { OPPOSITE } from './digits.ts';
import { unsupported } from './refusal.ts';

/** What Ruby's `Integer()` and `Float()` may read as a number, and the matcher as a boolean; `strip` takes NULs, too. */
const isTyped = (text: string): boolean => /^[\s\0]*[-+.]?\d|^[\s\0]*(?:true|false)[\s\0]*$/.test(text);

/**
 * `name("query").field operator value`. A legacy daemon gives the value the type that the data plugin returned, and
 * fails where it cannot.
 */
export const dataAnswers = (leaf: Extract<ChoriaLeaf, { kind: 'value' }>, part: string): Answers => {
  const { name, query, field, operator, value } = leaf;
  if (field === null || value === null)
    throw unsupported(part, 'a data function is compared by one of its fields');
  if (query?.includes('`')) throw unsupported(part, 'legacy daemons take no ` in a query');
  const ask = (as: string, compare: string) => (): Expression => ({
    kind: 'data',
    call: { name, params: query, value: field, operator: as, compare },
  });
  if (
    operator === 'matches' ||
    operator === 'contains' ||
    operator === 'startsWith' ||
    operator === 'endsWith'
  ) {
    const pattern = textPattern(operator, `${value}`);
    return { yes: ask('=~', pattern), no: ask('!=~', pattern) };
  }
  if (typeof value === 'string' && (isTyped(value) || value === ''))
    throw unsupported(
      part,
      'legacy daemons would read the text as a number or a boolean; write it without quotes',
    );
  const unequal = ask('!=', `${value}`);
  const equal = ask('==', `${value}`);
  // A plugin's text `4` equals 4 to a daemon. That it is none: every text matches, and nothing else does.
  const isText = ask('=~', '(?:)');
  const alike = typeof value === 'string' ? equal : (): Expression => both(equal(), negated(isText()));
  if (operator === '==') return { yes: alike, no: unequal };
  if (operator === '!=') return { yes: unequal, no: alike };
  if (typeof value !== 'number') throw unsupported(part, 'only numbers are compared by size');
  return { yes: ask(operator, `${value}`), no: ask(OPPOSITE[operator], `${value}`) };
};
