import { withoutMark } from '../codec/byte-order-mark.ts';

/** One message of an input. */
export interface Piece {
  readonly bytes: Buffer;
  /** From 1, where the input holds a message on each line. */
  readonly line?: number;
}

const LF = 10;
const CR = 13;
const OPENING = 0x7b;

const SPACE: ReadonlySet<number | undefined> = new Set([LF, CR, 9, 32]);

/** The lines that hold something, each a view of the input. */
function* linesOf(bytes: Buffer): Generator<Required<Piece>> {
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const lf = bytes.indexOf(LF, start);
    const next = lf === -1 ? bytes.length : lf + 1;
    let end = lf === -1 ? bytes.length : lf;
    while (end > start && SPACE.has(bytes[end - 1])) end--;
    if (end > start) yield { bytes: bytes.subarray(start, end), line };
    start = next;
  }
}

/**
 * Whether there is more than one line, and most begin as JSON objects do: a damaged line must not spoil the others.
 * Of an object that is spread over lines only the first does.
 */
const holdsLines = (bytes: Buffer): boolean => {
  let objects = 0;
  let others = 0;
  for (const line of linesOf(bytes)) {
    if (line.bytes[0] === OPENING) objects++;
    else others++;
  }
  return objects > 1 && objects > others;
};

/** The messages of an input: one on each line of NDJSON, or else the whole of it. */
export function* piecesOf(input: Buffer): Generator<Piece> {
  // No message begins with a byte order mark.
  const bytes = withoutMark(input);
  if (holdsLines(bytes)) yield* linesOf(bytes);
  else yield { bytes };
}
