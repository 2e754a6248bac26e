import { Rejection } from './rejection.ts';

/** Limits of the time and ttl that a message may state. */
export interface TimeLimits {
  /** Longest ttl, in seconds; a longer one counts as this. */
  readonly maxTtl: number;
}

export interface AheadLimits extends TimeLimits {
  /** How far ahead of this clock a request's time may be, in seconds. */
  readonly maxAhead: number;
}

/** A request's life, all in seconds. */
export interface Life {
  /** Since the epoch. */
  readonly time: number;
  readonly ttl: number;
  /** Since the epoch. */
  readonly expires: number;
}

/**
 * The life of a request, once it is known to be alive, as Choria's nodes see it: they accept
 * `now - ttl < time < now + ttl`, strictly and in both directions.
 * @param now ms since the epoch
 * @throws Rejection `expired`, `from_the_future` or `invalid_field`
 */
export const checkTime = (time: number, ttl: number, now: number, limits: TimeLimits): Life => {
  checkNumbers(time, ttl, 1);
  const capped = cap(ttl, limits);
  const age = Math.floor(now / 1000) - time;
  if (age >= capped) throw expired(age, capped);
  if (-age >= capped) throw fromTheFuture(-age, `it may be less than its ttl of ${capped} s`);
  return { time, ttl: capped, expires: time + capped };
};

/**
 * The life of a request as mcollectived sees it, which knows "too old" alone: `now - msgtime > ttl` (`validate` of its
 * message.rb). A request whose clock is fast begins now by this clock, for other nodes refuse the future; it can be
 * repeated for as long as its clock was ahead, so that is bounded.
 * @param now ms since the epoch
 * @throws Rejection `expired`, `from_the_future` or `invalid_field`
 */
export const checkAge = (time: number, ttl: number, now: number, limits: AheadLimits): Life => {
  checkNumbers(time, ttl, 0);
  const capped = cap(ttl, limits);
  const seconds = Math.floor(now / 1000);
  const age = seconds - time;
  if (age > capped) throw expired(age, capped);
  if (-age > limits.maxAhead) throw fromTheFuture(-age, `${limits.maxAhead} s are allowed`);
  const expires = Math.max(Math.min(time, seconds) + capped, seconds + 1);
  return { time: Math.min(time, seconds), ttl: Math.max(1, capped), expires };
};

const cap = (ttl: number, { maxTtl }: TimeLimits): number => Math.min(ttl, maxTtl);

const checkNumbers = (time: number, ttl: number, shortest: number): void => {
  if (!Number.isSafeInteger(time) || time < 0)
    throw new Rejection('invalid_field', `the message time ${time} is not a time in seconds`);
  if (!Number.isSafeInteger(ttl) || ttl < shortest)
    throw new Rejection('invalid_field', `the ttl ${ttl} is not a positive number of seconds`);
};

const expired = (age: number, ttl: number): Rejection =>
  new Rejection(
    'expired',
    `the request's time is ${age} s behind this bridge's clock, and it was to live for ${ttl} s: one of the two clocks is wrong, or it has waited on its way`,
  );

const fromTheFuture = (ahead: number, allowed: string): Rejection =>
  new Rejection(
    'from_the_future',
    `the request's time is ${ahead} s ahead of this bridge's clock, and ${allowed}: one of the two clocks is wrong`,
  );

/** ISO 8601. @param ms since the epoch */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** How a person writes a time, for sentences about one that cannot be read. */
export const TIME_FORM = 'a time such as 2026-12-01, 2026-12-01T02:00 or 2026-12-01T02:00:00+01:00';

const WRITTEN =
  /^(\d{4}-\d{2}-\d{2})(?:T((?:[01]\d|2[0-3]):[0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])((?:[01]\d|2[0-3])):?([0-5]\d))?)?$/;

/**
 * A time as a person or an audit writes it: ISO 8601, from the day down to fractions of a second. Without a zone it is UTC, on each
 * machine; a day alone is its beginning.
 * @returns ms since the epoch; undefined for what is no such time
 */
export const parseTime = (text: string): number | undefined => {
  const [, day, clock = '00:00', seconds = '00', fraction = '', sign, hours, minutes] =
    WRITTEN.exec(text) ?? [];
  if (day === undefined) return undefined;
  const ms = Date.parse(`${day}T${clock}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  // The 30th of February is read as a day of March.
  if (Number.isNaN(ms) || !isoTime(ms).startsWith(day)) return undefined;
  const ahead = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === '-' ? ms + ahead : ms - ahead;
};
