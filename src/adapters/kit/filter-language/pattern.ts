import { MAX_PATTERN_CHARS, unsupported } from './refusal.ts';

/** Characters `from` to `to`, as code points. */
export type Range = readonly [from: number, to: number];

type Element =
  | { readonly is: 'set'; readonly negated: boolean; readonly ranges: readonly Range[] }
  | { readonly is: 'line-start' | 'line-end' | 'text-start' | 'text-end' }
  | { readonly is: 'syntax'; readonly text: string };

/** A regular expression that means the same in Ruby and in Go's RE2, but for where lines begin and end. */
export type Pattern = readonly Element[];

const MAX_GROUPS = 50;
/** Go compiles no expression whose counted repetitions multiply to more. */
const MAX_REPEAT = 1000;

const code = (char: string): number => char.codePointAt(0) ?? 0;
const one = (char: string): Range => [code(char), code(char)];
const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORD: readonly Range[] = [...DIGITS, [0x41, 0x5a], one('_'), [0x61, 0x7a]];
/** Go's `\s` has no vertical tab; all else agrees, because both take ASCII alone for digits, words and spaces. */
const SPACES = {
  ruby: [[0x09, 0x0d], one(' ')],
  go: [[0x09, 0x0a], [0x0c, 0x0d], one(' ')],
} as const;
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' };

class Parser {
  private readonly elements: Element[] = [];
  private at = 0;
  private depth = 0;
  private repeat = 1;
  /** Whether what comes before can be repeated. */
  private isAtom = false;
  private readonly chars: readonly string[];
  private readonly source: string;
  private readonly from: 'ruby' | 'go';

  constructor(source: string, from: 'ruby' | 'go') {
    this.source = source;
    this.chars = [...source];
    this.from = from;
  }

  parse(): Pattern {
    if (this.source.length > MAX_PATTERN_CHARS)
      throw this.refusal(`it has more than ${MAX_PATTERN_CHARS} characters`);
    while (this.at < this.chars.length) this.element(this.take());
    if (this.depth > 0) throw this.refusal('a parenthesis is not closed');
    return this.elements;
  }

  private refusal(why: string): Error {
    return unsupported(`/${this.source}/`, `${why} (regular expressions pass where Ruby and Go agree)`);
  }

  private get next(): string {
    return this.chars[this.at] ?? '';
  }

  private take(): string {
    const char = this.next;
    this.at += 1;
    return char;
  }

  private element(char: string): void {
    switch (char) {
      case '\\':
        this.escape();
        break;
      case '[':
        this.set();
        break;
      case '(':
        this.open();
        break;
      case ')':
        this.depth -= 1;
        if (this.depth < 0) throw this.refusal('a parenthesis is not opened');
        this.add({ is: 'syntax', text: ')' }, true);
        break;
      case '|':
        this.add({ is: 'syntax', text: '|' }, false);
        break;
      case '*':
      case '+':
      case '?':
        this.quantifier(char, true);
        break;
      case '{':
        this.count();
        break;
      case '^':
        this.add({ is: this.from === 'ruby' ? 'line-start' : 'text-start' }, false);
        break;
      case '$':
        this.add({ is: this.from === 'ruby' ? 'line-end' : 'text-end' }, false);
        break;
      case '.':
        this.add({ is: 'set', negated: true, ranges: [one('\n')] }, true);
        break;
      default:
        this.add({ is: 'set', negated: false, ranges: [one(char)] }, true);
    }
  }

  private add(element: Element, isAtom: boolean): void {
    this.elements.push(element);
    this.isAtom = isAtom;
  }

  private open(): void {
    const sort = this.next === '?' ? this.take() + this.take() : '?:';
    if (sort !== '?:') throw this.refusal(`(${sort} is not in both`);
    this.depth += 1;
    if (this.depth > MAX_GROUPS) throw this.refusal(`it has more than ${MAX_GROUPS} levels`);
    this.add({ is: 'syntax', text: '(?:' }, false);
  }

  private quantifier(text: string, mayBeLazy: boolean): void {
    if (!this.isAtom) throw this.refusal(`${text} stands where there is nothing to repeat`);
    const isLazy = this.next === '?';
    if (isLazy) this.at += 1;
    // Ruby takes `{2}?` for `(?:…{2})?`, and `*+` for a repetition that gives nothing back.
    if ((isLazy && !mayBeLazy) || /[*+?{]/.test(this.next)) throw this.refusal(`${text}${this.next || '?'}`);
    this.add({ is: 'syntax', text: isLazy ? `${text}?` : text }, false);
  }

  private count(): void {
    const rest = this.chars.slice(this.at, this.at + 12).join('');
    const [text, from = '', more, to = ''] = /^(\d{1,4})(,(\d{0,4}))?\}/.exec(rest) ?? [];
    if (text === undefined) throw this.refusal('{ is no count; write \\{ for the character');
    this.at += text.length;
    const most = Number(to || from);
    this.repeat *= Math.max(most, 1);
    if (this.repeat > MAX_REPEAT || (to !== '' && Number(from) > most))
      throw this.refusal(`{${text} repeats too often`);
    this.quantifier(`{${text}`, more !== undefined);
  }

  private escape(): void {
    const char = this.take();
    if (char === 'A' || char === 'z') {
      this.add({ is: char === 'A' ? 'text-start' : 'text-end' }, false);
      return;
    }
    const shorthand = this.shorthand(char.toLowerCase());
    const negated = shorthand !== undefined && char !== char.toLowerCase();
    this.add({ is: 'set', negated, ranges: shorthand ?? [one(this.character(char))] }, true);
  }

  private shorthand(char: string): readonly Range[] | undefined {
    if (char === 'd') return DIGITS;
    if (char === 'w') return WORD;
    return char === 's' ? SPACES[this.from] : undefined;
  }

  /** The character that an escape stands for. */
  private character(char: string): string {
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (char === 'x') {
      const digits = this.take() + this.take();
      if (/^[0-7][\da-f]$/i.test(digits)) return String.fromCharCode(Number.parseInt(digits, 16));
    }
    if (/^[!-/:-@[-`{-~]$/.test(char)) return char;
    throw this.refusal(`\\${char} is not in both`);
  }

  private set(): void {
    const negated = this.next === '^';
    if (negated) this.at += 1;
    if (this.next === ']') throw this.refusal('[] is empty');
    const ranges: Range[] = [];
    for (let isFirst = true; this.next !== ']'; isFirst = false) {
      if (this.at >= this.chars.length) throw this.refusal('[ is not closed');
      ranges.push(...this.member(isFirst));
    }
    this.at += 1;
    this.add({ is: 'set', negated, ranges }, true);
  }

  private member(isFirst: boolean): readonly Range[] {
    const char = this.take();
    if (char === '[' || (char === '&' && this.next === '&')) throw this.refusal(`${char} within [ ]`);
    if (char === '-' && !isFirst && this.next !== ']') throw this.refusal('a - within [ ]; write \\-');
    const shorthand = char === '\\' ? this.shorthand(this.next) : undefined;
    if (shorthand !== undefined) this.at += 1;
    const from = shorthand ? '' : char === '\\' ? this.character(this.take()) : char;
    if (this.next !== '-' || this.chars[this.at + 1] === ']') return shorthand ?? [one(from)];
    this.at += 1;
    const last = this.take();
    // After a range, too, `&&` is Ruby's for what is in both: `[!-&&a]` is the `a` alone.
    if (shorthand || last === '[' || last === '' || (last === '&' && this.chars[this.at] === '&'))
      throw this.refusal('a range within [ ]');
    const to = last === '\\' ? this.character(this.take()) : last;
    if (code(from) > code(to)) throw this.refusal(`${from}-${to} is no range`);
    return [[code(from), code(to)]];
  }
}

/**
 * @param source a regular expression, without slashes
 * @throws Rejection `unsupported_filter` where Ruby and Go do not agree what it means
 */
export const parsePattern = (source: string, from: 'ruby' | 'go'): Pattern => {
  // What Ruby writes for a Regexp without options where it has no other way, as in JSON.
  const bare = from === 'ruby' ? (/^\(\?-mix:(.*)\)$/s.exec(source)?.[1] ?? source) : source;
  return new Parser(bare, from).parse();
};

/** Nothing but letters and digits stands for itself: neither filter strings nor slashes can then be misread. */
const charText = (at: number): string => {
  const char = String.fromCodePoint(at);
  return at >= 0x80 || /[\w ,:@%]/.test(char) ? char : `\\x${at.toString(16).padStart(2, '0')}`;
};

const setText = (negated: boolean, ranges: readonly Range[]): string => {
  const [first] = ranges;
  if (!negated && ranges.length === 1 && first && first[0] === first[1]) return charText(first[0]);
  const members = ranges.map(([from, to]) =>
    from === to ? charText(from) : `${charText(from)}-${charText(to)}`,
  );
  return `[${negated ? '^' : ''}${members.join('')}]`;
};

/**
 * The pattern for the other side. Ruby's `^` and `$` are at lines, Go's at the whole text: texts of one line are the
 * same to both; of others, `lines: 'more'` matches at least what Ruby does and `'less'` at most.
 */
export const patternText = (pattern: Pattern, lines: 'more' | 'less' = 'less'): string => {
  const anchors = {
    'line-start': lines === 'more' ? '(?m:^)' : '\\A',
    'line-end': lines === 'more' ? '(?m:$)' : '\\z',
    'text-start': '\\A',
    'text-end': '\\z',
  } as const;
  return pattern
    .map((element) => {
      if (element.is === 'syntax') return element.text;
      return element.is === 'set' ? setText(element.negated, element.ranges) : anchors[element.is];
    })
    .join('');
};

/** What go-choria makes of a plain filter's regular expression, slashes or not. */
export const withoutOuterSlashes = (text: string): string => {
  let [from, to] = [0, text.length];
  while (text[from] === '/') from += 1;
  while (to > from && text[to - 1] === '/') to -= 1;
  return text.slice(from, to);
};

/** A pattern's source, in either language, for a text as it is. */
export const literalPattern = (text: string): string =>
  [...text].map((char) => charText(code(char))).join('');
