import { isUtf8 } from 'node:buffer';
import { formatJson } from '../../adapters/choria/wire/index.ts';
import { PROCESS_RESULTS } from '../../adapters/mcollective/wire/payload.ts';
import { fieldText } from '../../adapters/mcollective/wire/text.ts';
import { fromRuby } from '../../adapters/mcollective/wire/values.ts';
import {
  RubyFloat,
  RubyHash,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  type RubyValue,
} from '../../codec/ruby/index.ts';
import { Float, isMap, type Value } from '../../envelope/value.ts';
import type { FactValues } from './fact-values.ts';
import { isSelected, type Path, type Selection } from './paths.ts';
import type { Placeholders } from './placeholders.ts';
import type { ReplacementReport } from './replacement-report.ts';

/** What replaces values, and which. */
export interface Redaction {
  readonly selection: Selection;
  readonly placeholders: Placeholders;
  readonly facts: FactValues;
  /** Of a reply: to what and whose it is. */
  readonly reply?: string;
  /** Told of each value; undefined while others only get to know what is in a message. */
  readonly replaced?: ReplacementReport | undefined;
}

const isRubyList = (value: RubyValue): value is readonly RubyValue[] => Array.isArray(value);
const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** A switch of the protocol's that stands among the data of requests. */
const isSwitch = (place: Path): boolean => place.length === 2 && place[1] === PROCESS_RESULTS;

/** Numbers and switches are replaced where a path leads to them, texts wherever all are. */
const scalar = <T extends Value | RubyValue>(
  value: T,
  place: Path,
  { selection, placeholders, replaced }: Redaction,
): T | number | bigint | boolean => {
  if (!isSelected(selection, place) || isSwitch(place)) return value;
  replaced?.found(place, value !== null);
  if (typeof value === 'number')
    return Number.isInteger(value) ? placeholders.integer(value) : placeholders.float(value);
  if (typeof value === 'bigint') return placeholders.bigint(value);
  return typeof value === 'boolean' ? false : value;
};

const isWanted = (place: Path, { selection }: Redaction): boolean =>
  selection.allTexts || isSelected(selection, place);

/** Neither side can write these as a number, so the other one has a text: they tell nothing, and stay. */
const isFiniteFloat = ({ value }: Float | RubyFloat): boolean => Number.isFinite(value);

/** A value that a path leads to, with what stands for it. */
const replacing = <T>(place: Path, { replaced }: Redaction, by: T): T => {
  replaced?.found(place, true);
  return by;
};

const BINARY = 'ASCII-8BIT';

/** Bytes that are text: what legacy peers call binary is text to Choria where it can be. */
const binary = (value: Uint8Array, placeholders: Placeholders): Buffer =>
  isUtf8(value) ? Buffer.from(placeholders.text(Buffer.from(value).toString())) : placeholders.binary(value);

/** A value of Choria's JSON, with what was selected replaced. Kinds stay: a text is a text, an integer an integer. */
export const redactValue = (value: Value, place: Path, redaction: Redaction): Value => {
  const { placeholders } = redaction;
  if (isMap(value))
    return new Map([...value].map(([key, one]) => [key, redactValue(one, [...place, key], redaction)]));
  if (isList(value)) return value.map((one, index) => redactValue(one, [...place, String(index)], redaction));
  if (typeof value === 'string')
    return isWanted(place, redaction)
      ? replacing(place, redaction, placeholders.text(value))
      : placeholders.sentence(value);
  if (value instanceof Uint8Array)
    return isWanted(place, redaction) ? replacing(place, redaction, binary(value, placeholders)) : value;
  if (value instanceof Float)
    return isSelected(redaction.selection, place) && isFiniteFloat(value)
      ? replacing(place, redaction, placeholders.float(value.value))
      : value;
  return scalar(value, place, redaction);
};

/** How a key is written in a path: as in the JSON of the other side. */
const keyOf = (key: RubyValue): string =>
  fieldText(key) ?? (key instanceof RubyString ? key.bytes.toString('latin1') : String(key));

/** As it was, unless it quotes a text that was replaced. */
const unquoted = (value: RubyValue, text: string, placeholders: Placeholders): RubyValue => {
  const clean = placeholders.sentence(text);
  return clean === text ? value : clean;
};

/**
 * The same in a legacy message. What the other side sees as text becomes text, also a symbol, a time or a pattern, so
 * that one placeholder stands on both sides.
 */
export const redactRuby = (value: RubyValue, place: Path, redaction: Redaction): RubyValue => {
  const { placeholders, selection } = redaction;
  const wanted = isWanted(place, redaction);
  if (value instanceof RubyHash)
    return new RubyHash(
      value.entries.map(([key, one]) => [key, redactRuby(one, [...place, keyOf(key)], redaction)]),
    );
  if (isRubyList(value))
    return value.map((one, index) => redactRuby(one, [...place, String(index)], redaction));
  if (value instanceof RubySet)
    return new RubySet(
      value.members.map((one, index) => redactRuby(one, [...place, String(index)], redaction)),
    );
  if (value instanceof RubyStruct)
    return new RubyStruct(
      value.className,
      value.members.map(([name, one]) => [name, redactRuby(one, [...place, name], redaction)]),
    );
  if (value instanceof RubyFloat)
    return isSelected(selection, place) && isFiniteFloat(value)
      ? replacing(place, redaction, new RubyFloat(placeholders.float(value.value)))
      : value;
  if (value === null || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return scalar(value, place, redaction);
  const seen = fromRuby(value);
  if (!wanted) return typeof seen === 'string' ? unquoted(value, seen, placeholders) : value;
  redaction.replaced?.found(place, true);
  if (seen instanceof Uint8Array) return new RubyString(placeholders.binary(seen), BINARY);
  const text = placeholders.text(typeof seen === 'string' ? seen : formatJson(seen));
  if (value instanceof RubyString && value.encoding === BINARY)
    return new RubyString(Buffer.from(text), BINARY);
  return value instanceof RubySymbol ? new RubySymbol(text) : text;
};
