import { readSet } from './set.ts';
import { BrokenPattern, CONTROLS, escapedSet, literal, type Part, StrangePattern } from './syntax.ts';

const MAX_REPEATS = 100_000;

const PLACES: Readonly<Record<string, Part>> = {
  A: { kind: 'at', where: 'start' },
  z: { kind: 'at', where: 'end' },
  Z: { kind: 'at', where: 'end' },
  b: { kind: 'at', where: 'word' },
  B: { kind: 'at', where: 'inside' },
};

const LOOKS: readonly (readonly [start: string, behind: boolean, not: boolean])[] = [
  ['(?=', false, false],
  ['(?!', false, true],
  ['(?<=', true, false],
  ['(?<!', true, true],
];

/** Whether it is a row of single characters, or a choice of such: what Ruby surely takes for looking behind. */
const isFixed = (part: Part): boolean =>
  part.kind === 'one' || (part.kind === 'all' && part.parts.every((it) => it.kind === 'one'));

/** Reads an expression as Ruby's Regexp does, for texts of one line. */
class Reader {
  readonly #text: readonly string[];
  #at = 0;
  #groups = 0;
  #names = 0;
  readonly #back: number[] = [];

  constructor(source: string) {
    this.#text = [...source];
  }

  read(): Part {
    const part = this.#choice();
    if (this.#at < this.#text.length) throw new BrokenPattern('a group ends that did not begin');
    if (this.#back.some((index) => index > this.#groups))
      throw new BrokenPattern('it refers back to a group that it does not have');
    if (this.#names > 0 && (this.#back.length > 0 || this.#groups > this.#names))
      throw new StrangePattern('it has groups with names and others');
    return part;
  }

  #starts(text: string): boolean {
    return [...text].every((character, index) => this.#text[this.#at + index] === character);
  }

  #choice(): Part {
    const parts = [this.#row()];
    while (this.#text[this.#at] === '|') {
      this.#at++;
      parts.push(this.#row());
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'any', parts };
  }

  #row(): Part {
    const parts: Part[] = [];
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === '|' || character === ')') return { kind: 'all', parts };
      const one = this.#one(character);
      if (one !== undefined) parts.push(this.#repeated(one));
    }
  }

  #one(character: string): Part | undefined {
    if (character === '(') return this.#group();
    if (/[*+?]/.test(character) || this.#interval() !== undefined)
      throw new BrokenPattern('there is nothing to repeat');
    this.#at++;
    if (character === '^') return { kind: 'at', where: 'start' };
    if (character === '$') return { kind: 'at', where: 'end' };
    if (character === '.') return { kind: 'one', re2: '.', js: '[^\\n]' };
    if (character === '\\') return this.#escaped();
    if (character !== '[') return literal(character);
    const { part, end } = readSet(this.#text, this.#at);
    this.#at = end;
    return part;
  }

  #escaped(): Part {
    const letter = this.#text[this.#at++];
    if (letter === undefined) throw new BrokenPattern('it ends with a backslash');
    const known = PLACES[letter] ?? escapedSet(letter);
    if (known !== undefined) return known;
    const control = CONTROLS[letter];
    if (control !== undefined) return literal(control);
    if (/[1-9]/.test(letter)) {
      if (/\d/.test(this.#text[this.#at] ?? ''))
        throw new StrangePattern('it refers to a group by two digits');
      this.#back.push(Number(letter));
      return { kind: 'back', index: Number(letter) };
    }
    if (/[0-9A-Za-z]/.test(letter)) throw new StrangePattern(`\\${letter} is not known here`);
    return literal(letter);
  }

  #group(): Part | undefined {
    for (const [start, behind, not] of LOOKS) {
      if (!this.#starts(start)) continue;
      this.#at += start.length;
      const of = this.#closed();
      if (behind && !isFixed(of) && !(of.kind === 'any' && of.parts.every(isFixed)))
        throw new StrangePattern('it looks behind for a text of any length');
      return { kind: 'look', of, behind, not };
    }
    const rest = this.#text.slice(this.#at).join('');
    const comment = /^\(\?#[^)\\]*\)/.exec(rest)?.[0];
    if (comment !== undefined) return this.#skip(comment);
    const name = /^\(\?<[A-Za-z_]\w*>/.exec(rest)?.[0];
    const options = /^\(\?([im]*)([:)])/.exec(rest);
    if (this.#starts('(?>')) return { kind: 'atomic', of: this.#behind('(?>') };
    if (name !== undefined) {
      this.#names++;
      return this.#counted(name);
    }
    if (!this.#starts('(?')) return this.#counted('(');
    if (options === null) throw new StrangePattern('it has a group of an unknown kind');
    return this.#withOptions(options);
  }

  /** Options without a colon hold to the end of the group round them, over its `|` as well. */
  #withOptions([start, letters = '', end]: RegExpExecArray): Part {
    if (end === ')' && letters === '') throw new BrokenPattern('a group has no options');
    if (end === ')') this.#at += start.length;
    const of = end === ')' ? this.#choice() : this.#behind(start);
    return letters.includes('i') ? { kind: 'anycase', of } : of;
  }

  #skip(text: string): undefined {
    this.#at += [...text].length;
    if (/[*+?{]/.test(this.#text[this.#at] ?? '')) throw new StrangePattern('a comment is repeated');
    return undefined;
  }

  #counted(start: string): Part {
    const index = ++this.#groups;
    return { kind: 'group', of: this.#behind(start), index };
  }

  #behind(start: string): Part {
    this.#at += [...start].length;
    return this.#closed();
  }

  #closed(): Part {
    const of = this.#choice();
    if (this.#text[this.#at] !== ')') throw new BrokenPattern('a group is not closed');
    this.#at++;
    return of;
  }

  #interval(): readonly [length: number, least: number, most: number] | undefined {
    if (this.#text[this.#at] !== '{') return undefined;
    const [all, from, comma = '', to = ''] =
      /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 20).join('')) ?? [];
    if (all === undefined || (from === '' && to === '')) return undefined;
    const least = Number(from);
    const most = comma === '' ? least : to === '' ? Number.POSITIVE_INFINITY : Number(to);
    if (least > MAX_REPEATS || (Number.isFinite(most) && most > MAX_REPEATS))
      throw new BrokenPattern('it repeats too often');
    if (most < least) throw new BrokenPattern('it repeats from more to less');
    return [all.length, least, most];
  }

  #repeated(first: Part): Part {
    let part = first;
    for (;;) {
      const mark = this.#text[this.#at];
      const interval = this.#interval();
      if (interval !== undefined) {
        const [length, least, most] = interval;
        this.#at += length;
        // `{2}?` is `(?:…{2})?`, and `{2,3}+` is `(?:…{2,3})+`.
        const isLazy = this.#text[this.#at] === '?' && least !== most;
        if (isLazy) this.#at++;
        part = { kind: 'repeat', of: part, least, most, how: isLazy ? 'lazy' : 'greedy' };
      } else if (mark === '*' || mark === '+' || mark === '?') {
        this.#at++;
        const next = this.#text[this.#at];
        const how = next === '?' ? 'lazy' : next === '+' ? 'possessive' : 'greedy';
        if (how !== 'greedy') this.#at++;
        const most = mark === '?' ? 1 : Number.POSITIVE_INFINITY;
        part = { kind: 'repeat', of: part, least: mark === '+' ? 1 : 0, most, how };
      } else return part;
    }
  }
}

/** @throws BrokenPattern where Ruby's Regexp.new does; StrangePattern where it is not known here what it does */
export const readPattern = (source: string): Part => new Reader(source).read();
