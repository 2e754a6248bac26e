import { RE2JS } from 're2js';
import { PatternProblem, type Piece } from './scan.ts';

/** What the names look like that an expression is for. */
export interface Names {
  /** `a certificate name`, as the end of a sentence. */
  readonly what: string;
  /** Every character that can stand in one; undefined: any. */
  readonly characters?: string;
  /** One that stands in each of them, and what they look like. */
  readonly always?: { readonly character: string; readonly form: string };
}

const WORD = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_';

/** Names of certificates that may call: what stands behind `choria=`. */
export const CERTIFICATE_NAMES: Names = { what: 'the name of a certificate', characters: `${WORD}.-` };
/** Names of certificates that may speak for others: any of their names counts, a mail address too. */
export const ANY_CERTIFICATE_NAMES: Names = { what: 'the name of a certificate' };
export const CALLERS: Names = {
  what: 'a caller',
  characters: `${WORD}.-=`,
  always: { character: '=', form: 'choria=alice.mcollective or cert=alice' },
};
/** As any ingress may have proven them: other authorities call people other names. */
export const PROVEN_NAMES: Names = { ...CALLERS, characters: `${CALLERS.characters}@:|+` };

const isOne = ({ kind }: Piece): boolean => kind === 'literal' || kind === 'set';

/** Which of the characters a piece can stand for. */
const standsFor = ({ text }: Piece, characters: string): boolean => {
  const single = RE2JS.compile(`(?i)^(?:${text})$`);
  return [...characters].some((character) => single.matcher(character).find());
};

const isOptional = (next: Piece | undefined): boolean =>
  next?.kind === 'repeat' && /^(?:[*?]|\{0[,}])/.test(next.text);

/** Required pieces before a start or after an end, in the same alternative of the same group. */
const checkAnchors = (pieces: readonly Piece[]): void => {
  let begun = false;
  let ended = false;
  for (const [index, piece] of pieces.entries()) {
    const required = isOne(piece) && !isOptional(pieces[index + 1]);
    if (piece.kind === 'start' && begun)
      throw new PatternProblem(`nothing can stand before ${piece.text}; it belongs at the beginning`);
    if (required && ended) throw new PatternProblem(`nothing can stand behind $; it belongs at the end`);
    if (piece.kind === 'open' || piece.kind === 'close' || piece.kind === 'or') begun = ended = false;
    if (required) begun = true;
    if (piece.kind === 'end') ended = true;
  }
};

/** @throws PatternProblem where the expression is valid and can match no such name */
export const checkMeaning = (pieces: readonly Piece[], names: Names, whole: boolean): void => {
  checkAnchors(pieces);
  const { characters, always, what } = names;
  if (characters !== undefined)
    for (const [index, piece] of pieces.entries()) {
      if (!isOne(piece) || isOptional(pieces[index + 1]) || standsFor(piece, characters)) continue;
      const shown = piece.text === ' ' ? 'a space' : piece.text;
      const hint = piece.text === '=' ? ': it is what stands behind the =' : '';
      throw new PatternProblem(`${shown} never stands in ${what}${hint}`);
    }
  if (always === undefined || pieces.some((piece) => isOne(piece) && standsFor(piece, always.character)))
    return;
  if (whole || anchorsOf(pieces) === 'both')
    throw new PatternProblem(
      `it matches no caller: they are of the form ${always.form}, with "${always.character}"`,
    );
};

/** The alternatives of an expression, without a group that is all of it. */
const alternativesOf = (pieces: readonly Piece[]): readonly (readonly Piece[])[] => {
  const found: Piece[][] = [[]];
  let depth = 0;
  let isGroup = pieces[0]?.kind === 'open';
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === 'open') depth++;
    if (piece.kind === 'close') depth--;
    if (depth === 0 && index < pieces.length - 1) isGroup = false;
    if (piece.kind === 'or' && depth === 0) found.push([]);
    else found.at(-1)?.push(piece);
  }
  return isGroup && pieces.length > 2 ? alternativesOf(pieces.slice(1, -1)) : found;
};

/** Where all alternatives of an expression are held fast. `mixed`: one at its beginning, another at its end. */
export type Anchors = 'both' | 'start' | 'end' | 'none' | 'mixed';

export const anchorsOf = (pieces: readonly Piece[]): Anchors => {
  const found = alternativesOf(pieces).map((alternative): Anchors => {
    const parts = alternative.filter(({ kind, text }) => text !== '' && kind !== 'open' && kind !== 'close');
    const flags = /^\(\?/.test(parts[0]?.text ?? '') ? 1 : 0;
    const start = parts[flags]?.kind === 'start';
    const end = parts.at(-1)?.kind === 'end';
    return start && end ? 'both' : start ? 'start' : end ? 'end' : 'none';
  });
  const [first = 'none', ...more] = new Set(found);
  if (more.length === 0) return first;
  if (found.includes('none')) return 'none';
  return found.includes('start') && found.includes('end')
    ? 'mixed'
    : found.includes('start')
      ? 'start'
      : 'end';
};
