import { plainMessage, plainObject } from '../classes/plain.ts';
import { RubyError, RubyHash, RubyString, RubyStruct, RubySymbol, type RubyValue } from '../value.ts';
import { HashBuilder } from './mapping.ts';
import type { ClassTag } from './tags.ts';

const malformed = (message: string): RubyError => new RubyError('malformed', message);

/** The text that a key is; to Ruby a binary string of ASCII equals it. */
const keyText = (key: RubyValue): string | undefined => {
  if (typeof key === 'string') return key;
  return key instanceof RubyString ? key.bytes.toString('latin1') : undefined;
};

/** The entry whose key is this text; undefined where there is none. */
const entry = (hash: RubyHash, name: string): RubyValue | undefined =>
  hash.entries.find(([key]) => keyText(key) === name)?.[1];

/** The entries of an object, whose keys are names; the last of one name counts. @throws RubyError `malformed` */
const members = (hash: RubyHash): readonly (readonly [string, RubyValue])[] => {
  const found = new Map<string, RubyValue>();
  for (const [key, value] of hash.entries) {
    const name = key instanceof RubySymbol ? key.name : keyText(key);
    if (name === undefined) throw malformed('an object with a variable that has no name');
    found.set(name, value);
  }
  return [...found];
};

/** Ruby sets variables only of what can change. */
const canHaveVariables = (value: RubyValue | undefined): boolean =>
  typeof value === 'string' ||
  (typeof value === 'object' && value !== null && !(value instanceof RubySymbol));

/** Instance variables of its own stand beside a string. @throws RubyError `malformed` */
const string = (hash: RubyHash): RubyValue => {
  const value = entry(hash, 'str');
  const variables = hash.entries.filter(([key]) => keyText(key) !== 'str');
  if (variables.length > 0 && !canHaveVariables(value)) throw malformed('a string without its text');
  return value ?? null;
};

const array = (hash: RubyHash): RubyValue => {
  const value = entry(hash, 'internal');
  if (!Array.isArray(value)) throw malformed('a list without its contents');
  return value;
};

const range = (hash: RubyHash): RubyValue => {
  const excluded = entry(hash, 'excl') ?? false;
  return plainObject('Range', [
    ['begin', entry(hash, 'begin') ?? null],
    ['end', entry(hash, 'end') ?? null],
    ['excl', excluded !== false],
  ]);
};

/** A Data's members, which Psych 5.2 writes so where it has variables. */
const data = (hash: RubyHash): RubyValue => {
  const value = entry(hash, 'members');
  if (!(value instanceof RubyHash)) throw malformed('an object without its members');
  return value;
};

/**
 * What Psych makes of a mapping with a tag of its own; of a class that is not one of the value model as Ruby's own JSON
 * would write it.
 * @throws RubyError `malformed`
 */
export const revived = ({ kind, className }: ClassTag, hash: RubyHash): RubyValue => {
  switch (kind) {
    case 'struct':
      // The variables of one with a class have an `@`, as no member of it has.
      return new RubyStruct(
        className,
        members(hash).filter(([name]) => className === '' || !name.startsWith('@')),
      );
    case 'object':
      if (className === 'Date' || className === 'DateTime') throw malformed(`a ${className} that is no text`);
      return plainObject(className || 'Object', members(hash));
    case 'exception':
      return plainMessage(entry(hash, 'message'), className || 'Exception');
    case 'string':
      return string(hash);
    case 'array':
      return array(hash);
    case 'range':
      return range(hash);
    case 'data-with-ivars':
      return data(hash);
  }
  return hash;
};

/** Kinds in which the key `<<` merges: those of which Psych first makes a hash (`revive_hash`). */
export const merges = ({ kind, className }: ClassTag): boolean =>
  kind === 'hash' || (kind === 'object' && className !== 'Complex' && className !== 'Rational');

/**
 * Kinds that Psych gives their anchor to when they are read, or never: inside of them, and of an exception also
 * afterwards, it means what it meant before.
 */
export const hasLateAnchor = ({ kind, className }: ClassTag): boolean =>
  kind === 'string' ||
  kind === 'range' ||
  kind === 'exception' ||
  (kind === 'struct' && className === '') ||
  (kind === 'object' && (className === 'Complex' || className === 'Rational'));

/** The hash of a list of pairs: of each the first key and the last value. */
export const ordered = (pairs: readonly (readonly [RubyValue, RubyValue])[]): RubyHash => {
  const hash = new HashBuilder();
  for (const [key, value] of pairs) hash.set(key, value);
  return hash.build();
};
