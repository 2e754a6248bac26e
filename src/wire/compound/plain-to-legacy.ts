import { type Expression, type Leaf, negated } from '../../envelope/expression.ts';
import type { FactFilter, Filter } from '../../envelope/filter.ts';
import { isOrdering } from './digits.ts';
import { excludesLetters, ignoringCase, literalPattern, parsePattern, patternText } from './pattern.ts';
import { inPlain, unsupported } from './refusal.ts';
import { statementText } from './statement.ts';

const hasCase = (text: string): boolean => text.toLowerCase() !== text.toUpperCase();

const checkedPattern = (source: string): string | undefined => {
  const pattern = parsePattern(source, 'go');
  return excludesLetters(pattern) ? ignoringCase(patternText(pattern)) : undefined;
};

const factLeaves = ({ fact, operator, value }: FactFilter): readonly Expression[] => {
  const part = `${fact}${operator}${value}`;
  const asked = (pattern: string): Leaf => {
    const leaf: Leaf = { kind: 'fact', fact, operator: '=~', value: pattern };
    if (statementText(leaf) === undefined)
      throw unsupported(part, 'legacy statements cannot name such a fact');
    return leaf;
  };
  if (operator === '==') return [];
  if (operator === '!=')
    return hasCase(value) ? [negated(asked(ignoringCase(`\\A${literalPattern(value)}\\z`)))] : [];
  if (isOrdering(operator)) {
    // Below the letters, no fact stands on another side for its case.
    if (/[^\t -@]/.test(value))
      throw unsupported(part, 'legacy daemons order words by case, go-choria does not; only digits pass');
    return [];
  }
  if (/[\r\n]/.test(value)) throw unsupported(part, 'it has more than one line');
  const pattern = checkedPattern(value.replace(/^\/+|\/+$/g, ''));
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
  if (source === undefined && text !== text.toLowerCase())
    throw unsupported(text, 'go-choria looks for classes in lower case; write it so');
  const pattern = source === undefined ? undefined : checkedPattern(source);
  return pattern === undefined ? [] : [{ kind: 'class-pattern', pattern }];
};

const checkName = (text: string): void => {
  const source = slashed(text);
  if (source !== undefined) parsePattern(source, 'go');
};

/**
 * What legacy nodes have to be asked besides the plain filter of one of Choria's clients, in which case does not
 * count: to `country!=uk` and `country=~/[^u]/` they would add `UK`. What they match less may stay.
 * @throws Rejection `unsupported_filter`, showing the part
 */
export const plainToLegacy = ({ fact, cfClass, agent, identity }: Filter): readonly Expression[] => {
  for (const one of agent) inPlain('agent', () => checkName(one));
  for (const one of identity) inPlain('identity', () => checkName(one));
  return [
    ...fact.flatMap((one) => inPlain('fact', () => factLeaves(one))),
    ...cfClass.flatMap((one) => inPlain('class', () => classLeaves(one))),
  ];
};
