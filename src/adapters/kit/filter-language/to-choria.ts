import {
  both,
  type Expression,
  isLeaf,
  type Leaf,
  type LegacyLeaf,
  leavesOf,
  negated,
  rewritten,
} from '../../../envelope/expression.ts';
import { statementCondition, statementTranslation } from './choria-fact.ts';
import { callCondition, callTranslation } from './data-to-choria.ts';
import { parsePattern, patternText } from './pattern.ts';
import { MAX_LEAVES, unsupported } from './refusal.ts';
import type { Translation } from './translation.ts';

const isLegacy = (leaf: Leaf): leaf is LegacyLeaf => ['class-pattern', 'fact', 'data'].includes(leaf.kind);

const answers = (leaf: LegacyLeaf): Translation => {
  switch (leaf.kind) {
    case 'fact':
      return statementTranslation(leaf.fact, leaf.operator, leaf.value);
    case 'data':
      return callTranslation(leaf.call);
    case 'class-pattern': {
      const value = patternText(parsePattern(leaf.pattern, 'ruby'));
      const matches = { kind: 'any-class', operator: 'matches', value } as const;
      return { whenTrue: () => matches, whenFalse: () => negated(matches) };
    }
  }
};

/** Whatever `and` and `or` make of it: a daemon evaluates all leaves first, and one that fails, fails the filter. */
const condition = (leaf: LegacyLeaf): readonly Expression[] => {
  if (leaf.kind === 'data') return callCondition(leaf.call);
  return leaf.kind === 'fact' ? statementCondition(leaf.fact, leaf.operator, leaf.value) : [];
};

const distinct = (expressions: readonly Expression[]): readonly Expression[] => [
  ...new Map(expressions.map((one) => [JSON.stringify(one), one])).values(),
];

/** Leaves of which the first that does not hold decides, so that functions behind it need no answer. */
const isChain = (expression: Expression): boolean => {
  if (expression.kind === 'and') return expression.operands.every((one) => one.kind !== 'or' && isChain(one));
  return expression.kind === 'not' ? isLeaf(expression.operand) : isLeaf(expression);
};

/**
 * The expression in questions that go-choria understands. It matches no node that a legacy daemon with the same facts
 * and classes would not match: a leaf that can be asked only narrowly is asked so, and below a `not` widely.
 * @throws Rejection `unsupported_filter`, showing the part
 */
export const toChoria = (expression: Expression): Expression => {
  const legacy = leavesOf(expression).filter(isLegacy);
  if (legacy.length > MAX_LEAVES)
    throw unsupported('…', `together they have more than ${MAX_LEAVES} parts, and have to be one expression`);
  if (legacy.length === 0) return expression;
  const conditions = isChain(expression) ? [] : distinct(legacy.flatMap(condition));
  const translated = rewritten(expression, (leaf, positive) => {
    if (!isLegacy(leaf)) return leaf;
    const { whenTrue, whenFalse } = answers(leaf);
    return positive ? whenTrue() : negated(whenFalse());
  });
  return both(...conditions, translated);
};
