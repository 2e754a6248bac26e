import { RE2JS } from 're2js';
import { readPattern } from './read.ts';
import { findBySteps, OutOfSteps } from './steps.ts';
import { BrokenPattern, type Part, StrangePattern } from './syntax.ts';

/** Whether Ruby finds the pattern in a name. `unknown`: it cannot be told exactly in a time that grows with the name's length. */
export type Found = 'yes' | 'no' | 'unknown';

export type RubyPattern =
  | { readonly kind: 'pattern'; readonly find: (name: string) => Found }
  /** Ruby refuses it. */
  | { readonly kind: 'broken'; readonly why: string }
  /** Ruby may take it or refuse it. */
  | { readonly kind: 'strange'; readonly why: string };

/** What an expression says in RE2's syntax; undefined: it cannot. */
const re2Of = (part: Part): string | undefined => {
  switch (part.kind) {
    case 'one':
      return part.re2;
    case 'all':
      return joined(part.parts, '');
    case 'any': {
      const inside = joined(part.parts, '|');
      return inside === undefined ? undefined : `(?:${inside})`;
    }
    case 'at':
      return { start: '\\A', end: '\\z', word: '\\b', inside: '\\B' }[part.where];
    case 'group':
    case 'anycase': {
      const inside = re2Of(part.of);
      return inside === undefined ? undefined : `(?${part.kind === 'anycase' ? 'i' : ''}:${inside})`;
    }
    case 'repeat': {
      const inside = part.how === 'possessive' ? undefined : re2Of(part.of);
      const most = Number.isFinite(part.most) ? part.most : '';
      // Whether a text is found does not depend on how greedy a repetition is.
      return inside === undefined ? undefined : `(?:(?:${inside}){${part.least},${most}})`;
    }
    default:
      return undefined;
  }
};

const joined = (parts: readonly Part[], by: string): string | undefined => {
  const texts = parts.map(re2Of);
  return texts.includes(undefined) ? undefined : texts.join(by);
};

const contains = (part: Part, isIt: (one: Part) => boolean): boolean => {
  if (isIt(part)) return true;
  if (part.kind === 'all' || part.kind === 'any') return part.parts.some((it) => contains(it, isIt));
  return 'of' in part && contains(part.of, isIt);
};

const isAscii = (text: string): boolean => [...text].every((character) => character < '\u0080');

const compileRe2 = (source: string | undefined): RE2JS | undefined => {
  if (source === undefined) return undefined;
  try {
    return RE2JS.compile(source);
  } catch {
    // It repeats more than RE2 lets it.
    return undefined;
  }
};

const findOf = (source: string, part: Part): ((name: string) => Found) => {
  const re2 = compileRe2(re2Of(part));
  const hasCase = contains(part, ({ kind }) => kind === 'anycase');
  const isBeyondAscii = contains(
    part,
    (it) => (it.kind === 'one' && it.isAscii === false) || (it.kind === 'at' && /^[wi]/.test(it.where)),
  );
  const hasBackCase = hasCase && contains(part, ({ kind }) => kind === 'back');
  const tests = new Map<string, RegExp>();
  return (name) => {
    // Where a line ends within a name, Ruby's ^ and $ match too. What Ruby folds beyond ASCII is its own.
    if (name.includes('\n') || hasBackCase || (hasCase && !isAscii(source + name))) return 'unknown';
    if (re2 !== undefined && (!isBeyondAscii || isAscii(name)))
      return re2.matcher(name).find() ? 'yes' : 'no';
    try {
      return findBySteps(part, [...name], tests) ? 'yes' : 'no';
    } catch (error) {
      if (error instanceof OutOfSteps || error instanceof RangeError) return 'unknown';
      throw error;
    }
  };
};

/** An expression of Ruby's, for names. Each name takes a time that grows with its length, whatever the expression is. */
export const compileRubyPattern = (source: string): RubyPattern => {
  try {
    return { kind: 'pattern', find: findOf(source, readPattern(source)) };
  } catch (error) {
    if (error instanceof BrokenPattern) return { kind: 'broken', why: error.message };
    if (error instanceof StrangePattern) return { kind: 'strange', why: error.message };
    throw error;
  }
};
