import { parseJson } from '../adapters/choria/wire/index.ts';
import { Rejection } from '../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../envelope/value.ts';
import { badUtf8, bytesBefore, problemAt, problemOf } from './problem.ts';
import type { Problem } from './tree.ts';

/** A JSON object, as much of it as could be read. */
export interface JsonText {
  readonly bytes: Buffer;
  /** What the codecs read. */
  readonly text: string;
  readonly map: ValueMap;
  /** Where the text ends being JSON. */
  readonly problems: readonly Problem[];
}

/** The brackets that are open at the end of a text, and what of it is whole. */
interface Openings {
  readonly closing: string;
  readonly inString: boolean;
  /** Without an escape that is cut in two. */
  readonly whole: string;
}

const PARTIAL_ESCAPE = /^\\(?:u[0-9a-fA-F]{0,3})?$/;

const openings = (text: string): Openings => {
  const stack: string[] = [];
  let inString = false;
  let lastEscape = -1;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') lastEscape = i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{') stack.push('}');
    else if (character === '[') stack.push(']');
    else if (character === '}' || character === ']') stack.pop();
  }
  const cut = inString && lastEscape !== -1 && PARTIAL_ESCAPE.test(text.slice(lastEscape));
  return { closing: stack.reverse().join(''), inString, whole: cut ? text.slice(0, lastEscape) : text };
};

/** Without the number or word at its end, which may have only begun. By hand: a regular expression would look for one everywhere. */
const withoutWord = (text: string): string => {
  let end = text.length;
  while (end > 0 && /[\w.+-]/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
};

const attempt = (text: string): Value | undefined => {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
};

/** What a text says that is cut off: its brackets and string closed, and what had only begun left out. */
const salvage = (text: string): Value | undefined => {
  const { closing, inString, whole } = openings(text);
  const end = whole.trimEnd();
  const stem = withoutWord(end);
  const candidates = inString
    ? [`${whole}"`, `${whole}":null`]
    : [end, end.replace(/,$/, ''), `${end}null`, `${end}:null`, stem.replace(/,$/, ''), `${stem}null`];
  for (const candidate of candidates) {
    const value = attempt(candidate + closing);
    if (value !== undefined) return value;
  }
  return undefined;
};

const POSITION = / at position (\d+)$/;

/** Reads one JSON object; undefined where not even its beginning is one. */
export const readJson = (bytes: Buffer): JsonText | { readonly problem: Problem } => {
  const bad = badUtf8(bytes);
  const text = bytes.toString('utf8', 0, bad);
  let problem: Problem | undefined;
  let good = text;
  try {
    const value = parseJson(text);
    if (bad === undefined) {
      if (isMap(value)) return { bytes, text, map: value, problems: [] };
      return { problem: problemAt(bytes, 0, 'JSON, but no object') };
    }
  } catch (error) {
    const found = error instanceof Rejection ? POSITION.exec(error.message)?.[1] : undefined;
    if (!(error instanceof Rejection) || found === undefined) return { problem: problemOf(error, bytes) };
    const position = Number(found);
    good = text.slice(0, position);
    // Where the text ends only because a byte is not text, that byte is the reason.
    if (bad === undefined || position < text.length)
      problem = problemAt(bytes, bytesBefore(text, position), error.message.replace(POSITION, ''));
  }
  problem ??= problemAt(bytes, bad ?? bytes.length, 'not UTF-8 text');
  const value = salvage(good);
  return value !== undefined && isMap(value) ? { bytes, text, map: value, problems: [problem] } : { problem };
};
