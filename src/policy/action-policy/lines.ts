/** A line of a file, as an original reads it. */
export interface Line {
  readonly number: number;
  readonly text: string;
  /** It ends the reading of the file with an error, in words. */
  readonly fatal?: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

const NEWLINE = 10;
const RETURN = 13;

const split = (bytes: Uint8Array): readonly Uint8Array[] => {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
    parts.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return from < bytes.length ? [...parts, bytes.subarray(from)] : parts;
};

/** Lines of Ruby: what stands before a line feed stays. */
export const rubyLines = (bytes: Uint8Array): readonly Line[] =>
  split(bytes).map((part, index) => {
    const text = decode(part);
    return text === undefined
      ? { number: index + 1, text: new TextDecoder().decode(part), fatal: 'has bytes that are no UTF-8' }
      : { number: index + 1, text };
  });

/** The most bytes of a line that Go's scanner takes, without its end. */
const GO_LINE_BYTES = 64 * 1024 - 1;

/** Stands for bytes that are no UTF-8. Go takes them for any others; no caller has half a character in it, and none is equal. */
const NO_TEXT = '\udc80';

/** Lines of Go: a carriage return at the end belongs to the end. */
export const goLines = (bytes: Uint8Array): readonly Line[] =>
  split(bytes).map((part, index) => {
    const number = index + 1;
    const whole = part.at(-1) === RETURN ? part.subarray(0, -1) : part;
    const text = decode(whole);
    if (part.length > GO_LINE_BYTES) return { number, text: text ?? '', fatal: 'has more than 64 KiB' };
    return { number, text: text ?? new TextDecoder().decode(whole).replaceAll('\ufffd', NO_TEXT) };
  });
