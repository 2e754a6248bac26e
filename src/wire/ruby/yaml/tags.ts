import { BINARY, classError } from '../text.ts';
import { RubyError, RubyFloat, RubyRegexp, RubyString, RubySymbol, type RubyValue } from '../value.ts';
import { strictFloat } from './number.ts';
import { psychScalar } from './scalar.ts';

const YAML = 'tag:yaml.org,2002:';

/** Tags that leave a plain scalar what it is. */
const IMPLICIT: ReadonlySet<string> = new Set([
  '!',
  ...['int', 'bool', 'null', 'timestamp'].map((t) => YAML + t),
]);
const TEXT: ReadonlySet<string> = new Set(['!str', '!ruby/string', `${YAML}str`]);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const REGEXP = /^\/([\s\S]*)\/([mixn]*)$/;
const OPTION: Readonly<Record<string, number>> = { i: 1, x: 2, m: 4 };
const CLASS = /^!(?:ruby\/)?[a-z-]+[:/](.+)$/;

/** The classes of Psych's tags that name none. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['!ruby/range', 'Range'],
  ['!ruby/class', 'Class'],
  ['!ruby/module', 'Module'],
  ['!ruby/encoding', 'Encoding'],
  ['!ruby/exception', 'Exception'],
  ['!ruby/object', 'Object'],
  ['!ruby/hash-with-ivars', 'Hash'],
  ['!set', 'Psych::Set'],
  [`${YAML}set`, 'Psych::Set'],
  ['!omap', 'Psych::Omap'],
  [`${YAML}omap`, 'Psych::Omap'],
]);

/** @returns the error for a tag of a class that messages may not hold, or of none */
export const tagError = (tag: string): RubyError =>
  classError(NAMED.get(tag) ?? CLASS.exec(tag)?.[1] ?? tag, 'a value of class');

const binary = (text: string): RubyString => {
  const base64 = text.replace(/[ \t\r\n]/g, '');
  if (!BASE64.test(base64)) throw new RubyError('malformed', '!binary without base64');
  return new RubyString(Buffer.from(base64, 'base64'), BINARY);
};

const regexp = (text: string): RubyRegexp => {
  const parts = REGEXP.exec(text);
  if (parts === null) throw new RubyError('malformed', '!ruby/regexp without a regular expression');
  const [, source = '', options = ''] = parts;
  return new RubyRegexp(
    source,
    [...options].reduce((bits, option) => bits | (OPTION[option] ?? 0), 0),
  );
};

const float = (text: string): RubyFloat => {
  const value = psychScalar(text);
  if (value instanceof RubyFloat) return value;
  if (typeof value === 'number' || typeof value === 'bigint') return new RubyFloat(Number(value));
  return strictFloat(text);
};

/**
 * What Psych makes of a scalar with a tag (`ToRuby#deserialize`); quotes do not matter then.
 * @throws RubyError `class` for any tag that is not of the value model
 */
export const taggedScalar = (tag: string, text: string): RubyValue => {
  if (IMPLICIT.has(tag)) return psychScalar(text);
  if (TEXT.has(tag)) return text;
  if (tag === '!binary' || tag === `${YAML}binary`) return binary(text);
  if (tag === '!ruby/regexp') return regexp(text);
  if (tag === '!ruby/sym' || tag === '!ruby/symbol') return new RubySymbol(text);
  if (tag === '!float' || tag === `${YAML}float`) return float(text);
  throw tagError(tag);
};

export const isPlainSequence = (tag: string | undefined): boolean =>
  tag === undefined || tag === `${YAML}seq`;

export const isPlainMapping = (tag: string | undefined): boolean => tag === undefined || tag === `${YAML}map`;

/** The class of `!ruby/struct:NAME`; empty for an anonymous one, undefined for another tag. */
export const structClass = (tag: string): string | undefined => /^!ruby\/struct(?::(.*))?$/.exec(tag)?.[1];
