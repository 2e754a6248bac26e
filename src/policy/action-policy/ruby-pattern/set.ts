import { BrokenPattern, CONTROLS, ESCAPED_SETS, literal, type Part, StrangePattern } from './syntax.ts';

/** Ruby's named sets go beyond ASCII, those of RE2 do not. */
const NAMED: Readonly<Record<string, string>> = {
  alpha: '\\p{Alphabetic}',
  alnum: '\\p{Alphabetic}\\p{Nd}',
  digit: '\\p{Nd}',
  upper: '\\p{Uppercase}',
  lower: '\\p{Lowercase}',
  xdigit: '0-9A-Fa-f',
};

interface Member {
  readonly re2: string;
  readonly js: string;
  /** The character that it is, where it is one. */
  readonly character?: string;
}

/** Reads a set: what stands between brackets. */
class SetReader {
  readonly #text: readonly string[];
  at: number;
  #isAscii = true;

  constructor(text: readonly string[], at: number) {
    this.#text = text;
    this.at = at;
  }

  read(): Part {
    let negated = '';
    if (this.#text[this.at] === '^') {
      negated = '^';
      this.at++;
    }
    this.#checkBeginning();
    let re2 = '';
    let js = '';
    while (this.#text[this.at] !== ']') {
      const { re2: oneRe2, js: oneJs } = this.#range();
      re2 += oneRe2;
      js += oneJs;
    }
    this.at++;
    return { kind: 'one', re2: `[${negated}${re2}]`, js: `[${negated}${js}]`, isAscii: this.#isAscii };
  }

  #checkBeginning(): void {
    if (this.#text[this.at] !== ']') return;
    if (!this.#text.includes(']', this.at + 1)) throw new BrokenPattern('a set is empty');
    throw new StrangePattern('a set begins with ]');
  }

  #range(): Member {
    const from = this.#member();
    if (this.#text[this.at] !== '-') return from;
    const next = this.#text[this.at + 1];
    if (next === ']') return from;
    if (from.character === undefined || from.character === '-' || next === '[' || next === undefined)
      throw new StrangePattern('a hyphen stands behind a set');
    this.at++;
    const to = this.#member();
    if (to.character === undefined) throw new BrokenPattern('a range ends with a set');
    if ((to.character.codePointAt(0) ?? 0) < (from.character.codePointAt(0) ?? 0))
      throw new BrokenPattern('a range is empty');
    if (this.#text[this.at] === '-' && this.#text[this.at + 1] !== ']')
      throw new StrangePattern('a hyphen stands behind a range');
    return { re2: `${from.re2}-${to.re2}`, js: `${from.js}-${to.js}` };
  }

  #member(): Member {
    const character = this.#text[this.at];
    if (character === undefined) throw new BrokenPattern('a set is not closed');
    if (character === '[') return this.#named();
    if (character === '&' && this.#text[this.at + 1] === '&')
      throw new StrangePattern('sets are intersected');
    this.at++;
    return character === '\\' ? this.#escaped() : one(character);
  }

  #named(): Member {
    const rest = this.#text.slice(this.at).join('');
    const found = /^\[:(\w+):\]/.exec(rest);
    const js = NAMED[found?.[1] ?? ''];
    if (found === null || js === undefined) throw new StrangePattern('a set stands within a set');
    this.at += found[0].length;
    this.#isAscii = false;
    return { re2: found[0], js };
  }

  #escaped(): Member {
    const letter = this.#text[this.at++];
    if (letter === undefined) throw new BrokenPattern('it ends with a backslash');
    const known = ESCAPED_SETS[letter];
    if (known?.isNegated === true) throw new StrangePattern(`\\${letter} stands within a set`);
    if (known !== undefined) return { re2: known.inside, js: known.inside };
    const control = letter === 'b' ? '\b' : CONTROLS[letter];
    if (control !== undefined) return one(control);
    if (/[0-9A-Za-z]/.test(letter)) throw new StrangePattern(`\\${letter} stands within a set`);
    return one(letter);
  }
}

const one = (character: string): Member => {
  const part = literal(character);
  return part.kind === 'one' ? { re2: part.re2, js: part.js, character } : { re2: '', js: '' };
};

/** @param at behind the bracket that opens it */
export const readSet = (
  text: readonly string[],
  at: number,
): { readonly part: Part; readonly end: number } => {
  const reader = new SetReader(text, at);
  const part = reader.read();
  return { part, end: reader.at };
};
