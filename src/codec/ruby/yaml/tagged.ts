import { dateTimeText } from '../classes/date.ts';
import { plainBytes, plainObject } from '../classes/plain.ts';
import { BINARY } from '../text.ts';
import { RubyError, RubyFloat, RubyRegexp, RubyString, RubySymbol, type RubyValue } from '../value.ts';
import { strictFloat } from './number.ts';
import { psychScalar } from './scalar.ts';
import { isDay, isTimestamp, psychTime } from './timestamp.ts';

const TEXT = /^(?:!(?:str|ruby\/string)(?::.*)?|tag:yaml\.org,2002:str)$/;
const BINARY_TAG = /^(?:!|tag:yaml\.org,2002:)binary$/;
const FLOAT_TAG = /^(?:!|tag:yaml\.org,2002:)float$/;
/** No colon is needed, and whatever follows is allowed. */
const SYMBOL_TAG = /^!ruby\/sym/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const REGEXP = /^\/([\s\S]*)\/([mixn]*)$/;
const OPTION: Readonly<Record<string, number>> = { i: 1, x: 2, m: 4 };
/** `BigDecimal#_dump`: how many digits there is room for, and what `to_s` gives. */
const BIG_DECIMAL = /^\d+:(?:NaN|-?Infinity|-?0\.0|-?0\.[1-9]\d*[eE]-?\d+)$/;

/** Names that `Encoding.find` knows beside those of encodings. */
const OF_THE_READER = /^(?:internal|external|locale|filesystem)$/i;

const malformed = (message: string): RubyError => new RubyError('malformed', message);

const binary = (text: string): RubyString => {
  const base64 = text.replace(/[ \t\r\n]/g, '');
  if (!BASE64.test(base64)) throw malformed('!binary without base64');
  return new RubyString(Buffer.from(base64, 'base64'), BINARY);
};

const regexp = (text: string): RubyRegexp => {
  const parts = REGEXP.exec(text);
  if (parts === null) throw malformed('!ruby/regexp without a regular expression');
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
  if (typeof value !== 'string') throw malformed('!float without a number');
  return strictFloat(text);
};

/** `1..3`, as other programs than Psych write it. */
const range = (text: string): RubyValue => {
  const dots = text.indexOf('..');
  if (dots === -1) throw malformed('!ruby/range without a range');
  const isOpen = text.startsWith('...', dots);
  return plainObject('Range', [
    ['begin', psychScalar(text.slice(0, dots))],
    ['end', psychScalar(text.slice(dots + (isOpen ? 3 : 2)))],
    ['excl', isOpen],
  ]);
};

/** A DateTime of a year of more than four digits, as Psych writes and does not read it. */
const FAR = /^(-?\d{5,}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.\d+ (?:Z|([-+]\d\d:\d\d))$/;

const dateTime = (text: string): string => {
  const time = isTimestamp(text) ? psychTime(text) : undefined;
  if (time !== undefined) return dateTimeText(time);
  const [, date, clock, zone = '+00:00'] = FAR.exec(text) ?? [];
  if (date === undefined) throw malformed('a DateTime that is no time');
  return `${date}T${clock}${zone}`;
};

/** Objects that Psych reads from one scalar; it writes the last two of them as mappings. */
const object = (className: string, text: string): RubyValue => {
  switch (className) {
    case 'BigDecimal':
      if (!BIG_DECIMAL.test(text)) throw malformed('a BigDecimal in a form that Ruby does not write');
      return plainBytes(className, text);
    case 'DateTime':
      return dateTime(text);
    case 'Complex':
    case 'Rational':
      throw malformed(`a ${className} in a form that Ruby does not write`);
  }
  return psychScalar(text);
};

/**
 * What Psych makes of a scalar with a tag (`ToRuby#deserialize`), for which quotes do not matter; of other classes than
 * those of the value model it is their text.
 * @throws RubyError `malformed`
 */
export const taggedScalar = (tag: string, text: string): RubyValue => {
  if (TEXT.test(tag)) return text;
  if (BINARY_TAG.test(tag)) return binary(text);
  if (FLOAT_TAG.test(tag)) return float(text);
  if (SYMBOL_TAG.test(tag)) return new RubySymbol(text);
  switch (tag) {
    case '!ruby/regexp':
      return regexp(text);
    case '!ruby/range':
      return range(text);
    case '!ruby/class':
    case '!ruby/module':
      return text === '' ? null : text;
    case '!ruby/encoding':
      if (OF_THE_READER.test(text)) throw malformed('an Encoding that depends on who reads it');
      return text;
  }
  const [, className] = /^!ruby\/object:(.*)$/.exec(tag) ?? [];
  return className === undefined ? psychScalar(text) : object(className, text);
};

const OBJECT = /^!ruby\/(?:object:(?:BigDecimal|DateTime)|range|class|module|encoding)$/;

/** Whether a scalar with this tag, which is this text here, is an object of another class to Ruby. */
export const isObjectAsText = (tag: string, text: string): boolean =>
  OBJECT.test(tag) || (!TEXT.test(tag) && isDay(text));
