/** A call of a data plugin in a legacy compound filter, as MCollective's matcher splits it. */
export interface FunctionStatement {
  readonly name: string;
  readonly params: string | null;
  readonly value: string | null;
  readonly operator: string;
  readonly compare: string;
}

/** What a legacy statement can compare a fact by; the value of `=~` is a regular expression of Ruby's, without slashes. */
export type StatementOperator = '==' | '=~' | '<' | '>' | '<=' | '>=';

/** A question that token lists of MCollective ask, with the meaning that its matcher gives it. */
export type LegacyLeaf =
  | { readonly kind: 'class-pattern'; readonly pattern: string }
  | {
      readonly kind: 'fact';
      readonly fact: string;
      readonly operator: StatementOperator;
      readonly value: string;
    }
  | { readonly kind: 'data'; readonly call: FunctionStatement };

export type TextOperator = 'matches' | 'contains' | 'startsWith' | 'endsWith';
export type ValueOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | TextOperator;
export type Literal = string | number | boolean | null;

/** A question that go-choria's expressions ask, with the meaning that they give it. */
export type ChoriaLeaf =
  /** `with("…")`: a fact filter's string, or the name or pattern of a class or an agent. */
  | { readonly kind: 'with'; readonly query: string }
  /** `any(classes, {# matches "…"})` */
  | { readonly kind: 'any-class'; readonly operator: TextOperator; readonly value: string }
  /** `fact("path") == "…"`, or of a data plugin `name("query").field == "…"`. */
  | {
      readonly kind: 'value';
      readonly name: string;
      readonly query: string | null;
      readonly field: string | null;
      readonly operator: ValueOperator;
      readonly value: Literal;
    }
  /** A whole expression that no other kind has words for; `why` says which part, and what speaks against it. */
  | { readonly kind: 'text'; readonly text: string; readonly why: string };

/** Both languages ask for a class by its exact name. */
export type Leaf = { readonly kind: 'class'; readonly name: string } | LegacyLeaf | ChoriaLeaf;

/**
 * A compound filter. Leaves keep the meaning of the language that they came in, so that nothing is lost on the way to
 * a node of the same kind; for nodes of the other kind the wire formats rewrite them, or refuse to.
 */
export type Expression =
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
  | { readonly kind: 'not'; readonly operand: Expression }
  | Leaf;

const joined = (kind: 'and' | 'or', operands: readonly Expression[]): Expression => {
  const flat = operands.flatMap((one) => (one.kind === kind ? one.operands : [one]));
  const [first] = flat;
  return first !== undefined && flat.length === 1 ? first : { kind, operands: flat };
};

/** All of them (one at least); nested ones of the same kind become one. */
export const both = (...operands: readonly Expression[]): Expression => joined('and', operands);

/** One of them (one at least); nested ones of the same kind become one. */
export const either = (...operands: readonly Expression[]): Expression => joined('or', operands);

export const negated = (operand: Expression): Expression =>
  operand.kind === 'not' ? operand.operand : { kind: 'not', operand };

export const isLeaf = (expression: Expression): expression is Leaf =>
  expression.kind !== 'and' && expression.kind !== 'or' && expression.kind !== 'not';

/**
 * The expression with other leaves. A leaf below an odd number of `not`s is not `positive`: what matches more in its
 * place makes the whole match less, and the other way round.
 */
export const rewritten = (
  expression: Expression,
  leaf: (leaf: Leaf, positive: boolean) => Expression,
  positive = true,
): Expression => {
  if (isLeaf(expression)) return leaf(expression, positive);
  if (expression.kind === 'not') return negated(rewritten(expression.operand, leaf, !positive));
  return joined(
    expression.kind,
    expression.operands.map((one) => rewritten(one, leaf, positive)),
  );
};

export const leavesOf = (expression: Expression): readonly Leaf[] => {
  if (isLeaf(expression)) return [expression];
  return expression.kind === 'not' ? leavesOf(expression.operand) : expression.operands.flatMap(leavesOf);
};
