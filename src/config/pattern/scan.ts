/** One piece of an expression. `text` is in RE2's syntax. */
export interface Piece {
  readonly kind: 'literal' | 'set' | 'start' | 'end' | 'open' | 'close' | 'or' | 'repeat' | 'other';
  readonly text: string;
}

/** An expression that cannot be taken: why, and what to write. */
export class PatternProblem extends Error {
  override readonly name = 'PatternProblem';
}

const NONE = 'write what the name has to look like, without it';

/** What Ruby (Puppet, MCollective) has and RE2 (Choria's Go) has not. */
const RUBY_GROUPS: readonly (readonly [start: string, problem: string])[] = [
  ['(?=', `looks ahead, which is not offered here; ${NONE}`],
  ['(?!', `looks ahead, which is not offered here; ${NONE}`],
  ['(?<=', `looks behind, which is not offered here; ${NONE}`],
  ['(?<!', `looks behind, which is not offered here; ${NONE}`],
  ['(?>', 'is an atomic group, which is not offered here; write (?:…)'],
  ['(?~', `is Ruby's absence operator, which is not offered here; ${NONE}`],
  ['(?(', `is a condition, which is not offered here; ${NONE}`],
];

const HEX = '0-9A-Fa-f';

/** Escapes that RE2 lacks or that mean another thing there. The end of a name and that of its last line are one. */
const ESCAPES: Readonly<Record<string, Piece>> = {
  '\\A': { kind: 'start', text: '\\A' },
  '\\z': { kind: 'end', text: '\\z' },
  '\\Z': { kind: 'end', text: '\\z' },
  '\\h': { kind: 'set', text: `[${HEX}]` },
  '\\H': { kind: 'set', text: `[^${HEX}]` },
  '\\b': { kind: 'other', text: '\\b' },
  '\\B': { kind: 'other', text: '\\B' },
};

const REFUSED_ESCAPES: Readonly<Record<string, string>> = {
  '\\G': 'is not offered here; leave it out',
  '\\K': 'is not offered here; leave it out',
  '\\R': 'stands for a line end, and a name has none',
  '\\X': 'is not offered here; write . for any character',
  '\\k': 'refers back to a group, which is not offered here',
  '\\g': 'calls a group, which is not offered here',
};

const SETS = new Set(['\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\p', '\\P']);

const problem = (text: string, what: string): PatternProblem => new PatternProblem(`${text} ${what}`);

/** Reads one expression of Ruby's or Go's from left to right. */
class Scanner {
  readonly #source: string;
  readonly #pieces: Piece[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  scan(): readonly Piece[] {
    while (this.#at < this.#source.length) this.#next();
    return this.#pieces;
  }

  #add(kind: Piece['kind'], length: number, text = this.#source.slice(this.#at, this.#at + length)): void {
    this.#pieces.push({ kind, text });
    this.#at += length;
  }

  #next(): void {
    const character = this.#source[this.#at];
    if (character === '\\') this.#escape();
    else if (character === '[') this.#set();
    else if (character === '(') this.#open();
    else if (character === ')') this.#add('close', 1);
    else if (character === '|') this.#add('or', 1);
    else if (character === '^') this.#add('start', 1);
    else if (character === '$') this.#add('end', 1);
    else if (character === '.') this.#add('set', 1);
    else if (!this.#repeat()) this.#add('literal', 1);
  }

  #escape(): void {
    const text = this.#source.slice(this.#at, this.#at + 2);
    const refused = REFUSED_ESCAPES[text] ?? (/^\\[1-9]$/.test(text) ? REFUSED_ESCAPES['\\k'] : undefined);
    if (refused !== undefined) throw problem(text, refused);
    const rest = this.#source.slice(this.#at);
    const known = ESCAPES[text];
    const property = /^\\[pP](?:\{\^?\w+\}|\w)/.exec(rest)?.[0];
    const code = /^\\x(?:[0-9a-fA-F]{2}|\{[0-9a-fA-F]+\})/.exec(rest)?.[0];
    if (text === '\\Q') this.#quoted();
    else if (known !== undefined) this.#add(known.kind, 2, known.text);
    else if (property !== undefined) this.#add('set', property.length);
    else if (code !== undefined) this.#add('literal', code.length);
    else this.#add(SETS.has(text) ? 'set' : 'literal', text.length);
  }

  /** Go's `\Q…\E`. */
  #quoted(): void {
    const end = this.#source.indexOf('\\E', this.#at);
    const stop = end === -1 ? this.#source.length : end;
    for (const character of this.#source.slice(this.#at + 2, stop))
      this.#pieces.push({ kind: 'literal', text: character.replace(/\W/, '\\$&') });
    this.#at = end === -1 ? stop : stop + 2;
  }

  #set(): void {
    const rest = this.#source.slice(this.#at);
    const bare = /^\[:\^?\w+:\](?!\])/.exec(rest)?.[0];
    if (bare !== undefined) throw problem(bare, `stands for its letters alone; write [${bare}]`);
    const match = /^\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]/.exec(rest)?.[0];
    if (match === undefined) throw problem('[', 'is not closed; write \\[ for the character itself');
    const inside = match.slice(1, -1).replace(/\[:\^?\w+:\]|\\[^hH]/g, '');
    if (inside.includes('&&')) throw problem(match, 'intersects sets as only Ruby does; list the characters');
    if (inside.includes('['))
      throw problem(
        match,
        'has a set within a set, as only Ruby reads it; write one, or \\[ for the character',
      );
    if (/\\H/.test(inside)) throw problem(match, 'has \\H within a set; list the characters');
    this.#add(
      'set',
      match.length,
      match.replace(/\\h|\\[\s\S]/g, (it) => (it === '\\h' ? HEX : it)),
    );
  }

  #open(): void {
    const rest = this.#source.slice(this.#at);
    for (const [start, what] of RUBY_GROUPS) if (rest.startsWith(start)) throw problem(start, what);
    const comment = /^\(\?#[^)]*\)/.exec(rest)?.[0];
    const name = /^\(\?P?<(\w+)>/.exec(rest);
    const flags = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/.exec(rest);
    if (!rest.startsWith('(?')) this.#add('open', 1);
    else if (comment !== undefined) this.#at += comment.length;
    else if (name !== null) this.#add('open', name[0].length, `(?P<${name[1]}>`);
    else if (flags !== null) this.#add(flags[3] === ':' ? 'open' : 'other', flags[0].length, groupOf(flags));
    else throw problem('(?', 'begins a group that is not known here; write \\(\\? for the characters');
  }

  /** @returns false where a `{` is not a repetition but a character */
  #repeat(): boolean {
    const rest = this.#source.slice(this.#at);
    const match = /^(?:[*+?]|\{(\d*)(?:,(\d*))?\})([?+]?)/.exec(rest);
    if (match === null) return false;
    const [whole, from, to, lazy] = match;
    const braces = from !== undefined;
    if (braces && from === '' && (to === undefined || to === '')) return false;
    if (lazy === '+')
      throw problem(whole, `is possessive, which is not offered here; write ${whole.slice(0, -1)}`);
    this.#add('repeat', whole.length, braces && from === '' ? `{0,${to}}${lazy}` : whole);
    return true;
  }
}

/** Flags of a group: `i` counts; where lines begin and end is one in a name, so `m` and `s` say nothing. */
const groupOf = ([whole, on = '', off = '', end = '']: RegExpExecArray): string => {
  if (on.includes('x'))
    throw problem(whole, 'has spaces and comments in the expression, which is not offered here');
  const other = /[^imsxUu]/.exec(on + off)?.[0];
  if (other !== undefined) throw problem(whole, `has the flag ${other}, which is not known here; i is`);
  const kept = on.replace(/[^iU]/g, '');
  const dropped = off.replace(/[^iU]/g, '');
  const flags = dropped === '' ? kept : `${kept}-${dropped}`;
  return end === ':' ? `(?${flags}:` : flags === '' ? '' : `(?${flags})`;
};

/** @throws PatternProblem */
export const scan = (source: string): readonly Piece[] => new Scanner(source).scan();

/** Without the slashes that Choria, Ruby and Puppet write round an expression, their flags in RE2's form. @throws PatternProblem */
export const unslashed = (text: string): string => {
  if (/^%r[^\w\s]/.test(text))
    throw problem('%r', 'is how Ruby marks an expression; write it between slashes, or bare');
  const match = /^\/(.+)\/([a-zA-Z]*)$/s.exec(text);
  if (match === null) return text;
  const [, source = '', flags = ''] = match;
  const other = /[^im]/.exec(flags)?.[0];
  if (other !== undefined) throw problem(`/${flags}`, `has the flag ${other}, which is not known here; i is`);
  return flags.includes('i') ? `(?i)${source}` : source;
};
