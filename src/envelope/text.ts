/** The most bytes of a stranger's text (an id, a name, a subject) that are kept or told. What is opaque may be longer. */
export const LONGEST_TEXT = 256;

/** The most bytes of a sentence about a message: what a log line and an error reply hold of it. */
export const LONGEST_SENTENCE = 1024;

const MARK = '…';
const MARK_BYTES = Buffer.byteLength(MARK);

/**
 * The beginning of a text that is too long, with `…` at its end.
 * A part of a string keeps the whole of it in memory, so what is cut is a copy.
 * @param most bytes in UTF-8, the mark's included
 */
export const cut = (text: string, most: number = LONGEST_TEXT): string => {
  // No character of UTF-16 has more than three bytes.
  if (text.length * 3 <= most || (text.length <= most && Buffer.byteLength(text) <= most)) return text;
  const bytes = Buffer.from(text.slice(0, most));
  let end = most - MARK_BYTES;
  // Not within a character: its further bytes are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + MARK;
};

/** Control characters, and halves of characters, which no terminal shows as they are. */
const UNSHOWN = /[\p{Cc}\p{Cs}]/gu;
const MARKS = ['"', "'", '`'] as const;

/**
 * Text for a sentence, in quotation marks of a kind that it does not hold itself: so it stands there as somebody wrote it, and
 * quotes and backslashes of a regular expression can be copied. Control characters are escaped as in JSON.
 */
export const quoted = (text: string): string => {
  const mark = MARKS.find((one) => !text.includes(one));
  if (mark === undefined) return JSON.stringify(text);
  return `${mark}${text.replace(UNSHOWN, (one) => JSON.stringify(one).slice(1, -1))}${mark}`;
};
