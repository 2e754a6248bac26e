import { z } from 'zod';
import { choice, field, refuse, setting } from '../../config/fields.ts';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

type Day = (typeof DAYS)[number];

const DAY_MINUTES = 24 * 60;

const clockTime = (allowed: string, last: number) =>
  field(allowed, (value) => {
    const match = /^(\d\d?):(\d\d)$/.exec(String(value));
    const minutes = Number(match?.[1]) * 60 + Number(match?.[2]);
    return match !== null && Number(match[2]) < 60 && minutes <= last ? minutes : undefined;
  });

const isZone = (zone: string): boolean => {
  // An offset is no zone: it knows no summer time, and people write +2 for what is not always +2.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

/** When a rule holds, by the clocks of a place. */
export const window = () =>
  z
    .strictObject({
      days: setting('the days on which it begins; all unless given', z.array(choice(DAYS)).min(1).optional()),
      from: setting('when it begins', clockTime('a time of day such as 22:00', DAY_MINUTES - 1)),
      to: setting(
        'when it is over; where that is not after from, on the next day',
        clockTime('a time of day such as 04:00; 24:00 is the end of the day', DAY_MINUTES),
      ),
      zone: setting(
        'whose clocks count',
        field('a time zone such as Europe/Berlin or UTC', (value) =>
          typeof value === 'string' && isZone(value) ? value : undefined,
        ),
      ),
    })
    .superRefine(({ from, to }, context) => {
      if (from === to)
        refuse(context, ['to'], 'is the same as from, so it says nothing; a day is 00:00 to 24:00');
    });

export type WindowConfig = z.output<ReturnType<typeof window>>;

/** What clocks show. */
interface Shown {
  readonly day: Day;
  /** Since midnight, as the clock has it. */
  readonly minutes: number;
}

export interface Window {
  /** @param time ms since the epoch */
  holds(time: number): boolean;
  /** What the clocks there show, such as `tue 14:05 in Europe/Berlin`. */
  shows(time: number): string;
}

const dayBefore = (day: Day): Day => DAYS[(DAYS.indexOf(day) + 6) % 7] ?? day;

const two = (number: number): string => String(number).padStart(2, '0');

const MINUTE_MS = 60_000;

/** The clocks of a zone. What they show holds for a minute: no zone is off by less than that today. */
const clockOf = (zone: string): ((time: number) => Shown) => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  let last: { readonly minute: number; readonly shown: Shown } | undefined;
  return (time) => {
    const minute = Math.floor(time / MINUTE_MS);
    if (last?.minute === minute) return last.shown;
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
    const name = parts.get('weekday')?.toLowerCase();
    const day = DAYS.find((one) => one === name);
    if (day === undefined) throw new Error(`the clocks of ${zone} show no day`);
    const shown = { day, minutes: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
    last = { minute, shown };
    return shown;
  };
};

/** A window that goes on after midnight belongs to the day on which it began. */
export const windowOf = ({ days, from, to, zone }: WindowConfig): Window => {
  const clock = clockOf(zone);
  const begins: ReadonlySet<Day> = new Set(days ?? DAYS);
  return {
    holds: (time) => {
      const { day, minutes } = clock(time);
      if (from < to) return begins.has(day) && minutes >= from && minutes < to;
      return (minutes >= from && begins.has(day)) || (minutes < to && begins.has(dayBefore(day)));
    },
    shows: (time) => {
      const { day, minutes } = clock(time);
      return `${day} ${two(Math.floor(minutes / 60))}:${two(minutes % 60)} in ${zone}`;
    },
  };
};
