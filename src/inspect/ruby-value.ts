import { fieldText, textOf } from '../adapters/mcollective/wire/text.ts';
import { fromRuby } from '../adapters/mcollective/wire/values.ts';
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
} from '../codec/ruby/index.ts';
import { Rejection } from '../envelope/rejection.ts';
import type { Value, ValueMap } from '../envelope/value.ts';

const list = (values: readonly RubyValue[]): string => values.map(inspect).join(', ');

/** A value as Ruby's `inspect` would write it, more or less: for what JSON cannot say. */
export const inspect = (value: RubyValue): string => {
  if (value === null) return 'nil';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof RubySymbol) return `:${value.name}`;
  if (value instanceof RubyFloat) return String(value.value);
  if (value instanceof RubyString) return JSON.stringify(textOf(value) ?? value.bytes.toString('latin1'));
  if (value instanceof RubyRegexp) return `/${value.source}/`;
  if (value instanceof RubyTime) return `#<Time ${value.nanoseconds} ns>`;
  if (value instanceof RubySet) return `#<Set: {${list(value.members)}}>`;
  if (value instanceof RubyStruct)
    return `#<struct ${value.className} ${value.members.map(([name, member]) => `${name}=${inspect(member)}`).join(', ')}>`;
  if (value instanceof RubyHash)
    return `{${value.entries.map(([key, member]) => `${inspect(key)}=>${inspect(member)}`).join(', ')}}`;
  return `[${list(value)}]`;
};

/** In the neutral model; what it refuses, as the text that Ruby would show. */
export const shownRuby = (value: RubyValue): Value => {
  try {
    return fromRuby(value);
  } catch (error) {
    if (error instanceof Rejection) return inspect(value);
    throw error;
  }
};

/** A hash with its keys as text. Of two keys with one text the last is shown, which the codecs object to. */
export const shownHash = (hash: RubyHash): ValueMap =>
  new Map(hash.entries.map(([key, value]) => [fieldText(key) ?? inspect(key), shownRuby(value)]));
