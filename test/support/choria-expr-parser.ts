import { Refused } from './choria-checks.ts';

/**
 * The part of the language of go-choria's compound filters (github.com/expr-lang/expr 1.16) that filters use: literals,
 * calls, members, comparisons, `and`, `or`, `not` and predicates. What else the language has (arithmetic, `let`,
 * pipes, `?:`) is refused as unknown to the fleet.
 */
export type Expr =
  | { readonly is: 'literal'; readonly value: string | number | boolean | null }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'element' }
  | { readonly is: 'list'; readonly items: readonly Expr[] }
  | { readonly is: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly is: 'member'; readonly of: Expr; readonly key: Expr }
  | { readonly is: 'not'; readonly of: Expr }
  | { readonly is: 'binary'; readonly operator: string; readonly left: Expr; readonly right: Expr };

type Token =
  | { readonly is: 'string'; readonly value: string }
  | { readonly is: 'number'; readonly value: number }
  | { readonly is: 'word' | 'sign'; readonly text: string };

/** Binding strengths, as `parser/operator` has them; all of these are left-associative. */
const STRENGTH: Readonly<Record<string, number>> = {
  or: 10,
  and: 15,
  '==': 20,
  '!=': 20,
  '<': 20,
  '>': 20,
  '<=': 20,
  '>=': 20,
  in: 20,
  matches: 20,
  contains: 20,
  startsWith: 20,
  endsWith: 20,
};
const ORDERING = new Set(['<', '>', '<=', '>=']);
const NOT_STRENGTH = 50;
/** `x not in y` is `not (x in y)`. */
const NEGATABLE = new Set(['in', 'matches', 'contains', 'startsWith', 'endsWith']);
export const PREDICATES: ReadonlySet<string> = new Set(['any', 'all', 'none', 'one']);
const WORDS: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '!': 'not' };
/** What this part of the language leaves out, to be told from what is no token at all. */
const UNKNOWN = /^(?:let|if|else)$|^(?:\?\.|\?\?|\*\*|\.\.|[+*/%^?:;|])$/;
/** Builtins of the language, and go-choria's `semver`, that the fleet has not. */
const UNKNOWN_CALLS = new Set([
  'semver',
  'filter',
  'map',
  'count',
  'find',
  'sum',
  'lower',
  'upper',
  'trim',
  'split',
]);
const TOKEN =
  /\s*(?:(0[xX][\da-fA-F_]+|(?:\d[\d_]*\.?(?!\.)[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?)(?![\w$])|([A-Za-z_$][\w$]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|`([^`]*)`|(&&|\|\||[=!<>]=|\?\.|\?\?|\*\*|\.\.|[!<>()[\]{},.]|#(?![A-Za-z_])|[-+*/%^?:;|]))/y;
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
};

const unescaped = (text: string): string =>
  text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-3][0-7]{2})|(.))/gs,
    (all, hex, short, long, octal, other) => {
      const digits: unknown = hex ?? short ?? long;
      if (typeof digits === 'string') return String.fromCodePoint(Number.parseInt(digits, 16));
      if (typeof octal === 'string') return String.fromCodePoint(Number.parseInt(octal, 8));
      const known = ESCAPES[String(other)];
      if (known === undefined) throw new Refused(`unable to unescape string at ${all}`);
      return known;
    },
  );

const tokensOf = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null)
      throw new Refused(`unrecognized character or literal not terminated at ${text.slice(at)}`);
    const [, number, word, quoted, raw, sign] = match;
    if (number !== undefined) tokens.push({ is: 'number', value: Number(number.replaceAll('_', '')) });
    else if (quoted !== undefined) tokens.push({ is: 'string', value: unescaped(quoted.slice(1, -1)) });
    else if (raw !== undefined) tokens.push({ is: 'string', value: raw });
    else if (word !== undefined) tokens.push({ is: 'word', text: word });
    else tokens.push({ is: 'sign', text: WORDS[sign ?? ''] ?? sign ?? '' });
    const last = tokens.at(-1);
    if (last !== undefined && 'text' in last && UNKNOWN.test(last.text))
      throw new Refused(`the fleet does not evaluate ${last.text}`);
  }
  return tokens;
};

const KEYWORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, nil: null };

/** @throws Refused what go-choria would not compile, or the fleet does not know */
export const parseExpr = (text: string): Expr => {
  const tokens = tokensOf(text);
  let at = 0;

  const sign = (): string | undefined => {
    const token = tokens[at];
    return token !== undefined && 'text' in token ? token.text : undefined;
  };
  const unexpected = (): Refused => {
    const token = tokens[at];
    const shown = token === undefined ? 'EOF' : String('text' in token ? token.text : token.value);
    return new Refused(`unexpected token ${shown}`);
  };
  const take = (text: string): void => {
    if (sign() !== text) throw unexpected();
    at += 1;
  };

  const listUntil = (close: string, item: () => Expr): readonly Expr[] => {
    const items: Expr[] = [];
    while (sign() !== close) {
      if (items.length > 0) take(',');
      items.push(item());
    }
    take(close);
    return items;
  };

  /** With braces, or without. */
  const predicate = (): Expr => {
    if (sign() !== '{') return expression(0);
    take('{');
    const inner = expression(0);
    take('}');
    return inner;
  };

  const primary = (): Expr => {
    const token = tokens[at];
    if (token === undefined) throw unexpected();
    at += 1;
    if (token.is === 'string' || token.is === 'number') return { is: 'literal', value: token.value };
    if (token.is === 'word') {
      const keyword = KEYWORDS[token.text];
      if (keyword !== undefined) return { is: 'literal', value: keyword };
      if (token.text in STRENGTH) {
        at -= 1;
        throw unexpected();
      }
      if (sign() !== '(') return { is: 'name', name: token.text };
      if (UNKNOWN_CALLS.has(token.text)) throw new Refused(`the fleet does not evaluate ${token.text}()`);
      take('(');
      const args = listUntil(')', PREDICATES.has(token.text) ? predicate : () => expression(0));
      return { is: 'call', name: token.text, args };
    }
    const next = tokens[at];
    if (token.text === '-' && next?.is === 'number') {
      at += 1;
      return { is: 'literal', value: -next.value };
    }
    if (token.text === '#') return { is: 'element' };
    if (token.text === '(') {
      const inner = expression(0);
      take(')');
      return inner;
    }
    if (token.text === '[') return { is: 'list', items: listUntil(']', () => expression(0)) };
    at -= 1;
    throw unexpected();
  };

  const postfix = (start: Expr): Expr => {
    let of = start;
    for (;;) {
      if (sign() === '.') {
        at += 1;
        const token = tokens[at];
        if (token?.is !== 'word') throw unexpected();
        at += 1;
        of = { is: 'member', of, key: { is: 'literal', value: token.text } };
      } else if (sign() === '[') {
        at += 1;
        const key = expression(0);
        take(']');
        of = { is: 'member', of, key };
      } else return of;
    }
  };

  const operand = (): Expr => {
    if (sign() !== 'not') return postfix(primary());
    at += 1;
    return { is: 'not', of: expression(NOT_STRENGTH) };
  };

  const expression = (least: number): Expr => {
    let left = operand();
    for (;;) {
      const isNegated = sign() === 'not';
      if (isNegated) at += 1;
      const operator = sign();
      const strength = operator === undefined ? undefined : STRENGTH[operator];
      if (isNegated && !(operator !== undefined && NEGATABLE.has(operator))) throw unexpected();
      if (operator === undefined || strength === undefined || strength < least) {
        if (isNegated) at -= 1;
        return left;
      }
      at += 1;
      const right = expression(strength + 1);
      if (ORDERING.has(operator) && left.is === 'binary' && ORDERING.has(left.operator))
        throw new Refused('the fleet does not evaluate chains of comparisons');
      const binary: Expr = { is: 'binary', operator, left, right };
      left = isNegated ? { is: 'not', of: binary } : binary;
    }
  };

  const whole = expression(0);
  if (at < tokens.length) throw unexpected();
  return whole;
};
