import { InvalidArgumentError } from 'commander';
import { type Path, parsePath, type Selection } from '../../capture/redact/paths.ts';
import { parseBytes, parseSeconds } from '../../config/units.ts';

/** Ms; timers hold no more than 24 days. @throws InvalidArgumentError */
export const parseDuration = (text: string): number => {
  const seconds = parseSeconds(text);
  if (seconds !== undefined && seconds > 0 && seconds <= 24 * 86_400) return seconds * 1000;
  throw new InvalidArgumentError('A duration is a number with s, m or h, such as 60s, and at most 576h.');
};

const MIN_FILE_BYTES = 4096;

/** @throws InvalidArgumentError */
export const parseSize = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes >= MIN_FILE_BYTES) return bytes;
  throw new InvalidArgumentError(
    `A size is a number with kB, MB, KiB or MiB, such as 100MiB; at least ${MIN_FILE_BYTES}.`,
  );
};

/** @throws InvalidArgumentError */
export const parseCount = (text: string): number => {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is not a whole number above 0.');
};

/** @throws InvalidArgumentError */
export const parseValuePath = (text: string): Path => {
  try {
    return parsePath(text);
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
};

/** What is to be replaced; undefined where nothing is. */
export const selectionOf = (
  paths: readonly Path[] | undefined,
  allTexts: true | undefined,
): Selection | undefined =>
  paths === undefined && allTexts === undefined
    ? undefined
    : { paths: paths ?? [], allTexts: allTexts === true };

/** How paths are written, for the help texts. */
export const PATHS_HELP = `A path leads from the body of a request or reply to a value: data.password, data.users.0.token, statusmsg; * stands
for one key or more, so that *.token is any token. All below it is replaced. The same value becomes the same
placeholder (redacted-1), numbers become other numbers, true and false become false. Messages are signed anew with
throw-away keys, whose public halves are in the header; what cannot be opened, and protocol 2, is left out and counted.`;
