import { Rejection } from './rejection.ts';

/** MCollective accepts `^[\w]+=[\w\.\-]+$`; anchored here at both ends of the text, not of a line. */
const CALLERID = /^\w+=[\w.-]+$/;
const NAME = /^[\w.-]+$/;
const TOKEN = /^[\w-]+$/;
/** Choria's schema asks for 32 characters; both clients write lower-case hex. */
const REQUEST_ID = /^[\w-]{32}$/;

const MAX_NAME = 255;

/** A caller id that is safe to look up as a file name and to put into a header. */
export const isCallerId = (text: string): boolean =>
  text.length <= MAX_NAME && CALLERID.test(text) && !/=\.{1,2}$/.test(text);

/** A node's identity: letters, digits, `_`, `-`, and dots inside it, never a wildcard or a path. */
export const isIdentity = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_NAME && NAME.test(text) && !/^\.|\.$|\.\./.test(text);

/** A collective or an agent: one token of a subject, so that it cannot reach into another. */
export const isToken = (text: string): boolean =>
  text.length > 0 && text.length <= MAX_NAME && TOKEN.test(text);

export const isRequestId = (text: string): boolean => REQUEST_ID.test(text);

/** How far a message's own word of its time and ttl is believed. */
export interface TimeLimits {
  /** Longest ttl that is honoured, in seconds; a longer one counts as this. */
  readonly maxTtl: number;
}

/**
 * The end of a request's life in seconds since the epoch, once it is known to be alive.
 * Choria accepts `now - ttl < time < now + ttl`, strictly and in both directions.
 * @throws Rejection `expired`, `from_the_future` or `invalid_field`
 */
export const checkTime = (
  time: number,
  ttl: number,
  now: number,
  limits: TimeLimits,
): { readonly ttl: number; readonly expires: number } => {
  if (!Number.isSafeInteger(time) || time < 0)
    throw new Rejection('invalid_field', `the message time ${time} is not a time in seconds`);
  if (!Number.isSafeInteger(ttl) || ttl <= 0)
    throw new Rejection('invalid_field', `the ttl ${ttl} is not a positive number of seconds`);
  const capped = Math.min(ttl, limits.maxTtl);
  const age = Math.floor(now / 1000) - time;
  if (age >= capped)
    throw new Rejection('expired', `the request is ${age} s old and was to live for ${capped} s`);
  if (-age >= capped)
    throw new Rejection(
      'from_the_future',
      `the request's time is ${-age} s ahead of this clock, more than its ttl of ${capped} s`,
    );
  return { ttl: capped, expires: time + capped };
};
