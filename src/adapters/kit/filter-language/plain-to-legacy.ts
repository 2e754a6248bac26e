import { type Expression, type Leaf, negated } from '../../../envelope/expression.ts';
import type { FactFilter, Filter } from '../../../envelope/filter.ts';
import { isOrdering } from './digits.ts';
import { comparisonTranslation } from './fact-to-legacy.ts';
import { excludesLetters, ignoringCase, lowered, withoutCase } from './letter-case.ts';
import { literalPattern, parsePattern, withoutOuterSlashes } from './pattern.ts';
import { checkPlain, inPlain, MAX_PATTERN_CHARS, unsupported } from './refusal.ts';
import { statementText } from './statement.ts';

const hasCase = (text: string): boolean => text.toLowerCase() !== text.toUpperCase();

const checkedPattern = (source: string): string | undefined =>
  excludesLetters(parsePattern(source, 'go')) ? withoutCase(source, 'less') : undefined;

/** A dot leads go-choria into a hash; to a daemon's plain filter it is a part of the name. */
const isPath = ({ fact }: FactFilter): boolean => fact.includes('.');

const factLeaves = (filter: FactFilter): readonly Expression[] => {
  const { fact, operator, value } = filter;
  const part = `${fact}${operator}${value}`;
  if (value.length > MAX_PATTERN_CHARS)
    throw unsupported(part, `the value has more than ${MAX_PATTERN_CHARS} characters`);
  const asked = (pattern: string): Leaf => {
    const leaf: Leaf = { kind: 'fact', fact, operator: '=~', value: pattern };
    if (statementText(leaf) === undefined)
      throw unsupported(part, 'legacy statements cannot name such a fact');
    return leaf;
  };
  if (operator === '=~' && /[\r\n]/.test(value)) throw unsupported(part, 'it has more than one line');
  // Daemons compare digits with digits alone as numbers, and else texts.
  if (isPath(filter) || isOrdering(operator))
    return [comparisonTranslation(fact, operator, value, part).whenTrue()];
  if (operator === '==') return [];
  if (operator === '!=')
    return hasCase(value) ? [negated(asked(ignoringCase(`\\A${literalPattern(value)}\\z`)))] : [];
  const pattern = checkedPattern(withoutOuterSlashes(value));
  return pattern === undefined ? [] : [asked(pattern)];
};

/**
 * `Util.has_cf_class?` and its like take what begins with a slash for a regular expression, and every slash out of it.
 * @returns the source
 */
const slashed = (text: string): string | undefined => {
  if (!/^\//m.test(text)) return undefined;
  const source = /^\/([^/]*)\/$/.exec(text)?.[1];
  if (source === undefined)
    throw unsupported(
      text,
      'legacy daemons take it for a regular expression, which is /…/ without slashes within',
    );
  return source;
};

const classLeaves = (text: string): readonly Expression[] => {
  const source = slashed(text);
  const pattern = source === undefined ? undefined : checkedPattern(source);
  return pattern === undefined ? [] : [{ kind: 'class-pattern', pattern }];
};

const checkName = (text: string): void => {
  const source = slashed(text);
  if (source !== undefined) parsePattern(source, 'go');
};

/**
 * The filter of one of Choria's clients as legacy nodes have to be asked. Case does not count to go-choria: to
 * `country!=uk` and `country=~/[^u]/` daemons would add `UK`. What they match less may stay.
 * @throws Rejection `unsupported_filter`, showing the part
 */
export const plainToLegacy = (filter: Filter): Filter => {
  const { fact, cfClass, agent, identity, compound } = filter;
  checkPlain(filter);
  for (const one of agent) inPlain('agent', () => checkName(one));
  for (const one of identity) inPlain('identity', () => checkName(one));
  return {
    ...filter,
    compound: [
      ...compound,
      ...fact.flatMap((one) => inPlain('fact', () => factLeaves(one))),
      ...cfClass.flatMap((one) => inPlain('class', () => classLeaves(one))),
    ],
    fact: fact.filter((one) => !isPath(one)),
    // go-choria looks for a name in lower case, among classes as they are.
    cfClass: cfClass.map((one) => (slashed(one) === undefined ? lowered(one) : one)),
  };
};
