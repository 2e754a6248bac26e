import { type CassetteHeader, type CassetteLine, parseEntry, parseHeader } from './format.ts';
import { linesOf, type TextLine } from './lines.ts';
import { CassetteError } from './problem.ts';

/** A line of a cassette after its first, and where it stands. */
export interface LocatedEntry {
  readonly entry: CassetteLine;
  /** From 1. */
  readonly line: number;
}

/** A cassette that is being read. */
export interface OpenCassette {
  readonly file: string;
  readonly header: CassetteHeader;
  /** The rest of the file, read as it is asked for; to be gone through once, to its end or left by `return`. */
  readonly entries: AsyncGenerator<LocatedEntry, void, undefined>;
}

const located = <T>(file: string, { text, line }: TextLine, parse: (text: string) => T): T => {
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof CassetteError ? error.at(file, line) : error;
  }
};

async function* entriesOf(
  file: string,
  lines: AsyncGenerator<TextLine>,
): AsyncGenerator<LocatedEntry, void, undefined> {
  let before = 0;
  for await (const one of lines) {
    const entry = located(file, one, parseEntry);
    if (entry.at < before)
      throw new CassetteError(
        `its time ${entry.at} is before that of the line above, ${before}: lines are in order`,
      ).at(file, one.line);
    before = entry.at;
    yield { entry, line: one.line };
  }
}

/**
 * Opens a cassette and reads its header; the entries follow as they are asked for.
 * @throws CassetteError that names file and line, here and while the entries are read
 */
export const openCassette = async (file: string): Promise<OpenCassette> => {
  const lines = linesOf(file);
  const first = await lines.next();
  if (first.done === true) throw new CassetteError(`${file}: it is empty`);
  try {
    const header = located(file, first.value, parseHeader);
    return { file, header, entries: entriesOf(file, lines) };
  } catch (error) {
    await lines.return(undefined);
    throw error;
  }
};
