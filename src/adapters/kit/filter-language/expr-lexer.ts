import { refusedAt } from './refusal.ts';

export type ExprToken =
  | { readonly is: 'string'; readonly text: string; readonly at: number }
  | { readonly is: 'number'; readonly value: number; readonly at: number }
  /** Names, words that are operators, signs, and `''` at the end. */
  | { readonly is: 'word' | 'sign' | 'end'; readonly text: string; readonly at: number }
  /** What is not a token, and why; the last. */
  | { readonly is: 'unknown'; readonly error: unknown; readonly at: number };

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
};
const SPACE = /[ \t\r\n]*/y;
const WORD = /[A-Za-z_]\w*/y;
/** Plain numbers; what expr-lang writes in other ways (`0x1f`, `1_000`, `1e3`) is refused by what follows them. */
const NUMBER = /(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?![\w.])/y;
/** `#name` is one name to expr-lang. */
const SIGN = /&&|\|\||==|!=|<=|>=|[-<>!(){}[\],.]|#(?![A-Za-z_])/y;

const match = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

class Lexer {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  tokens(): readonly ExprToken[] {
    const tokens: ExprToken[] = [];
    for (;;) {
      this.at += match(SPACE, this.text, this.at)?.length ?? 0;
      const token = this.known();
      tokens.push(token);
      if (token.is === 'end' || token.is === 'unknown') return tokens;
    }
  }

  private known(): ExprToken {
    const { at } = this;
    try {
      return this.token();
    } catch (error) {
      return { is: 'unknown', error, at };
    }
  }

  private token(): ExprToken {
    const { text, at } = this;
    if (at >= text.length) return { is: 'end', text: '', at };
    const char = text.charAt(at);
    if (char === '"' || char === "'") return this.string(char);
    if (char === '`') return this.rawString();
    const word = match(WORD, text, at);
    const sign = word ?? match(SIGN, text, at);
    if (sign !== undefined) {
      this.at += sign.length;
      return { is: word === undefined ? 'sign' : 'word', text: sign, at };
    }
    const number = match(NUMBER, text, at);
    if (number === undefined) throw refusedAt(text, at, 'this sign or number is not understood');
    this.at += number.length;
    return { is: 'number', value: Number(number), at };
  }

  private rawString(): ExprToken {
    const { text, at } = this;
    const end = text.indexOf('`', at + 1);
    if (end < 0 || text[end + 1] === '`') throw refusedAt(text, at, 'this text has no end');
    this.at = end + 1;
    return { is: 'string', text: text.slice(at + 1, end), at };
  }

  private string(quote: string): ExprToken {
    const start = this.at;
    const parts: string[] = [];
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const char = this.text.charAt(this.at);
      if (char === '\n' || char === '\r') break;
      if (char === quote) {
        this.at += 1;
        return { is: 'string', text: parts.join(''), at: start };
      }
      parts.push(char === '\\' ? this.escape() : char);
    }
    throw refusedAt(this.text, start, 'this text has no end');
  }

  private escape(): string {
    const start = this.at;
    this.at += 1;
    const char = this.text.charAt(this.at);
    const control = ESCAPES[char];
    if (control !== undefined) return control;
    if (char !== '' && '\\\'"`?'.includes(char)) return char;
    const length = char === 'x' ? 2 : char === 'u' ? 4 : 0;
    const digits = this.text.slice(this.at + 1, this.at + 1 + length);
    const code = Number.parseInt(digits, 16);
    // `\x80` and more are bytes to some versions and characters to others; half of a pair is not a character at all.
    const isKnown = length > 0 && /^[\da-f]+$/i.test(digits) && digits.length === length;
    if (!isKnown || (char === 'x' && code > 0x7f) || (code >= 0xd800 && code <= 0xdfff))
      throw refusedAt(this.text, start, 'this escape is not understood');
    this.at += length;
    return String.fromCharCode(code);
  }
}

/** What comes before something unknown is in it, so that the first part in question is the one that is named. */
export const exprTokens = (text: string): readonly ExprToken[] => new Lexer(text).tokens();
