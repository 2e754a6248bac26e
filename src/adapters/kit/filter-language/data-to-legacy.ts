import { both, type ChoriaLeaf, type Expression, negated } from '../../../envelope/expression.ts';
import { OPPOSITE } from './digits.ts';
import { unsupported } from './refusal.ts';
import { type Translation, textPattern } from './translation.ts';

/** What Ruby's `Integer()` and `Float()` may read as a number, and the matcher as a boolean; `strip` takes NULs, too. */
const isTyped = (text: string): boolean => /^[\s\0]*[-+.]?\d|^[\s\0]*(?:true|false)[\s\0]*$/.test(text);

/**
 * `name("query").field operator value`. A legacy daemon gives the value the type that the data plugin returned, and
 * fails where it cannot.
 */
export const dataTranslation = (leaf: Extract<ChoriaLeaf, { kind: 'value' }>, part: string): Translation => {
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
    return { whenTrue: ask('=~', pattern), whenFalse: ask('!=~', pattern) };
  }
  if (typeof value === 'string' && (isTyped(value) || value === ''))
    throw unsupported(
      part,
      'legacy daemons would read the text as a number or a boolean; write it without quotes',
    );
  const unequal = ask('!=', `${value}`);
  const equal = ask('==', `${value}`);
  // A plugin's text `4` equals 4 to a daemon. That it is not one: every text matches, and nothing else does.
  const isText = ask('=~', '(?:)');
  const alike = typeof value === 'string' ? equal : (): Expression => both(equal(), negated(isText()));
  if (operator === '==') return { whenTrue: alike, whenFalse: unequal };
  if (operator === '!=') return { whenTrue: unequal, whenFalse: alike };
  if (typeof value !== 'number') throw unsupported(part, 'only numbers are compared by size');
  return { whenTrue: ask(operator, `${value}`), whenFalse: ask(OPPOSITE[operator], `${value}`) };
};
