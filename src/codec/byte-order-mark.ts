/** What editors of Windows put before UTF-8; it is not part of the text. */
const MARK = Buffer.from('\ufeff');

/** The bytes of a text behind its byte order mark, if it has one. */
export const withoutMark = (bytes: Buffer): Buffer =>
  bytes.subarray(bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0);
