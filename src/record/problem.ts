import { readFailure } from '../config/files.ts';

/** Why a recording cannot be made, or cannot go on. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'the file has become larger than is allowed',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
};

/** @param note what becomes of what was recorded so far */
export const unwritable = (file: string, error: unknown, note = ''): RecordError => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = WHY[code] ?? readFailure(error);
  return new RecordError(`${file} cannot be written: ${why}${note}`, { cause: error });
};
