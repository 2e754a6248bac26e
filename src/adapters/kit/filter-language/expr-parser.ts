import { both, type Expression, either, type Literal } from '../../../envelope/expression.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { type ExprToken, exprTokens } from './expr-lexer.ts';
import { isDataName, isTextOperator, isValueOperator, LITERALS, MIRRORED } from './expr-words.ts';
import { literalPattern } from './pattern.ts';
import { MAX_LEVELS, MAX_TOKENS, refusedAt, unsupported } from './refusal.ts';

const MAX_EXPRESSION_CHARS = 16_384;

type Call = Omit<Extract<Expression, { kind: 'value' }>, 'operator' | 'value'>;

class Parser {
  private readonly text: string;
  private readonly tokens: readonly ExprToken[];
  private index = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = exprTokens(text);
  }

  parse(): Expression {
    const expression = this.either(0);
    if (this.token.is !== 'end') throw this.refused('and, or, or the end was expected');
    return expression;
  }

  private get token(): ExprToken {
    return this.tokens[this.index] ?? { is: 'end', text: '', at: this.text.length };
  }

  private refused(why: string, at = this.token.at): unknown {
    const { token } = this;
    return token.is === 'unknown' && token.at === at ? token.error : refusedAt(this.text, at, why);
  }

  private is(...texts: readonly string[]): boolean {
    const { token } = this;
    return (token.is === 'word' || token.is === 'sign') && texts.includes(token.text);
  }

  private accept(...texts: readonly string[]): boolean {
    if (!this.is(...texts)) return false;
    this.index += 1;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw this.refused(`${text} was expected`);
  }

  private string(): string {
    const { token } = this;
    if (token.is !== 'string') throw this.refused('a text in quotes was expected');
    this.index += 1;
    return token.text;
  }

  private either(depth: number): Expression {
    const operands = [this.both(depth)];
    while (this.accept('or', '||')) operands.push(this.both(depth));
    return either(...operands);
  }

  private both(depth: number): Expression {
    const operands = [this.operand(depth)];
    while (this.accept('and', '&&')) operands.push(this.operand(depth));
    return both(...operands);
  }

  private operand(depth: number): Expression {
    if (depth > MAX_LEVELS) throw this.refused(`there are more than ${MAX_LEVELS} levels`);
    const { at } = this.token;
    if (!this.accept('not', '!')) return this.test(depth);
    const startsWithValue = this.isLiteral;
    const operand = this.operand(depth + 1);
    // To `not`, what is complete without an operator ends with a parenthesis, its own or a function's.
    const last = this.tokens[this.index - 1];
    if (startsWithValue || last?.is !== 'sign' || last.text !== ')')
      throw this.refused('not takes the left side of the comparison alone; write not ( … )', at);
    return { kind: 'not', operand };
  }

  private test(depth: number): Expression {
    const { token } = this;
    if (this.accept('(')) {
      const inner = this.either(depth + 1);
      this.expect(')');
      return inner;
    }
    if (this.isLiteral) return this.mirrored();
    if (this.accept('with')) return this.with();
    if (this.accept('any')) return this.anyClass();
    if (token.is === 'word' && (token.text === 'fact' || isDataName(token.text))) return this.value();
    throw this.refused('it has no counterpart in legacy filters', token.at);
  }

  private with(): Expression {
    this.expect('(');
    const query = this.string();
    this.expect(')');
    if (this.is('==', '!='))
      throw this.refused('with() holds or does not, and is not compared; write with(…) or not with(…)');
    return { kind: 'with', query };
  }

  /** `"name" in classes`, `"value" == fact("path")` */
  private mirrored(): Expression {
    const { at } = this.token;
    const value = this.literal();
    const operator = this.token.is === 'sign' ? MIRRORED[this.token.text] : undefined;
    if (operator === undefined) return this.className(value, at);
    this.index += 1;
    const { token } = this;
    if (token.is !== 'word' || !(token.text === 'fact' || isDataName(token.text)))
      throw this.refused('a value is compared with a fact or data function', at);
    return { ...this.call(), operator, value };
  }

  private className(name: Literal, at: number): Expression {
    if (typeof name !== 'string') throw this.refused('it has no counterpart in legacy filters', at);
    const isNegated = this.accept('not');
    if (!this.accept('in') || !this.accept('classes'))
      throw this.refused('a text is looked for in classes only', at);
    return this.maybeNot({ kind: 'class', name }, isNegated);
  }

  private maybeNot(operand: Expression, isNegated: boolean): Expression {
    return isNegated ? { kind: 'not', operand } : operand;
  }

  /** `any(classes, {# matches "…"})`, whose braces newer versions can do without. */
  private anyClass(): Expression {
    this.expect('(');
    if (!this.accept('classes')) throw this.refused('any() is understood of classes only');
    this.expect(',');
    const isBraced = this.accept('{');
    this.expect('#');
    const isNegated = this.accept('not');
    const { token } = this;
    this.index += 1;
    const operator = token.is === 'word' || token.is === 'sign' ? token.text : '';
    if (isNegated || !(isTextOperator(operator) || operator === '=='))
      throw this.refused('classes are compared with matches, contains, startsWith, endsWith or ==', token.at);
    const value = this.string();
    if (isBraced) this.expect('}');
    this.expect(')');
    return isTextOperator(operator) ? { kind: 'any-class', operator, value } : { kind: 'class', name: value };
  }

  private value(): Expression {
    const { at } = this.token;
    return this.comparison(this.call(), at);
  }

  private call(): Call {
    const { token } = this;
    this.index += 1;
    const name = token.is === 'word' ? token.text : '';
    this.expect('(');
    const query = name !== 'fact' && this.is(')') ? null : this.string();
    this.expect(')');
    const field = this.accept('.') ? this.field() : null;
    if (name === 'fact' && field !== null)
      throw this.refused('a fact has no fields; write fact("a.b")', token.at);
    return { kind: 'value', name, query, field };
  }

  private field(): string {
    const { token } = this;
    if (token.is !== 'word') throw this.refused('a name was expected');
    this.index += 1;
    return token.text;
  }

  private comparison(call: Call, at: number): Expression {
    const isNegated = this.accept('not');
    if (this.accept('in')) return this.maybeNot(this.oneOf(call), isNegated);
    const { token } = this;
    const operator = token.is === 'word' || token.is === 'sign' ? token.text : '';
    if (!isValueOperator(operator) || (isNegated && !isTextOperator(operator)))
      throw this.refused('a fact or data function has to be compared with a value', at);
    this.index += 1;
    const value = this.literal();
    if (isTextOperator(operator) && typeof value !== 'string')
      throw this.refused(`${operator} takes a text`, token.at);
    return this.maybeNot({ ...call, operator, value }, isNegated);
  }

  /** `["x", "y"]`. As `matches` it fails of what is not text, where texts alone are in it; with others it is many `==`. */
  private oneOf(call: Call): Expression {
    const { at } = this.token;
    this.expect('[');
    const values = [this.literal()];
    while (this.accept(',')) {
      if (values.length === MAX_TOKENS) throw this.refused(`there are more than ${MAX_TOKENS} values`);
      values.push(this.literal());
    }
    this.expect(']');
    const { kind, name, query, field } = call;
    // Spelt out: with a spread this takes several times as long, and there can be many.
    if (values.some((value) => typeof value !== 'string'))
      return either(
        ...values.map((value): Expression => ({ kind, name, query, field, operator: '==', value })),
      );
    if (values.includes(''))
      throw this.refused('what is missing is found in [""] too; write fact(…) == "" or …', at);
    const value = `\\A(?:${values.map((text) => literalPattern(`${text}`)).join('|')})\\z`;
    return { ...call, operator: 'matches', value };
  }

  private get isLiteral(): boolean {
    const { token } = this;
    if (token.is === 'string' || token.is === 'number') return true;
    return this.is('-') || (token.is === 'word' && LITERALS.has(token.text));
  }

  private literal(): Literal {
    if (this.token.is === 'string') return this.string();
    const isNegative = this.accept('-');
    const { token } = this;
    if (token.is === 'number') {
      this.index += 1;
      return isNegative ? 0 - token.value : token.value;
    }
    const value = token.is === 'word' && !isNegative ? LITERALS.get(token.text) : undefined;
    if (value === undefined) throw this.refused('a text or number was expected');
    this.index += 1;
    return value;
  }
}

/**
 * What an expression asks. One that cannot be put in an `Expression`'s words stays a text with the reason: nodes that
 * speak the language understand it, others are not asked.
 * @throws Rejection `unsupported_filter` for one that is too long
 */
export const parseExpr = (text: string): Expression => {
  if (text.length > MAX_EXPRESSION_CHARS)
    throw unsupported(text, `it has more than ${MAX_EXPRESSION_CHARS} characters`);
  try {
    return new Parser(text).parse();
  } catch (error) {
    if (error instanceof Rejection) return { kind: 'text', text, why: error.message };
    throw error;
  }
};
