import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { withoutMark } from '../../codec/byte-order-mark.ts';
import { readFailure } from '../../config/files.ts';
import { CassetteError } from './problem.ts';

export interface TextLine {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

const LF = 10;
/** Bytes. The largest message that may be configured has 256 MiB, and base64 and JSON's escapes make it longer. */
const MAX_LINE_BYTES = 400 * 1024 ** 2;

const textOf = (bytes: Buffer, file: string, line: number): string => {
  if (!isUtf8(bytes)) throw new CassetteError('it is not UTF-8 text').at(file, line);
  const end = bytes[bytes.length - 1] === 13 ? bytes.length - 1 : bytes.length;
  const whole = bytes.subarray(0, end);
  return (line === 1 ? withoutMark(whole) : whole).toString('utf8');
};

/**
 * The lines of a file that hold something, without their ends. Holds one line and one chunk of the file at a time.
 * @throws CassetteError where the file cannot be read, or is not lines of UTF-8
 */
export async function* linesOf(file: string): AsyncGenerator<TextLine> {
  let rest: Buffer[] = [];
  let length = 0;
  let line = 0;
  const source = createReadStream(file, { highWaterMark: 1024 ** 2 });
  try {
    for await (const chunk of source) {
      if (!Buffer.isBuffer(chunk)) continue;
      let start = 0;
      for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, start)) {
        line++;
        const last = chunk.subarray(start, lf);
        const bytes = rest.length === 0 ? last : Buffer.concat([...rest, last]);
        rest = [];
        length = 0;
        start = lf + 1;
        const text = textOf(bytes, file, line);
        if (text.trim() !== '') yield { text, line };
      }
      rest.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > MAX_LINE_BYTES)
        throw new CassetteError(`it is longer than ${MAX_LINE_BYTES} bytes`).at(file, line + 1);
    }
  } catch (error) {
    if (error instanceof CassetteError) throw error;
    throw new CassetteError(`${file} cannot be read: ${readFailure(error)}`, { cause: error });
  }
  const bytes = Buffer.concat(rest);
  const text = textOf(bytes, file, line + 1);
  if (text.trim() !== '') yield { text, line: line + 1 };
}
