import { dateTimeText } from '../classes/date.ts';
import { plainBytes } from '../classes/plain.ts';
import { BINARY } from '../text.ts';
import { RubyError, RubyFloat, RubyRegexp, RubyString, RubySymbol, type RubyValue } from '../value.ts';
import { strictFloat } from './number.ts';
import { psychScalar } from './scalar.ts';
import { isTimestamp, psychTime } from './timestamp.ts';

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
/** Psych's own tags and what kind of thing they name; the class after a colon or slash is a program's. */
const CLASS =
  /^!(?:ruby\/)?(string|str|array|hash|map|hash-with-ivars|object|exception|struct|range|marshalable|set|omap)(?:[:/](.*))?$/s;

export interface ClassTag {
  readonly kind: string;
  /** Empty where none is named. */
  readonly className: string;
}

/** What a tag of a mapping or list says of its class; undefined for a tag that is none of Psych's. */
export const classTag = (tag: string): ClassTag | undefined => {
  const [, kind, className = ''] = CLASS.exec(tag) ?? [];
  return kind === undefined ? undefined : { kind, className };
};

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

/** An object that Psych writes as one scalar, as Ruby's own JSON would write it. */
const object = (className: string, text: string): RubyValue => {
  if (className === 'DateTime') {
    const time = isTimestamp(text) ? psychTime(text) : undefined;
    return time === undefined ? text : dateTimeText(time);
  }
  return plainBytes(className, text);
};

/**
 * What Psych makes of a scalar with a tag (`ToRuby#deserialize`), for which quotes do not matter; of other classes than
 * those of the value model it is their text.
 */
export const taggedScalar = (tag: string, text: string): RubyValue => {
  if (IMPLICIT.has(tag)) return psychScalar(text);
  if (TEXT.has(tag)) return text;
  if (tag === '!binary' || tag === `${YAML}binary`) return binary(text);
  if (tag === '!ruby/regexp') return regexp(text);
  if (tag === '!ruby/sym' || tag === '!ruby/symbol') return new RubySymbol(text);
  if (tag === '!float' || tag === `${YAML}float`) return float(text);
  const known = classTag(tag);
  if (known?.kind === 'object') return object(known.className, text);
  return known === undefined && !tag.startsWith('!ruby/') ? psychScalar(text) : text;
};

export const isPlainMapping = (tag: string | undefined): boolean => tag === undefined || tag === `${YAML}map`;

/** Whether a list is of hashes that are one hash, in order. */
export const isOrdered = (tag: string | undefined): boolean => tag === '!omap' || tag === `${YAML}omap`;
