/**
 * How libyaml reads text of more than one line, where the `yaml` package reads it otherwise: blocks, and the line breaks
 * of YAML 1.1 alone. Source: `yaml_parser_scan_block_scalar` and `yaml_parser_scan_flow_scalar` of libyaml's scanner.c.
 */

/** U+2028 and U+2029 are line breaks that stay in the text; the others become a line feed. */
const SEPARATOR = /[\u2028\u2029]/;
const OTHER_BREAK = /[\x85\u2028\u2029]|\r(?!\n)/g;

/** Two characters as the key has. */
export const EMPTY_KEY_WORD = '\ue000\ue001';
/** An empty list or hash as a key, of which the `yaml` package fails on some that Psych writes. */
const EMPTY_KEY = /^([ \t]*(?:[-?:][ \t]+)*(?:[&!]\S*[ \t]+)*)(?:\[\]|\{\})(?=:(?:[ \n]|$))/gm;

/**
 * The source as the `yaml` package reads it: with line breaks that YAML 1.2 knows, and a word for an empty key, each in
 * the place of the original.
 */
export const readable = (source: string): string =>
  source.replace(OTHER_BREAK, '\n').replace(EMPTY_KEY, `$1${EMPTY_KEY_WORD}`);

const hasSeparator = (text: string): boolean => SEPARATOR.test(text);

const isBlank = (char: string): boolean => char === ' ' || char === '\t';
export const isBreak = (char: string): boolean =>
  char === '\n' || char === '\r' || char === '\x85' || char === '\u2028' || char === '\u2029';

/** The source from a place on. */
class Lines {
  readonly source: string;
  at: number;

  constructor(source: string, at: number) {
    this.source = source;
    this.at = at;
  }

  get char(): string {
    return this.source.charAt(this.at);
  }

  get ended(): boolean {
    return this.at >= this.source.length;
  }

  get isBreak(): boolean {
    return !this.ended && isBreak(this.char);
  }

  /** Takes a line break. @returns what it is in a text */
  lineBreak(): string {
    const { char } = this;
    this.at += char === '\r' && this.source.charAt(this.at + 1) === '\n' ? 2 : 1;
    return hasSeparator(char) ? char : '\n';
  }
}

export interface BlockText {
  readonly text: string;
  /** Where what comes after it begins. */
  readonly end: number;
}

/** Takes indentation and empty lines. @returns the line breaks, and the column of what comes after them */
const emptyLines = (lines: Lines, indent: number): { breaks: string; column: number; widest: number } => {
  let breaks = '';
  let widest = 0;
  for (;;) {
    let column = 0;
    while ((indent === 0 || column < indent) && lines.char === ' ') {
      lines.at++;
      column++;
    }
    widest = Math.max(widest, column);
    if (!lines.isBreak) return { breaks, column, widest };
    breaks += lines.lineBreak();
  }
};

/**
 * A block of text, literal (`|`) or folded (`>`).
 * @param at where its indicator stands
 * @param outer the column of the collection that it is in; -1 for none
 */
export const blockText = (source: string, at: number, outer: number): BlockText => {
  const [, style = '', header = ''] = /^([|>])([-+\d]{0,2})/.exec(source.slice(at, at + 3)) ?? [];
  const lines = new Lines(source, at + 1 + header.length);
  while (!lines.ended && !lines.isBreak) lines.at++;
  if (!lines.ended) lines.lineBreak();
  const increment = Number(/\d/.exec(header)?.[0] ?? 0);
  let indent = increment === 0 ? 0 : Math.max(outer, 0) + increment;
  let { breaks, column, widest } = emptyLines(lines, indent);
  if (indent === 0) indent = Math.max(widest, outer + 1, 1);
  let text = '';
  let leadingBreak = '';
  let wasBlank = false;
  while (column === indent && !lines.ended) {
    const blank = isBlank(lines.char);
    const isFolded = style === '>' && leadingBreak === '\n' && !wasBlank && !blank;
    if (!isFolded) text += leadingBreak;
    else if (breaks === '') text += ' ';
    text += breaks;
    wasBlank = blank;
    const start = lines.at;
    while (!lines.ended && !lines.isBreak) lines.at++;
    text += source.slice(start, lines.at);
    leadingBreak = lines.ended ? '' : lines.lineBreak();
    ({ breaks, column } = emptyLines(lines, indent));
  }
  if (!header.includes('-')) text += leadingBreak;
  if (header.includes('+')) text += breaks;
  return { text, end: lines.at };
};

const ESCAPES: Readonly<Record<string, string>> = {
  0: '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
};
const HEX: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** What stands behind a backslash, and how long it is. */
const escaped = (lines: Lines): string => {
  const char = lines.source.charAt(lines.at + 1);
  const width = HEX[char];
  lines.at += 2 + (width ?? 0);
  if (width === undefined) return ESCAPES[char] ?? char;
  return String.fromCodePoint(Number.parseInt(lines.source.slice(lines.at - width, lines.at), 16));
};

/** Takes blanks and line breaks. @returns what they are in a text; an escaped line break is nothing */
const folded = (lines: Lines, wasEscaped: boolean): string => {
  let blanks = '';
  let leading = '';
  let trailing = '';
  let hasBreak = wasEscaped;
  for (; !lines.ended; ) {
    if (isBlank(lines.char)) {
      if (!hasBreak) blanks += lines.char;
      lines.at++;
    } else if (!lines.isBreak) break;
    else if (hasBreak) trailing += lines.lineBreak();
    else {
      leading = lines.lineBreak();
      hasBreak = true;
    }
  }
  if (!hasBreak) return blanks;
  return leading === '\n' ? trailing || ' ' : leading + trailing;
};

/** Text in quotes, or without, of several lines. @param raw as it stands in the document, quotes included */
export const flowText = (raw: string): string => {
  const quote = /^["']/.exec(raw)?.[0] ?? '';
  const lines = new Lines(quote === '' ? raw : raw.slice(1, -1), 0);
  let text = '';
  while (!lines.ended) {
    const { char } = lines;
    if (isBlank(char) || isBreak(char)) text += folded(lines, false);
    else if (quote === '"' && char === '\\' && isBreak(lines.source.charAt(lines.at + 1))) {
      lines.at++;
      lines.lineBreak();
      text += folded(lines, true);
    } else if (quote === '"' && char === '\\') text += escaped(lines);
    else {
      text += char;
      lines.at += quote === "'" && char === "'" ? 2 : 1;
    }
  }
  return text;
};
