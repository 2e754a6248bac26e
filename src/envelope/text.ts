/** The most bytes of a text from outside (an id, a name, a subject) that are kept or logged. Opaque texts may be longer. */
export const MAX_TEXT_BYTES = 256;

/** The most bytes of a sentence about a message: what a log line and an error reply hold of it. */
export const MAX_SENTENCE_BYTES = 1024;

const MARK = '…';
const MARK_BYTES = Buffer.byteLength(MARK);

/** An error, or another thrown value, in words. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** V8 copies shorter parts of a text anyway. */
const MIN_SLICE_CHARS = 13;

/**
 * The same text, apart from the message that it was cut out of: V8 keeps all of a text for as long as a part of it is kept. For
 * what outlives its message; who only looks at it, or writes it, needs no copy.
 */
export const own = (text: string): string => {
  if (text.length < MIN_SLICE_CHARS) return text;
  // Halves of characters would not come back from UTF-8.
  const encoding = text.isWellFormed() ? 'utf8' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
};

/** The same texts, apart from their message and in one piece: for those that are kept together. */
export const ownAll = (texts: readonly string[]): readonly string[] => {
  const copies = own(texts.join('\n')).split('\n');
  return copies.length === texts.length ? copies : texts.map(own);
};

/**
 * The beginning of a text that is too long, with `…` at its end. What is cut is a copy; what is short enough is given back as
 * it is, and is to be made one's `own` where it is kept.
 * @param most bytes in UTF-8, the mark's included
 */
export const cut = (text: string, most: number = MAX_TEXT_BYTES): string => {
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
 * Text for a sentence, in quotation marks of a kind that it does not hold itself: so it stands there as it was written, and
 * quotes and backslashes of a regular expression can be copied. Control characters are escaped as in JSON.
 */
export const quoted = (text: string): string => {
  const mark = MARKS.find((one) => !text.includes(one));
  if (mark === undefined) return JSON.stringify(text);
  return `${mark}${text.replace(UNSHOWN, (one) => JSON.stringify(one).slice(1, -1))}${mark}`;
};
