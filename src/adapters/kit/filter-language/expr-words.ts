import type { Literal, TextOperator, ValueOperator } from '../../../envelope/expression.ts';

/** The words of the expression language: what is an operator, a value, or a name of its own. */
const TEXT_OPERATORS: readonly string[] = ['matches', 'contains', 'startsWith', 'endsWith'];
export const isTextOperator = (text: string): text is TextOperator => TEXT_OPERATORS.includes(text);
export const isValueOperator = (text: string): text is ValueOperator =>
  ['==', '!=', '<', '>', '<=', '>='].includes(text) || isTextOperator(text);
const WORDS = new Set([
  'and',
  'or',
  'not',
  'in',
  'let',
  'if',
  'else',
  'true',
  'false',
  'nil',
  ...TEXT_OPERATORS,
]);
/** Names that go-choria or expr-lang give a meaning of their own; what is left are data plugins. */
const FUNCTIONS = new Set(
  `abs all any bitand bitnand bitnot bitor bitshl bitshr bitushr bitxor ceil concat count date duration filter find
  findIndex findLast findLastIndex first flatten float floor fromBase64 fromJSON fromPairs get groupBy hasPrefix
  hasSuffix include indexOf int join keys last lastIndexOf len lower map max mean median min none now one reduce
  repeat replace reverse round semver sort sortBy split splitAfter string sum take timezone toBase64 toJSON toPairs
  trim trimPrefix trimSuffix type uniq upper values`.split(/\s+/),
);

/** What `value operator fact(…)` is the other way round. */
export const MIRRORED: Readonly<Record<string, ValueOperator>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '>': '<',
  '<=': '>=',
  '>=': '<=',
};
export const LITERALS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** Whether a data plugin of this name can be called in an expression. */
export const isDataName = (name: string): boolean =>
  /^[A-Za-z_]\w*$/.test(name) &&
  !WORDS.has(name) &&
  !FUNCTIONS.has(name) &&
  !['with', 'fact', 'facts', 'classes', 'agents'].includes(name);
