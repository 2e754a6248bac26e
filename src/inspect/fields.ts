import { tryDecodeBase64 } from '../codec/base64.ts';
import { isMap, type Value, type ValueMap } from '../envelope/value.ts';
import { filterText } from './filter.ts';
import type { Field } from './tree.ts';

/** Ms of one unit. */
export const SECOND_MS = 1000;
export const MILLISECOND_MS = 1;
export const NANOSECOND_MS = 1e-6;

/** The farthest moment that a Date can hold. */
const MAX_TIME_MS = 8.64e15;

/** A moment in ms since the epoch; undefined for what is not one, and for 0, which brokers write for "never". */
export const momentOf = (value: Value | undefined, unit: number): number | undefined => {
  const number =
    typeof value === 'number' || typeof value === 'bigint'
      ? Number(value)
      : typeof value === 'string' && /^\d{1,19}$/.test(value)
        ? Number(value)
        : Number.NaN;
  const ms = number * unit;
  return Number.isFinite(ms) && ms > 0 && ms <= MAX_TIME_MS ? ms : undefined;
};

/** Longer base64, such as a signature, is a number of bytes to a reader. */
const MAX_BASE64_CHARS = 64;

const signatureText = (value: Value): string | undefined => {
  const compact = typeof value === 'string' ? value.replace(/[\r\n]/g, '') : '';
  const bytes = compact.length > MAX_BASE64_CHARS ? tryDecodeBase64(compact) : undefined;
  return bytes && `${bytes.length} bytes in base64, ${compact.slice(0, MAX_BASE64_CHARS / 2)}…`;
};

export interface Reading {
  /** Names that are shown elsewhere, such as what is a layer of its own. */
  readonly without?: readonly string[];
  /** Which are times, with the ms of their unit. */
  readonly times?: Readonly<Record<string, number>>;
  /** The name of the time that a `ttl` in seconds counts from. */
  readonly ttlFrom?: string;
}

/** The fields of a hash, in its own order, with what is known of their meaning. */
export const fieldsOf = (map: ValueMap, reading: Reading = {}): readonly Field[] => {
  const { without = [], times = {}, ttlFrom } = reading;
  const unit = (name: string): number | undefined => (Object.hasOwn(times, name) ? times[name] : undefined);
  const sent = ttlFrom === undefined ? undefined : momentOf(map.get(ttlFrom), unit(ttlFrom) ?? SECOND_MS);
  return [...map]
    .filter(([name]) => !without.includes(name))
    .map(([name, value]): Field => {
      if (name === 'filter' && isMap(value)) return { name, value, text: filterText(value) };
      if (name === 'ttl' && sent !== undefined && typeof value === 'number') {
        const ends = sent + value * SECOND_MS;
        return Math.abs(ends) <= MAX_TIME_MS ? { name, value, ends } : { name, value };
      }
      if (name === 'hash' || name === 'signature') {
        const text = signatureText(value);
        return text === undefined ? { name, value } : { name, value, text };
      }
      const of = unit(name);
      const time = of === undefined ? undefined : momentOf(value, of);
      return time === undefined ? { name, value } : { name, value, time };
    });
};

export const textIn = (map: ValueMap, name: string): string | undefined => {
  const value = map.get(name);
  return typeof value === 'string' ? value : undefined;
};

export const mapIn = (map: ValueMap, name: string): ValueMap | undefined => {
  const value = map.get(name);
  return value !== undefined && isMap(value) ? value : undefined;
};
