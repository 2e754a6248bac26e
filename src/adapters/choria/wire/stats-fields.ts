import { Rejection } from '../../../envelope/rejection.ts';

const MAX_TEXT_CHARS = 1024;
/** Unprintable, or able to reorder a terminal's line. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A text that may be missing, fit to be shown: anybody on the network can publish one.
 * @throws Rejection `invalid_field`
 */
export const cleanText = (value: unknown, what: string): string => {
  if (value === undefined || value === null) return '';
  // Instances are often called 1 and 2, and a hand-written publisher may leave out the quotes.
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') throw new Rejection('invalid_field', `${what} is no text`);
  return value.slice(0, MAX_TEXT_CHARS).replace(UNSHOWABLE, ' ').toWellFormed();
};

/**
 * A counter; 0 where it is missing.
 * @throws Rejection `invalid_field`
 */
export const count = (value: unknown, what: string): number => {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Rejection('invalid_field', `${what} is no count`);
  return value;
};

/** The end of year 9999, beyond which a Date is not written in four digits. */
const MAX_TIME_SECONDS = 253_402_300_799;

/**
 * Unix seconds; undefined where it is missing or 0, Ruby's word for never.
 * @throws Rejection `invalid_field`
 */
export const moment = (value: unknown, what: string): number | undefined => {
  if (value === undefined || value === null || value === 0) return undefined;
  if (typeof value !== 'number' || !(value > 0 && value <= MAX_TIME_SECONDS))
    throw new Rejection('invalid_field', `${what} is no time`);
  return Math.floor(value);
};
