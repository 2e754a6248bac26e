import { cut, LONGEST_SENTENCE, LONGEST_TEXT } from '../envelope/text.ts';
import { isMistake } from './mistake.ts';

/** Bytes of a stack, entries of a list or an object, levels below a line: what one line has of each at most. */
const LONGEST_STACK = 4096;
const MOST_ENTRIES = 64;
const DEEPEST = 5;

/** An error as a line tells it: a stack shows where a bug is, and is noise where the sentence says it all. */
const errorFields = (error: Error, depth: number): unknown => ({
  type: error.name,
  ...('code' in error ? { code: bounded(error.code, depth + 1) } : {}),
  message: cut(error.message, LONGEST_SENTENCE),
  ...(isMistake(error) ? {} : { stack: cut(error.stack ?? '', LONGEST_STACK) }),
  ...(error.cause === undefined ? {} : { cause: bounded(error.cause, depth + 1) }),
});

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** A value of which one line holds no more than it can bear, whoever's text is in it. */
const bounded = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return cut(value, LONGEST_SENTENCE);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return '…';
  if (value instanceof Error) return errorFields(value, depth);
  if (Array.isArray(value)) {
    const entries = value.slice(0, MOST_ENTRIES).map((entry) => bounded(entry, depth + 1));
    return value.length > MOST_ENTRIES ? [...entries, `and ${value.length - MOST_ENTRIES} more`] : entries;
  }
  // Of a class that says itself how it is shown, as secrets are.
  return isPlain(value) ? boundedFields(value, depth) : value;
};

const boundedFields = (fields: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .slice(0, MOST_ENTRIES)
      .map(([name, value]) => [cut(name, LONGEST_TEXT), bounded(value, depth + 1)]),
  );

/** What every line has already: a second key of that name would be for each reader to choose from. */
const OF_EVERY_LINE: ReadonlySet<string> = new Set([
  'level',
  'time',
  'identity',
  'cluster',
  'instance',
  'msg',
]);

/** The fields of a line. One that every line has gets another name. */
export const lineFields = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(boundedFields(fields, 0)).map(([name, value]) => [
      OF_EVERY_LINE.has(name) ? `its_${name}` : name,
      value,
    ]),
  );
