import { Rejection } from '../../envelope/rejection.ts';

/** Somebody else's text for a sentence: quoted, and no longer than a log line bears. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** A part of a compound filter that were left out or guessed at would select nodes that were not meant. */
export const unsupported = (part: string, why: string): Rejection =>
  new Rejection('unsupported_filter', `${shown(part)} in the compound filter cannot be translated: ${why}`);

/** Levels of parentheses and `not`s; people write three. */
export const MAX_DEPTH = 50;

/** Of an expression: what stands at a position (from 0), and why it is not understood. */
export const refusedAt = (text: string, at: number, why: string): Rejection =>
  unsupported(text.slice(at), `${why} (character ${at + 1} of ${shown(text)})`);
