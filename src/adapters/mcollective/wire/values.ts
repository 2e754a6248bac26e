import { formatJson } from '../../../codec/json.ts';
import { regexpText, scalarText } from '../../../codec/ruby/classes/text.ts';
import { pathText } from '../../../codec/ruby/path.ts';
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
  symbol,
} from '../../../codec/ruby/value.ts';
import { shown } from '../../../codec/shown.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { Float, float, isMap, type Value, type ValueMap } from '../../../envelope/value.ts';
import { binary, textOf } from './text.ts';

/** A place in a value whose error has not been said yet. */
const inside = (error: unknown, place: string | number): unknown =>
  error instanceof RubyError ? error.at(place) : error;

const refused = (message: string): RubyError => new RubyError('unwritable', message);

const neutral = (value: RubyValue): Value => {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return value;
  }
  if (value === null) return null;
  if (value instanceof RubySymbol) return value.name;
  if (value instanceof RubyHash) return mapOf(value);
  if (value instanceof RubyFloat) return float(value.value);
  if (value instanceof RubyString) return textOf(value) ?? value.bytes;
  if (value instanceof RubyTime) return isoTime(value);
  if (value instanceof RubyRegexp) return regexpText(value);
  if (value instanceof RubySet) return listOf(value.members);
  if (value instanceof RubyStruct) return mapOf(new RubyHash(value.members));
  return listOf(value);
};

const listOf = (list: readonly RubyValue[]): readonly Value[] => {
  const values: Value[] = [];
  try {
    for (const value of list) values.push(neutral(value));
  } catch (error) {
    throw inside(error, values.length);
  }
  return values;
};

/** A hash with its keys as text. Two keys that would become the same text are refused: one would be lost. */
const mapOf = (hash: RubyHash): ValueMap => {
  const map = new Map<string, Value>();
  let text = '?';
  try {
    for (const [key, value] of hash.entries) {
      text = keyText(key);
      map.set(text, neutral(value));
    }
  } catch (error) {
    throw inside(error, text);
  }
  if (map.size !== hash.entries.length) refuseCollision(hash);
  return map;
};

const refuseCollision = (hash: RubyHash): never => {
  const seen = new Set<string>();
  const twice = hash.entries
    .map(([key]) => keyText(key))
    .find((text) => {
      const known = seen.has(text);
      seen.add(text);
      return known;
    });
  throw refused(`a hash has two keys that are both written ${shown(twice ?? '')} in JSON`);
};

/** Keys follow the rules of values: what becomes text does, and of the rest the JSON that it becomes. */
const keyText = (key: RubyValue): string => {
  if (typeof key === 'string') return key;
  if (key instanceof RubySymbol) return key.name;
  const text = scalarText(key);
  if (text !== undefined) return text;
  if (typeof key === 'bigint') throw refused('a hash has an integer of more than 100 digits as a key');
  if (key instanceof RubyString) return key.bytes.toString('base64');
  const value = neutral(key);
  return typeof value === 'string' ? value : formatJson(value);
};

/** @throws Rejection `unsupported_value`, naming where in the message it is */
const said = <T>(place: string, convert: () => T): T => {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof RubyError)) throw error;
    const where = pathText(error.at(place).path);
    throw new Rejection('unsupported_value', `${error.message}, in ${where}`, {}, { cause: error });
  }
};

/**
 * A Ruby value in the neutral model; the table is in docs/values.md.
 * @param place its key in the message, for errors
 * @throws Rejection `unsupported_value`
 */
export const fromRuby = (value: RubyValue, place = 'data'): Value => said(place, () => neutral(value));

/** As {@link fromRuby}, of a hash. */
export const mapFromRuby = (hash: RubyHash, place = 'data'): ValueMap => said(place, () => mapOf(hash));

/** ISO 8601 with as many fractional digits as the time needs, in the offset that it was written with. */
const isoTime = (time: RubyTime): string => {
  // ISO 8601 has no seconds in an offset (local mean times have): the instant counts, so it is written in UTC.
  const hasIsoOffset = time.offset !== undefined && time.offset % 60 === 0;
  const offset = hasIsoOffset ? time.offset : 0;
  const local = time.nanoseconds + BigInt(offset) * 1_000_000_000n;
  let seconds = local / 1_000_000_000n;
  let nanos = local % 1_000_000_000n;
  if (nanos < 0n) {
    nanos += 1_000_000_000n;
    seconds -= 1n;
  }
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) throw refused('a Time lies outside the years that ISO 8601 can write');
  const base = date.toISOString().slice(0, -5);
  const fraction =
    nanos === 0n
      ? ''
      : `.${nanos
          .toString()
          .padStart(9, '0')
          .replace(/0{1,9}$/, '')}`;
  return `${base}${fraction}${hasIsoOffset ? isoOffset(offset) : 'Z'}`;
};

const isoOffset = (offset: number): string => {
  const minutes = Math.floor(Math.abs(offset) / 60);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
};

/** A neutral value as Ruby has it; hashes with string keys. */
export const toRuby = (value: Value): RubyValue => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value;
    case 'number':
      return Number.isInteger(value) ? value : new RubyFloat(value);
  }
  if (value === null) return null;
  if (value instanceof Float) return new RubyFloat(value.value);
  if (value instanceof Uint8Array) return binary(value);
  if (isMap(value)) return hashToRuby(value, (key) => key);
  return value.map(toRuby);
};

/** The `data` of a request or reply: its own keys become symbols, deeper ones stay strings. */
export const dataToRuby = (data: ValueMap): RubyHash => hashToRuby(data, symbol);

const hashToRuby = (map: ValueMap, key: (text: string) => RubyValue): RubyHash =>
  new RubyHash([...map].map(([text, value]) => [key(text), toRuby(value)]));
