import type { Expression, TextOperator } from '../../../envelope/expression.ts';
import { literalPattern, parsePattern, patternText } from './pattern.ts';

/**
 * What the other side is asked in place of a leaf: one question that holds only where the leaf does, and one that
 * holds only where the leaf does not. Where neither holds, the sides cannot be compared. Each may be refused.
 */
export interface Translation {
  readonly whenTrue: () => Expression;
  readonly whenFalse: () => Expression;
}

/** The pattern, of either language, that expr-lang's `text operator value` asks for. */
export const textPattern = (operator: TextOperator, value: string): string => {
  switch (operator) {
    case 'matches':
      return patternText(parsePattern(value, 'go')) || '(?:)';
    case 'contains':
      return literalPattern(value) || '(?:)';
    case 'startsWith':
      return `\\A${literalPattern(value)}`;
    case 'endsWith':
      return `${literalPattern(value)}\\z`;
  }
};
