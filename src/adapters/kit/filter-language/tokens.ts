import { both, type Expression, either, type FunctionStatement } from '../../../envelope/expression.ts';
import { MAX_LEVELS, MAX_TOKENS, unsupported } from './refusal.ts';
import { checkCall } from './ruby-methods.ts';
import { parseStatement, statementText } from './statement.ts';

/** One token of MCollective's compound filters, in Ruby's hashes as in JSON. */
export type Token =
  | { readonly kind: 'statement'; readonly text: string }
  | { readonly kind: 'function'; readonly call: FunctionStatement }
  | { readonly kind: 'and' | 'or' | 'not' | '(' | ')' };

export const callText = ({ name, params, value, operator, compare }: FunctionStatement): string =>
  `${name}(${params === null ? '' : `'${params}'`})${value === null ? '' : `.${value}`}${operator}${compare}`;

const tokenText = (token: Token): string => {
  if (token.kind === 'statement') return token.text;
  return token.kind === 'function' ? callText(token.call) : token.kind;
};

class Parser {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  parse(): Expression {
    const { tokens } = this;
    if (tokens.length === 0) throw unsupported('', 'it is empty');
    if (tokens.length > MAX_TOKENS) throw unsupported(this.around(), `it has more than ${MAX_TOKENS} tokens`);
    const expression = this.either(0);
    if (this.at < tokens.length) throw unsupported(this.around(), 'and, or, or the end was expected');
    return expression;
  }

  /** From the token before the one in question. */
  private around(): string {
    return this.tokens
      .slice(Math.max(this.at - 1, 0), this.at + 3)
      .map(tokenText)
      .join(' ');
  }

  private accept(kind: Token['kind']): boolean {
    if (this.tokens[this.at]?.kind !== kind) return false;
    this.at += 1;
    return true;
  }

  // Daemons hand the tokens to Ruby as `&&`, `||` and `!`, of which `||` binds least.
  private either(depth: number): Expression {
    const operands = [this.both(depth)];
    while (this.accept('or')) operands.push(this.both(depth));
    return either(...operands);
  }

  private both(depth: number): Expression {
    const operands = [this.operand(depth)];
    while (this.accept('and')) operands.push(this.operand(depth));
    return both(...operands);
  }

  private operand(depth: number): Expression {
    if (depth > MAX_LEVELS) throw unsupported(this.around(), `it has more than ${MAX_LEVELS} levels`);
    if (this.accept('not')) return { kind: 'not', operand: this.operand(depth + 1) };
    if (this.accept('(')) {
      const inner = this.either(depth + 1);
      if (!this.accept(')')) throw unsupported(this.around(), 'a parenthesis is not closed');
      return inner;
    }
    const token = this.tokens[this.at];
    if (token?.kind !== 'statement' && token?.kind !== 'function')
      throw unsupported(this.around(), 'a statement, not, or a parenthesis was expected');
    this.at += 1;
    return token.kind === 'statement' ? parseStatement(token.text) : { kind: 'data', call: token.call };
  }
}

/**
 * @throws Rejection `unsupported_filter` for lists that a daemon cannot evaluate either, and for statements that it
 * hardly takes as they were meant
 */
export const parseTokens = (tokens: readonly Token[]): Expression => new Parser(tokens).parse();

const inParentheses = (expression: Expression, kinds: readonly string[]): readonly Token[] =>
  kinds.includes(expression.kind) ? [{ kind: '(' }, ...print(expression), { kind: ')' }] : print(expression);

/**
 * The list with no more parentheses than it needs.
 * @param expression asks what legacy nodes can answer, see `toLegacy`
 * @throws Rejection `unsupported_filter` for what statements cannot say, and where it is too long
 */
export const printTokens = (expression: Expression): readonly Token[] => {
  const tokens = print(expression);
  if (tokens.length > MAX_TOKENS)
    throw unsupported(
      tokens.slice(0, 3).map(tokenText).join(' '),
      `it becomes ${tokens.length} tokens, and at most ${MAX_TOKENS} pass`,
    );
  return tokens;
};

const print = (expression: Expression): readonly Token[] => {
  switch (expression.kind) {
    case 'and':
    case 'or': {
      const { kind, operands } = expression;
      const lists = operands.map((one) => inParentheses(one, kind === 'and' ? ['or'] : []));
      return lists.flatMap((list, index) => (index === 0 ? list : [{ kind }, ...list]));
    }
    case 'not':
      return [{ kind: 'not' }, ...inParentheses(expression.operand, ['and', 'or'])];
    case 'data':
      checkCall(expression.call);
      return [{ kind: 'function', call: expression.call }];
    default: {
      const text = statementText(expression);
      if (text === undefined) throw unsupported(leafName(expression), 'legacy statements cannot say it');
      return [{ kind: 'statement', text }];
    }
  }
};

const leafName = (leaf: Expression): string => ('name' in leaf ? leaf.name : leaf.kind);
