import type { Disk, OpenFile } from './disk.ts';

/** The end of a file of lines. */
export interface Tail {
  /** The last line that has its end; undefined where there is none. */
  readonly line: string | undefined;
  /** What is behind it: a line that was not written to its end. */
  readonly torn: Buffer;
  /** Of the file without that. */
  readonly size: number;
}

const BLOCK_BYTES = 64 * 1024;
/** No record is longer. */
const MAX_TAIL_BYTES = 16 * 1024 ** 2;
const LINE_END = 0x0a;

/** @throws Error where there is no line in what is longer than any record */
export const tailOf = async (file: OpenFile): Promise<Tail> => {
  const size = await file.size();
  let bytes: Buffer = Buffer.alloc(0);
  for (let start = size; ; ) {
    const last = bytes.lastIndexOf(LINE_END);
    const before = last > 0 ? bytes.lastIndexOf(LINE_END, last - 1) : -1;
    if (start === 0 || before >= 0) {
      const line = last < 0 ? undefined : bytes.toString('utf8', before + 1, last);
      return { line, torn: bytes.subarray(last + 1), size: start + last + 1 };
    }
    if (bytes.length > MAX_TAIL_BYTES)
      throw new Error(`its last ${MAX_TAIL_BYTES} bytes hold no record of an audit`);
    const from = Math.max(0, start - BLOCK_BYTES);
    bytes = Buffer.concat([await file.read(from, start - from), bytes]);
    start = from;
  }
};

/** The last line of a file that has its end; undefined where there is none. */
export const lastLineOf = async (disk: Disk, file: string): Promise<string | undefined> => {
  const open = await disk.open(file, false);
  try {
    return (await tailOf(open)).line;
  } finally {
    await open.close();
  }
};
