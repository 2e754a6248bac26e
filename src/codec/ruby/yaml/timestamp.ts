import { isOffset, nanosecondsFromCivil } from '../time.ts';
import { RubyError, RubyTime } from '../value.ts';

// Psych's own expressions (scalar_scanner.rb of Psych 4.0), with Ruby's idea of white space.
const TIME =
  /^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|[ \t\r\n\f\v]+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:[ \t\r\n\f\v]*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$/;
const PARTS =
  /^(-?\d{4})-(\d{1,2})-(\d{1,2})[ tT][ \t\r\n\f\v]*(\d+):(\d+):(\d+)(?:\.(\d*))?[ \t\r\n\f\v]*(Z|[-+]\d+(?::\d\d)?)?/;
const ZONE = /^([-+]?\d{1,2}):?(\d{1,2})?$/;
const DATE = /^\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)$/;

const int = (text: string | undefined): number => Number(text ?? 0);

export const isTimestamp = (text: string): boolean => TIME.test(text);

/** The last day before the calendar reform of Italy, which Ruby's Date follows: 1582-10-04. */
const isJulian = (year: number, month: number, day: number): boolean =>
  year * 10_000 + month * 100 + day <= 15_821_004;

/** A day without time, which is a Date to Psych: as its `to_s`; undefined where there is no such day. */
export const dayText = (text: string): string | undefined => {
  if (!DATE.test(text)) return undefined;
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  if (month < 1 || day < 1 || (year === 1582 && month === 10 && day > 4 && day < 15)) return undefined;
  const isLong = isJulian(year, month, day) && year % 4 === 0 && month === 2;
  const last = isLong ? 29 : new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (day > last) return undefined;
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
};

/** Whether a text without quotes and tag is a Date to Psych. */
export const isDay = (text: string): boolean => dayText(text) !== undefined;

const zoneOffset = (zone: string): number | undefined => {
  const parts = ZONE.exec(zone);
  if (parts === null) throw new RubyError('malformed', 'a time with an impossible offset');
  const hours = int(parts[1]) * 3600;
  const minutes = int(parts[2]) * 60;
  const offset = hours < 0 ? hours - minutes : hours + minutes;
  return isOffset(offset) ? offset : undefined;
};

/**
 * Psych's `parse_time`.
 * @returns undefined where Ruby's Time refuses the numbers, which Psych then takes for text
 */
export const psychTime = (text: string): RubyTime | undefined => {
  const parts = PARTS.exec(text);
  if (parts === null) throw new RubyError('malformed', 'a time in a form that Psych cannot read');
  const [, year, month, day, hour, minute, second, fraction, zone] = parts;
  const civil = {
    year: int(year),
    month: int(month),
    day: int(day),
    hour: int(hour),
    minute: int(minute),
    second: int(second),
    nanosecond: int((fraction ?? '').slice(0, 9).padEnd(9, '0')),
  };
  // Ruby lets 24:00:00 and leap seconds pass, and carries the 31st of a short month over.
  const midnight = civil.hour === 24 && civil.minute === 0 && civil.second === 0;
  if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31) return undefined;
  if ((civil.hour > 23 && !midnight) || civil.minute > 59 || civil.second > 60 || fraction === '')
    return undefined;
  const local = nanosecondsFromCivil(civil);
  if (zone === undefined || zone === 'Z') return new RubyTime(local, undefined);
  const offset = zoneOffset(zone);
  return offset === undefined ? undefined : new RubyTime(local - BigInt(offset) * 1_000_000_000n, offset);
};
