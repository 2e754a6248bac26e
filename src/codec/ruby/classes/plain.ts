import { RubyHash, RubySet, RubyString, type RubyValue } from '../value.ts';
import { dateText } from './date.ts';
import { addressText, uriText } from './network.ts';
import { scalarText } from './text.ts';

/** The instance variables of an object, without `@`. */
export type Variables = readonly (readonly [name: string, value: RubyValue])[];

/** The instance variables of an object: a hash in JSON, and none to Ruby. */
export class RubyObject extends RubyHash {}

/** `1..3`, where both ends are scalars; else its parts. */
const range = (part: (name: string) => RubyValue | undefined, all: RubyHash): RubyValue => {
  const [from, to] = [scalarText(part('begin')), scalarText(part('end'))];
  return from === undefined || to === undefined ? all : `${from}${part('excl') === true ? '...' : '..'}${to}`;
};

const rational = (
  numerator: RubyValue | undefined,
  denominator: RubyValue | undefined,
): string | undefined => {
  const [above, below] = [scalarText(numerator), scalarText(denominator)];
  return above === undefined || below === undefined ? undefined : `${above}/${below}`;
};

/** `Complex#to_s`, whose imaginary part is written after its sign. */
const complex = (real: RubyValue | undefined, imaginary: RubyValue | undefined): string | undefined => {
  const [left, right] = [scalarText(real), scalarText(imaginary)];
  if (left === undefined || right === undefined) return undefined;
  const size = right.replace(/^-/, '');
  return `${left}${right.startsWith('-') ? '-' : '+'}${size}${/\d$/.test(size) ? '' : '*'}i`;
};

/** A Set: an object whose variable is a hash from each member to true. */
const setMembers = (hash: RubyValue | undefined): RubySet | undefined =>
  hash instanceof RubyHash ? new RubySet(hash.entries.map(([member]) => member)) : undefined;

/** A Set of a class of its own looks like this, and hardly anything else does. */
const isSetOfAnotherClass = (className: string, variables: Variables): boolean => {
  const [[name, hash] = [], ...more] = variables;
  if (className === 'Object' || more.length > 0 || name !== 'hash') return false;
  return hash instanceof RubyHash && hash.entries.every(([, flag]) => flag === true);
};

const knownObject = (
  className: string,
  part: (name: string) => RubyValue | undefined,
  all: RubyHash,
): RubyValue | undefined => {
  switch (className) {
    case 'Range':
      return range(part, all);
    case 'Rational':
      return rational(part('numerator'), part('denominator'));
    case 'Complex':
      return complex(part('real'), part('image'));
    case 'Pathname':
      return part('path');
    case 'Gem::Version':
      return part('version');
    case 'OpenStruct': {
      const table = part('table');
      return table instanceof RubyHash ? new RubyObject(table.entries) : (table ?? all);
    }
    case 'IPAddr':
      return addressText(part('addr'), part('family'), part('zone_id'));
    case 'Set':
    case 'SortedSet':
      return setMembers(part('hash'));
  }
  return className.startsWith('URI::') ? uriText(part) : undefined;
};

/**
 * An object as Ruby's own JSON would write it, where its class is known: its text. Of other classes `to_s` would be the
 * name and an address, so that they become their variables instead, if they have any. No code of a class is ever run.
 */
export const plainObject = (className: string, variables: Variables): RubyValue => {
  const part = (name: string): RubyValue | undefined => variables.find(([one]) => one === name)?.[1];
  const all = new RubyObject(variables);
  const known = knownObject(className, part, all);
  if (known !== undefined) return known;
  const members = isSetOfAnotherClass(className, variables) ? setMembers(part('hash')) : undefined;
  return members ?? (variables.length === 0 ? `#<${className}>` : all);
};

/**
 * `Exception#to_s` (`exc_to_s` of error.c): its message as text, or the class's name where it has none. What a message
 * holds that is no scalar says more than its `inspect`.
 */
export const plainMessage = (message: RubyValue | undefined, className: string): RubyValue => {
  if (message === null || message === undefined) return className;
  if (message instanceof RubyString) return message;
  const text = scalarText(message);
  if (text !== undefined) return text;
  return message instanceof RubyHash ? new RubyObject(message.entries) : message;
};

/** An object that `marshal_dump` made a plain value of. */
export const plainDumped = (className: string, dump: RubyValue): RubyValue => {
  const list: readonly RubyValue[] = Array.isArray(dump) ? dump : [];
  switch (className) {
    case 'Rational':
      return rational(list[0], list[1]) ?? dump;
    case 'Complex':
      return complex(list[0], list[1]) ?? dump;
    case 'Date':
    case 'DateTime':
      return dateText(dump, className === 'DateTime') ?? dump;
    case 'Gem::Version':
      return list[0] ?? dump;
  }
  return dump;
};

/** An object that `_dump` made bytes of. */
export const plainBytes = (className: string, bytes: RubyString | string): RubyString | string => {
  if (className !== 'BigDecimal') return bytes;
  // How many digits there is room for, and after the colon what `to_s` gives.
  const text = scalarText(bytes);
  return text?.slice(text.indexOf(':') + 1) ?? bytes;
};
