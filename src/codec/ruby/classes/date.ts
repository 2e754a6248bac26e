import { civilFromNanoseconds } from '../time.ts';
import { RubyFloat, type RubyTime, type RubyValue } from '../value.ts';

/** The Julian day number of 1970-01-01. */
const EPOCH_DAY = 2_440_588;
/** Days of 400 years, 71,149,239 of which Ruby counts apart (`CM_PERIOD` of date_core.c). */
const PERIOD_DAYS = 71_149_239;
const DAY_SECONDS = 86_400;
/** Days that a calendar date can be made of exactly; some 700,000 years. */
const MAX_DAY = 2 ** 28;

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const gregorian = (day: number): Civil => civilFromNanoseconds(BigInt(day - EPOCH_DAY) * 86_400_000_000_000n);

/** The calendar of before the reform; from a day number as of Meeus, Astronomical Algorithms, chapter 7. */
const julian = (day: number): Civil => {
  const b = day + 1524;
  const c = Math.floor((b - 122.1) / 365.25);
  const d = Math.floor(365.25 * c);
  const e = Math.floor((b - d) / 30.6001);
  const month = e < 14 ? e - 1 : e - 13;
  return { year: month > 2 ? c - 4716 : c - 4715, month, day: b - d - Math.floor(30.6001 * e) };
};

const digits = (value: number, width: number): string => String(value).padStart(width, '0');

const civilText = ({ year, month, day }: Civil): string =>
  `${year < 0 ? '-' : ''}${digits(Math.abs(year), 4)}-${digits(month, 2)}-${digits(day, 2)}`;

const timeText = (second: number, offset: number): string => {
  const clock = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  const minutes = Math.floor(Math.abs(offset) / 60);
  const zone = `${offset < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60), 2)}:${digits(minutes % 60, 2)}`;
  return `T${clock.map((part) => digits(part, 2)).join(':')}${zone}`;
};

/**
 * `Date#to_s` or `DateTime#to_s` of what `marshal_dump` wrote: the period, day, second and nanosecond in UTC, the offset in
 * seconds, and the day of the calendar reform (`d_lite_marshal_dump` of date_core.c, since Ruby 1.9.3).
 * @returns undefined for what is no such list
 */
export const dateText = (dump: RubyValue, withTime: boolean): string | undefined => {
  if (!Array.isArray(dump) || dump.length !== 6) return undefined;
  const [period, day, second, , offset, start]: readonly RubyValue[] = dump;
  if (typeof period !== 'number' || typeof day !== 'number' || typeof second !== 'number') return undefined;
  if (typeof offset !== 'number' || !(start instanceof RubyFloat)) return undefined;
  const local = second + offset;
  const whole = period * PERIOD_DAYS + day + Math.floor(local / DAY_SECONDS);
  if (Math.abs(whole) > MAX_DAY || Math.abs(second) > DAY_SECONDS || Math.abs(offset) > DAY_SECONDS)
    return undefined;
  const date = civilText(whole >= start.value ? gregorian(whole) : julian(whole));
  return withTime
    ? `${date}${timeText(local - Math.floor(local / DAY_SECONDS) * DAY_SECONDS, offset)}`
    : date;
};

/** `DateTime#to_s` of a point in time. */
export const dateTimeText = ({ nanoseconds, offset = 0 }: RubyTime): string => {
  const { year, month, day, hour, minute, second } = civilFromNanoseconds(
    nanoseconds + BigInt(offset) * 1_000_000_000n,
  );
  return `${civilText({ year, month, day })}${timeText(hour * 3600 + minute * 60 + second, offset)}`;
};
