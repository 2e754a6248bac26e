import { MAX_LEVELS } from '../marshal/format.ts';
import { requireWellFormed } from '../text.ts';
import {
  RubyError,
  RubyFloat,
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../value.ts';

/** Text that no YAML parser takes for anything else, but for the words below. */
const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const WORDS: ReadonlySet<string> = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null']);
const PLAIN_SYMBOL = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SPECIAL = /["\\]|[^\x20-\x7e]/gu;
const NAMED: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** A key may not be longer without a `?` before it: libyaml takes 1024 characters, the colon with them. */
const MAX_SIMPLE_KEY_CHARS = 1000;

const escaped = (character: string): string => {
  const named = NAMED.get(character);
  if (named !== undefined) return named;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
};

/** All ASCII and on one line, so that no reader's encoding, folding or line breaks matter. */
const quoted = (text: string): string => {
  requireWellFormed(text);
  return `"${text.replace(SPECIAL, escaped)}"`;
};

const string = (text: string): string =>
  PLAIN.test(text) && text.length < MAX_SIMPLE_KEY_CHARS && !WORDS.has(text.toLowerCase())
    ? text
    : quoted(text);

/** Psych wants a point, and a sign in the exponent. */
const float = (value: number): string => {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value < 0 ? '-.inf' : '.inf';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  const e = text.indexOf('e');
  const mantissa = e < 0 ? text : text.slice(0, e);
  return `${mantissa}${mantissa.includes('.') ? '' : '.0'}${e < 0 ? '' : text.slice(e)}`;
};

const regexp = (value: RubyRegexp): string => {
  const { source, options } = value;
  const flags = `${options & 4 ? 'm' : ''}${options & 1 ? 'i' : ''}${options & 2 ? 'x' : ''}`;
  return `!ruby/regexp ${quoted(`/${source}/${flags}`)}`;
};

const integer = (value: number | bigint): string => {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RubyError('unwritable', `${value} is not an exact integer; a float is a RubyFloat`);
  return BigInt(value).toString();
};

const foreign = (className: string): RubyError =>
  new RubyError('unwritable', `daemons load no ${className} from YAML`, { className });

/** A value that fits behind `key: ` or `- `; undefined for a collection with contents. */
const inline = (value: RubyValue): string | undefined => {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return string(value);
  if (typeof value === 'number' || typeof value === 'bigint') return integer(value);
  if (value instanceof RubySymbol)
    return PLAIN_SYMBOL.test(value.name) ? `:${value.name}` : `!ruby/symbol ${quoted(value.name)}`;
  if (value instanceof RubyFloat) return float(value.value);
  if (value instanceof RubyString) return `!binary "${value.bytes.toString('base64')}"`;
  if (value instanceof RubyRegexp) return regexp(value);
  if (value instanceof RubyTime) throw foreign('Time');
  if (value instanceof RubySet) throw foreign('Set');
  if (value instanceof RubyStruct) throw foreign('Struct');
  if (value instanceof RubyHash) return value.entries.length === 0 ? '{}' : undefined;
  return value.length === 0 ? '[]' : undefined;
};

/** Psych merges under the key `<<`, also a quoted or binary one, unless the tag says that it is text. */
const isMergeKey = (key: RubyValue): boolean =>
  key === '<<' || (key instanceof RubyString && key.bytes.toString('latin1') === '<<');

/** Lines that grow; each collection is a block below its key or dash. */
class YamlWriter {
  readonly parts: string[] = ['---'];

  /** A value behind what is on the line already. */
  node(value: RubyValue, depth: number): void {
    if (depth > MAX_LEVELS) throw new RubyError('unwritable', `nested deeper than ${MAX_LEVELS} levels`);
    const text = inline(value);
    this.parts.push(text === undefined ? '\n' : ` ${text}\n`);
    if (text !== undefined) return;
    const indent = ' '.repeat((depth - 1) * 2);
    if (value instanceof RubyHash)
      for (const [key, member] of value.entries) {
        this.#key(key, indent, depth);
        this.node(member, depth + 1);
      }
    else if (Array.isArray(value))
      for (const member of value) {
        this.parts.push(`${indent}-`);
        this.node(member, depth + 1);
      }
  }

  #key(key: RubyValue, indent: string, depth: number): void {
    const collection = key instanceof RubyHash || Array.isArray(key);
    const text = isMergeKey(key) ? '!!str "<<"' : inline(key);
    // An empty collection could stand before the colon, but not every parser knows that.
    if (text !== undefined && !collection && text.length < MAX_SIMPLE_KEY_CHARS) {
      this.parts.push(`${indent}${text}:`);
      return;
    }
    this.parts.push(`${indent}?`);
    this.node(key, depth + 1);
    this.parts.push(`${indent}:`);
  }
}

/**
 * A document from which a daemon's `YAML.safe_load(text, [Symbol, Regexp])` makes the value: without aliases,
 * because that refuses them, so shared references are written as often as they are reached. Strings that are not
 * UTF-8 become binary ones.
 *
 * @throws RubyError `unwritable`: a Time, Set or Struct, which daemons refuse; an unsafe number; half a surrogate
 *   pair; a value nested without end
 */
export const encodeYaml = (value: RubyValue): Buffer => {
  const writer = new YamlWriter();
  writer.node(value, 1);
  return Buffer.from(writer.parts.join(''), 'latin1');
};
