import { open } from 'node:fs/promises';

/** A line of a file, without its line end. */
export interface Line {
  readonly bytes: Buffer;
  /** The first is 1. */
  readonly number: number;
  /** Whether it has its line end. */
  readonly isWhole: boolean;
}

const BLOCK_BYTES = 1024 ** 2;
const LINE_END = 0x0a;

/**
 * The lines of a file, many at a time: one by one they would cost more than what is done with them.
 * @throws as `open` does
 */
export async function* linesOf(file: string): AsyncGenerator<readonly Line[]> {
  const handle = await open(file);
  try {
    let rest: Buffer = Buffer.alloc(0);
    let number = 0;
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES);
      if (bytesRead === 0) break;
      const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const lines: Line[] = [];
      let start = 0;
      for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, start)) {
        lines.push({ bytes: bytes.subarray(start, end), number: ++number, isWhole: true });
        start = end + 1;
      }
      rest = bytes.subarray(start);
      yield lines;
    }
    if (rest.length > 0) yield [{ bytes: rest, number: ++number, isWhole: false }];
  } finally {
    await handle.close();
  }
}

/** The first line of a file; undefined where it has none. @throws as `open` does */
export const firstLineOf = async (file: string): Promise<Line | undefined> => {
  for await (const [first] of linesOf(file)) if (first !== undefined) return first;
  return undefined;
};
