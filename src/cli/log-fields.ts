import { cut, MAX_SENTENCE_BYTES, MAX_TEXT_BYTES } from '../envelope/text.ts';
import { isMistake } from './mistake.ts';

/** Bytes of a stack, entries of a list or an object, levels below a line: what one line has of each at most. */
const MAX_STACK_BYTES = 4096;
const MAX_ENTRIES = 64;
const MAX_LEVELS = 5;

/** An error as a line tells it: a stack shows where a bug is, and is noise where the sentence says it all. */
const errorFields = (error: Error, depth: number): unknown => ({
  type: error.name,
  ...('code' in error ? { code: bounded(error.code, depth + 1) } : {}),
  message: cut(error.message, MAX_SENTENCE_BYTES),
  ...(isMistake(error) ? {} : { stack: cut(error.stack ?? '', MAX_STACK_BYTES) }),
  ...(error.cause === undefined ? {} : { cause: bounded(error.cause, depth + 1) }),
});

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** A value, bounded so that a line can hold it, whatever text is in it. */
const bounded = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return cut(value, MAX_SENTENCE_BYTES);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_LEVELS) return '…';
  if (value instanceof Error) return errorFields(value, depth);
  if (Array.isArray(value)) {
    const entries = value.slice(0, MAX_ENTRIES).map((entry) => bounded(entry, depth + 1));
    return value.length > MAX_ENTRIES ? [...entries, `and ${value.length - MAX_ENTRIES} more`] : entries;
  }
  // Of a class that says itself how it is shown, as secrets are.
  return isPlain(value) ? boundedFields(value, depth) : value;
};

const boundedFields = (fields: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .slice(0, MAX_ENTRIES)
      .map(([name, value]) => [cut(name, MAX_TEXT_BYTES), bounded(value, depth + 1)]),
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
