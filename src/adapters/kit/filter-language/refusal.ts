import { shown } from '../../../codec/shown.ts';
import type { Filter } from '../../../envelope/filter.ts';
import { Rejection } from '../../../envelope/rejection.ts';

/** `unsupported_filter`: a part that were left out or guessed at would select nodes that were not meant. */
class Untranslatable extends Rejection {
  readonly part: string;
  readonly why: string;

  constructor(filter: string, part: string, why: string) {
    super('unsupported_filter', `${shown(part)} in the ${filter} filter cannot be translated: ${why}`);
    this.part = part;
    this.why = why;
  }
}

/** Of a compound filter. */
export const unsupported = (part: string, why: string): Rejection =>
  new Untranslatable('compound', part, why);

/** A plain filter is translated in a compound filter's words; what is refused of it is said of the plain one. */
export const inPlain = <T>(filter: 'fact' | 'class' | 'agent' | 'identity', translate: () => T): T => {
  try {
    return translate();
  } catch (error) {
    throw error instanceof Untranslatable ? new Untranslatable(filter, error.part, error.why) : error;
  }
};

/** Characters of a regular expression, and of a plain fact filter's value: what reads them need not be quick. */
export const MAX_PATTERN_CHARS = 1000;

/** Of the plain fact filters, the plain class filters, or the compound filters of a request. */
const MAX_ENTRIES = 1000;

export const checkEntries = (filter: 'fact' | 'class' | 'compound', entries: readonly unknown[]): void => {
  if (entries.length > MAX_ENTRIES)
    throw new Untranslatable(
      filter,
      '…',
      `there are ${entries.length} of them, and at most ${MAX_ENTRIES} pass`,
    );
};

/** Characters of the values and patterns of one kind of filter together: to translate them takes the time of a hundred times as many. */
const MAX_FILTER_CHARS = 65_536;

/** @param longest of one entry; what is longer is refused by itself */
export const checkText = (
  filter: 'fact' | 'class' | 'agent' | 'identity' | 'compound',
  texts: readonly string[],
  longest = MAX_PATTERN_CHARS,
): void => {
  let length = 0;
  for (const text of texts) length += Math.min(text.length, longest);
  if (length > MAX_FILTER_CHARS)
    throw new Untranslatable(
      filter,
      '…',
      `its entries have ${length} characters together, and at most ${MAX_FILTER_CHARS} pass`,
    );
};

/** Of all lists of a request together, before any is looked at. */
const MAX_ALL_TOKENS = 10_000;

export const checkTokens = (lists: readonly (readonly unknown[])[]): void => {
  let tokens = 0;
  for (const list of lists) tokens += list.length;
  if (tokens > MAX_ALL_TOKENS)
    throw new Untranslatable(
      'compound',
      '…',
      `there are ${tokens} tokens, and at most ${MAX_ALL_TOKENS} pass`,
    );
};

/** Levels of parentheses and `not`s; people write three. */
export const MAX_LEVELS = 50;

/** Of a list, that is read or written. */
export const MAX_TOKENS = 500;

/** Of all compound filters of a request together, as they are translated. */
export const MAX_LEAVES = 2000;

/** Of an expression: what stands at a position (from 0), and why it is not understood. */
export const refusedAt = (text: string, at: number, why: string): Rejection =>
  unsupported(text.slice(at), `${why} (character ${at + 1} of ${shown(text)})`);

/**
 * The bounds of a plain filter, whichever way it goes. Names that are not regular expressions cost nothing to look for.
 * @throws Rejection `unsupported_filter`
 */
export const checkPlain = ({ fact, cfClass, agent, identity }: Filter): void => {
  checkEntries('fact', fact);
  checkEntries('class', cfClass);
  checkText(
    'fact',
    fact.map(({ value }) => value),
  );
  for (const [kind, names] of [
    ['class', cfClass],
    ['agent', agent],
    ['identity', identity],
  ] as const)
    checkText(
      kind,
      names.filter((name) => name.includes('/')),
    );
};
