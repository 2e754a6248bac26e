import type { Expression, Leaf, Literal } from '../../../envelope/expression.ts';
import { unsupported } from './refusal.ts';

/** JSON's escapes are all escapes of expr-lang's too. */
const literalText = (value: Literal): string => (value === null ? 'nil' : JSON.stringify(value));

const leafText = (leaf: Leaf): string => {
  switch (leaf.kind) {
    case 'class':
      return `${literalText(leaf.name)} in classes`;
    case 'with':
      return `with(${literalText(leaf.query)})`;
    case 'any-class':
      return `any(classes, {# ${leaf.operator} ${literalText(leaf.value)}})`;
    case 'value': {
      const { name, query, field, operator, value } = leaf;
      const call = `${name}(${query === null ? '' : literalText(query)})${field === null ? '' : `.${field}`}`;
      return `${call} ${operator} ${literalText(value)}`;
    }
    case 'text':
      return leaf.text;
    default:
      throw unsupported(leaf.kind, 'expressions of go-choria cannot say it');
  }
};

/** Whether `not` before it would take the left side of a comparison alone. */
const isCall = ({ kind }: Expression): boolean => kind === 'with' || kind === 'any-class';

const within = (expression: Expression, needsNone: boolean): string =>
  needsNone ? exprText(expression) : `(${exprText(expression)})`;

/**
 * The expression in expr-lang, with no more parentheses than it needs.
 * @param expression asks what go-choria can answer, see `toChoria`; a `text` is all there is
 */
export const exprText = (expression: Expression): string => {
  switch (expression.kind) {
    case 'and':
      return expression.operands.map((one) => within(one, one.kind !== 'or')).join(' and ');
    case 'or':
      return expression.operands.map((one) => within(one, one.kind !== 'and')).join(' or ');
    case 'not': {
      const { operand } = expression;
      return `not ${within(operand, isCall(operand))}`;
    }
    default:
      return leafText(expression);
  }
};
