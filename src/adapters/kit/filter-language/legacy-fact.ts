import { both, type Expression, type StatementOperator } from '../../../envelope/expression.ts';
import { literalPattern } from './pattern.ts';
import { unsupported } from './refusal.ts';
import { statementText } from './statement.ts';

/** Parts of a gjson path that MCollective's `fact` data plugin walks in the same way: names, and indices of lists. */
const PART = /^(?:0|[1-9]\d*|[A-Za-z_][\w-]*)$/;

/** Whether both sides find the same fact by it; Ruby counts `-1` from the end of a list, and reads `010` as octal. */
export const isFactPath = (path: string): boolean =>
  path.length <= 256 && path.split('.').every((part) => PART.test(part));

/** Questions about one fact of go-choria's to legacy daemons, which make texts of all values. */
export interface LegacyFact {
  /** Of a list a daemon matches any element, of a hash any key. @param pattern of Ruby's and of Go's */
  matches(pattern: string): Expression;
  /** As `matches`. */
  equals(text: string): Expression;
  /** Ruby's order of texts; undefined for a fact within another, which daemons do not order. */
  compares(operator: '<' | '>' | '<=' | '>=', text: string): Expression | undefined;
  /** The expression, of no list and no hash. */
  plainly(expression: Expression): Expression;
  readonly isMissing: Expression;
  /** That it is there, and not empty. */
  readonly isFilled: Expression;
}

/**
 * @param path gjson's: a dot leads into a list or hash, as for the `fact` data plugin but not for statements
 * @throws Rejection `unsupported_filter`
 */
export const legacyFact = (path: string): LegacyFact => {
  const parts = path.split('.');
  if (!isFactPath(path))
    throw unsupported(path, 'a fact’s name is letters, digits, _ and -, with dots between levels');
  const data = (value: string, operator: string, compare: string): Expression => ({
    kind: 'data',
    call: { name: 'fact', params: path, value, operator, compare },
  });
  const statement = (operator: StatementOperator, value: string): Expression | undefined => {
    const leaf = { kind: 'fact', fact: path, operator, value } as const;
    return parts.length === 1 && statementText(leaf) !== undefined ? leaf : undefined;
  };
  // With `=~` a fact that is missing does not match; with `==` it would fail the whole filter.
  const matches = (pattern: string): Expression => statement('=~', pattern) ?? data('value', '=~', pattern);
  return {
    matches,
    equals: (text) => statement('==', text) ?? matches(`\\A${literalPattern(text)}\\z`),
    compares: (operator, text) => statement(operator, text),
    plainly: (expression) => both(expression, data('value_encoding', '=~', '\\Atext/plain\\z')),
    isMissing: data('exists', '==', 'false'),
    isFilled: data('value', '=~', '\\A[^\\x0a]'),
  };
};
