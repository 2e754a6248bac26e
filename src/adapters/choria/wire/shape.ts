import { Rejection } from '../../../envelope/rejection.ts';

/** Of the protocol's own documents; a filter's tokens have some five levels, and a hop of a trace is a list. */
const MAX_LEVELS = 64;
const MAX_COLLECTIONS = 50_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where a string ends that begins at that quote; the text's end where it does not. */
const endOfString = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
  return text.length;
};

/**
 * `JSON.parse` takes any depth and number of collections, at ten to a hundred times the price of a text of the same
 * length; so they are counted before.
 * @throws Rejection `limit_exceeded`; what is no JSON otherwise is left to the parser
 */
export const checkShape = (text: string, what: string): void => {
  let depth = 0;
  let collections = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    // `[` and `{`, `]` and `}` differ in one bit.
    else if ((code | 0x20) === 0x7b) {
      if (++depth > MAX_LEVELS)
        throw new Rejection('limit_exceeded', `${what} has more than ${MAX_LEVELS} levels`);
      if (++collections > MAX_COLLECTIONS)
        throw new Rejection('limit_exceeded', `${what} has more than ${MAX_COLLECTIONS} lists and objects`);
    } else if ((code | 0x20) === 0x7d) depth--;
  }
};
