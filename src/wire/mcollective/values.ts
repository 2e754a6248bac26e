import { Rejection } from '../../envelope/rejection.ts';
import { Float, float, isMap, type Value, type ValueMap } from '../../envelope/value.ts';
import {
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
} from '../ruby/value.ts';
import { shown } from '../shown.ts';
import { binary, textOf } from './text.ts';

/** A Ruby value in the neutral model; the table is in docs/values.md. */
export const fromRuby = (value: RubyValue): Value => {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return value;
  }
  if (value === null) return null;
  if (value instanceof RubySymbol) return value.name;
  if (value instanceof RubyHash) return mapFromRuby(value);
  if (value instanceof RubyFloat) return float(value.value);
  if (value instanceof RubyString) return textOf(value) ?? value.bytes;
  if (value instanceof RubyTime) return isoTime(value);
  if (value instanceof RubyRegexp) return regexpText(value);
  if (value instanceof RubySet) return value.members.map(fromRuby);
  if (value instanceof RubyStruct)
    return new Map(value.members.map(([name, member]) => [name, fromRuby(member)]));
  return value.map(fromRuby);
};

/** A hash with its keys as text. Two keys that would become the same text are refused: one would be lost. */
export const mapFromRuby = (hash: RubyHash): ValueMap => {
  const map = new Map<string, Value>();
  for (const [key, value] of hash.entries) map.set(keyText(key), fromRuby(value));
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
  throw new Rejection(
    'unsupported_value',
    `a hash has two keys that are both written ${shown(twice ?? '')} in JSON`,
  );
};

/** To write long integers takes more than linear time, and a link of one byte may repeat each. */
const LONGEST_KEY = 10n ** 100n;

/** Keys as Ruby's own JSON generator writes them, `key.to_s`. */
const keyText = (key: RubyValue): string => {
  if (typeof key === 'string') return key;
  if (key instanceof RubySymbol) return key.name;
  if (typeof key === 'bigint' && (key >= LONGEST_KEY || key <= -LONGEST_KEY))
    throw new Rejection('unsupported_value', 'a hash has an integer of more than 100 digits as a key');
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  if (key === null) return '';
  if (key instanceof RubyString) {
    const text = textOf(key);
    if (text !== undefined) return text;
  }
  throw new Rejection(
    'unsupported_value',
    'a hash has a key that is neither text, a symbol, an integer, a boolean nor nil',
  );
};

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
  if (Number.isNaN(date.getTime()))
    throw new Rejection('unsupported_value', 'a Time lies outside the years that ISO 8601 can write');
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

/** `/source/flags`, the notation that filters and agents use. */
const regexpText = (regexp: RubyRegexp): string => {
  const flags = `${regexp.options & 4 ? 'm' : ''}${regexp.options & 1 ? 'i' : ''}${regexp.options & 2 ? 'x' : ''}`;
  return `/${regexp.source}/${flags}`;
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
