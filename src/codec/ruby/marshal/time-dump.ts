import { checkYear, civilFromNanoseconds, isOffset, nanosecondsFromCivil } from '../time.ts';
import { RubyTime, type RubyValue } from '../value.ts';
import { malformed } from './input.ts';

/** Bits of the two words of `Time#_dump`, from Ruby's `time_mdump`. */
const NEW_FORMAT = 0x8000_0000;
const UTC = 0x4000_0000;
const FIRST_YEAR = 1900;
const LAST_YEAR = FIRST_YEAR + 0xffff;

/** What Ruby keeps beside the eight bytes, as instance variables. */
export interface TimeVariables {
  offset?: RubyValue;
  nano_num?: RubyValue;
  nano_den?: RubyValue;
}

/** Years outside of the 16 bits: a Marshal length and that many little-endian bytes, the distance from the range. */
const farYear = (year: number, bytes: Buffer, pos: number): number => {
  const length = (bytes[8] ?? 0) - 5;
  if (length < 1 || length > 4 || bytes.length !== 9 + length)
    throw malformed('a time of a wrong length', pos);
  const distance = bytes.readUIntLE(9, length);
  return checkYear(year === FIRST_YEAR ? FIRST_YEAR - distance : year + distance);
};

const fraction = (variables: TimeVariables, pos: number): number => {
  const { nano_num: num, nano_den: den } = variables;
  if (num === undefined) return 0;
  if (
    (typeof num !== 'number' && typeof num !== 'bigint') ||
    (typeof den !== 'number' && typeof den !== 'bigint')
  )
    throw malformed('a time whose nanoseconds are no numbers', pos);
  if (BigInt(den) <= 0n) throw malformed('a time whose nanoseconds are no fraction', pos);
  const nanoseconds = BigInt(num) / BigInt(den);
  if (nanoseconds < 0n || nanoseconds > 999n) throw malformed('a time with too many nanoseconds', pos);
  return Number(nanoseconds);
};

/**
 * `Time._load`.
 * @param pos where the document holds it, for errors
 */
export const timeFromDump = (bytes: Buffer, variables: TimeVariables, pos: number): RubyTime => {
  if (bytes.length < 8) throw malformed('a time of a wrong length', pos);
  const p = bytes.readUInt32LE(0);
  const s = bytes.readUInt32LE(4);
  const { offset } = variables;
  if (offset !== undefined && offset !== null && !isOffset(offset))
    throw malformed('a time with an impossible offset', pos);
  // Ruby 1.6 wrote seconds and microseconds.
  if (p < NEW_FORMAT) return new RubyTime(BigInt(p) * 1_000_000_000n + BigInt(s) * 1000n, undefined);
  let year = FIRST_YEAR + ((p >>> 14) & 0xffff);
  if (bytes.length > 8) year = farYear(year, bytes, pos);
  const civil = {
    year,
    month: ((p >>> 10) & 0xf) + 1,
    day: (p >>> 5) & 0x1f,
    hour: p & 0x1f,
    minute: s >>> 26,
    second: (s >>> 20) & 0x3f,
    nanosecond: (s & 0xfffff) * 1000 + fraction(variables, pos),
  };
  if (civil.month > 12 || civil.day < 1 || civil.hour > 23 || civil.minute > 59 || civil.second > 60)
    throw malformed('a time that no clock shows', pos);
  if ((s & 0xfffff) > 999_999) throw malformed('a time with too many microseconds', pos);
  const utc = (p & UTC) !== 0 || offset === undefined || offset === null;
  return new RubyTime(nanosecondsFromCivil(civil), utc ? undefined : offset);
};

/** `Time#_dump`, and the nanoseconds below a microsecond that go into an instance variable. */
export const timeToDump = (time: RubyTime): { readonly bytes: Buffer; readonly nano: number } => {
  const civil = civilFromNanoseconds(time.nanoseconds);
  checkYear(civil.year);
  const near = Math.min(Math.max(civil.year, FIRST_YEAR), LAST_YEAR);
  const distance = Math.abs(civil.year - near);
  const bytes = Buffer.alloc(distance === 0 ? 8 : 13);
  const zone = time.offset === undefined ? UTC : 0;
  const date = ((near - FIRST_YEAR) << 14) | ((civil.month - 1) << 10) | (civil.day << 5) | civil.hour;
  const microsecond = Math.floor(civil.nanosecond / 1000);
  bytes.writeUInt32LE((NEW_FORMAT | zone | date) >>> 0, 0);
  bytes.writeUInt32LE(((civil.minute << 26) | (civil.second << 20) | microsecond) >>> 0, 4);
  if (distance !== 0) {
    bytes[8] = 4 + 5;
    bytes.writeUInt32LE(distance, 9);
  }
  return { bytes, nano: civil.nanosecond % 1000 };
};
