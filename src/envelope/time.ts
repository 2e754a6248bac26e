import { Rejection } from './rejection.ts';

/** How far a message's own word of its time and ttl is believed. */
export interface TimeLimits {
  /** Longest ttl that is honoured, in seconds; a longer one counts as this. */
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
