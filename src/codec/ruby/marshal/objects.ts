import { plainMessage, plainObject, type Variables } from '../classes/plain.ts';
import type { RubyValue } from '../value.ts';
import type { TimeVariables } from './time-dump.ts';

/** An object of a program's own class. */
export const objectOf = (className: string, variables: Variables): RubyValue => {
  // `exc_initialize` of error.c: so an exception keeps its sentence, whatever its class; nil where it has none.
  const message = variables.find(([name]) => name === 'mesg');
  if (message !== undefined) return plainMessage(message[1], className);
  return plainObject(
    className,
    variables.map(([name, value]) => [name.replace(/^@/, ''), value]),
  );
};

/** What says the fraction and the offset of a time. */
export const timeVariables = (names: ReadonlyMap<string, RubyValue>): TimeVariables => {
  const variables: TimeVariables = {};
  for (const name of ['offset', 'nano_num', 'nano_den'] as const) {
    const value = names.get(name);
    if (value !== undefined) variables[name] = value;
  }
  return variables;
};

/** Bytes that are not text, as `Regexp#inspect` shows them: `\\xFF` matches the same. */
export const escaped = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).toUpperCase()}`);
