import { RubyError, type RubyValue } from './value.ts';

const NS_PER_SECOND = 1_000_000_000n;

/** Days from 1970-01-01 to the day of the proleptic Gregorian calendar; `month` from 1, any `day`. */
export const daysFromCivil = (year: number, month: number, day: number): number => {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
};

export interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Below a second. */
  readonly nanosecond: number;
}

/** The inverse of {@link daysFromCivil}, with the time of day. */
export const civilFromNanoseconds = (nanoseconds: bigint): Civil => {
  const below = ((nanoseconds % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const seconds = Number((nanoseconds - below) / NS_PER_SECOND);
  const days = Math.floor(seconds / 86_400);
  const ofDay = seconds - days * 86_400;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp + (mp < 10 ? 3 : -9);
  return {
    year: yoe + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: doy - Math.floor((153 * mp + 2) / 5) + 1,
    hour: Math.floor(ofDay / 3600),
    minute: Math.floor(ofDay / 60) % 60,
    second: ofDay % 60,
    nanosecond: Number(below),
  };
};

export const nanosecondsFromCivil = (civil: Civil): bigint => {
  const days = daysFromCivil(civil.year, civil.month, civil.day);
  const seconds = days * 86_400 + civil.hour * 3600 + civil.minute * 60 + civil.second;
  return BigInt(seconds) * NS_PER_SECOND + BigInt(civil.nanosecond);
};

/** Ruby refuses an offset of a day or more. */
export const isOffset = (value: RubyValue | undefined): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 86_400;

/** Ruby's years have no end; these are enough for a time in a message, and exact in seconds. */
const MAX_YEAR = 100_000;

/** @throws RubyError `limit` for a year that is not of this geological age */
export const checkYear = (year: number): number => {
  if (Math.abs(year) > MAX_YEAR) throw new RubyError('limit', `the year ${year} is too far away`);
  return year;
};
