/** A part of an expression of Ruby's. */
export type Part =
  | { readonly kind: 'one'; readonly re2: string; readonly js: string; readonly isAscii?: boolean }
  | { readonly kind: 'all'; readonly parts: readonly Part[] }
  | { readonly kind: 'any'; readonly parts: readonly Part[] }
  | { readonly kind: 'at'; readonly where: 'start' | 'end' | 'word' | 'inside' }
  | {
      readonly kind: 'repeat';
      readonly of: Part;
      readonly least: number;
      readonly most: number;
      readonly how: 'greedy' | 'lazy' | 'possessive';
    }
  | { readonly kind: 'group'; readonly of: Part; readonly index: number }
  | { readonly kind: 'atomic'; readonly of: Part }
  | { readonly kind: 'look'; readonly of: Part; readonly behind: boolean; readonly not: boolean }
  | { readonly kind: 'anycase'; readonly of: Part }
  | { readonly kind: 'back'; readonly index: number };

/** Ruby does not compile it, and ends the request with an error. */
export class BrokenPattern extends Error {
  override readonly name = 'BrokenPattern';
}

/** It may be valid, but what it means is not known here exactly. */
export class StrangePattern extends Error {
  override readonly name = 'StrangePattern';
}

/** A character for RE2 and for JavaScript, whatever it is. */
export const literal = (character: string): Part => {
  const code = character.codePointAt(0) ?? 0;
  const plain = /^[\w=@,:]$/.test(character);
  return {
    kind: 'one',
    re2: plain ? character : `\\x{${code.toString(16)}}`,
    js: plain ? character : `\\u{${code.toString(16)}}`,
  };
};

const set = (inside: string, isNegated = false): Part => {
  const text = `[${isNegated ? '^' : ''}${inside}]`;
  return { kind: 'one', re2: text, js: text };
};

const BLANK = '\\t\\n\\x0b\\f\\r ';

/** What one letter behind a backslash stands for, within and without a set. The inside is one of both RE2 and JavaScript. */
export const ESCAPED_SETS: Readonly<
  Record<string, { readonly inside: string; readonly isNegated: boolean }>
> = {
  d: { inside: '0-9', isNegated: false },
  D: { inside: '0-9', isNegated: true },
  w: { inside: '0-9A-Za-z_', isNegated: false },
  W: { inside: '0-9A-Za-z_', isNegated: true },
  s: { inside: BLANK, isNegated: false },
  S: { inside: BLANK, isNegated: true },
  h: { inside: '0-9A-Fa-f', isNegated: false },
  H: { inside: '0-9A-Fa-f', isNegated: true },
};

export const escapedSet = (letter: string): Part | undefined => {
  const found = ESCAPED_SETS[letter];
  return found === undefined ? undefined : set(found.inside, found.isNegated);
};

/** Control characters by their letters. */
export const CONTROLS: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  f: '\f',
  v: '\v',
  a: '\u0007',
  e: '\u001b',
};
