import {
  type ChoriaLeaf,
  type Expression,
  type Leaf,
  leavesOf,
  negated,
  rewritten,
} from '../../envelope/expression.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { type Answers, textPattern } from './answers.ts';
import { dataAnswers } from './data-to-legacy.ts';
import { exprText } from './expr-text.ts';
import { factAnswers, filterAnswers } from './fact-to-legacy.ts';
import { excludesLetters, ignoringCase, parsePattern } from './pattern.ts';
import { unsupported } from './refusal.ts';

/** `with("name")` and `with("/pattern/")` ask for classes and agents, without regard to case: for more than classes. */
const nameAnswers = (query: string, part: string): Answers => {
  const pattern = /^\/(.*)\/$/.exec(query)?.[1];
  const instead = pattern === undefined ? `"${query}" in classes` : `any(classes, {# matches "${pattern}"})`;
  if (query === '' || (pattern === undefined && query !== query.toLowerCase()))
    throw unsupported(part, `with() compares in lower case; write ${instead}`);
  return {
    yes: () =>
      pattern === undefined
        ? { kind: 'class', name: query }
        : { kind: 'class-pattern', pattern: filterPattern(pattern) },
    no: () => {
      throw unsupported(part, `below not, with() means agents as well as classes; write not (${instead})`);
    },
  };
};

/** `[^a]` takes `A` in where case counts, but not to go-choria. */
const filterPattern = (source: string): string => {
  const text = textPattern('matches', source);
  return excludesLetters(parsePattern(source, 'go')) ? ignoringCase(text) : text;
};

/** Of newer versions of go-choria the last counts, of older ones the first: only one is clear. */
const OPERATOR = /<=|>=|=>|=<|<|>|!=|=~|==?/g;

const withAnswers = (query: string, part: string): Answers => {
  const [found, ...more] = query.matchAll(OPERATOR);
  if (more.length > 0) throw unsupported(part, 'it has more than one operator');
  if (found === undefined) return nameAnswers(query, part);
  const value = query.slice(found.index + found[0].length);
  return filterAnswers(query.slice(0, found.index).trim(), found[0], value.trim(), part);
};

const answers = (leaf: ChoriaLeaf): Answers => {
  if (leaf.kind === 'text') throw new Rejection('unsupported_filter', leaf.why);
  const part = exprText(leaf);
  switch (leaf.kind) {
    case 'with':
      return withAnswers(leaf.query, part);
    case 'value':
      return leaf.name === 'fact' ? factAnswers(leaf, part) : dataAnswers(leaf, part);
    case 'any-class': {
      const matches = { kind: 'class-pattern', pattern: textPattern(leaf.operator, leaf.value) } as const;
      return { yes: () => matches, no: () => negated(matches) };
    }
  }
};

const isLegacy = (leaf: Leaf): leaf is Exclude<Leaf, ChoriaLeaf> =>
  ['class', 'class-pattern', 'fact', 'data'].includes(leaf.kind);

/**
 * The expression in questions that legacy nodes understand. It matches no node that the original would not match: a
 * leaf that can be asked only narrowly is asked so, and below a `not` widely.
 * @throws Rejection `unsupported_filter`, showing the part
 */
export const toLegacy = (expression: Expression): Expression => {
  if (leavesOf(expression).every(isLegacy)) return expression;
  return rewritten(expression, (leaf, positive) => {
    if (isLegacy(leaf)) return leaf;
    const { yes, no } = answers(leaf);
    return positive ? yes() : negated(no());
  });
};
