import { readFailure } from '../../config/files.ts';

/** What a cassette, or a capture that is to become one, is unusable for. */
export class CassetteError extends Error {
  override readonly name = 'CassetteError';

  /** The same, with its place: `file:line: …`, a form that editors can jump to. Lines are counted from 1. */
  at(file: string, line: number): CassetteError {
    return new CassetteError(`${file}:${line}: ${this.message}`, { cause: this });
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'the file has become larger than is allowed',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
};

/** That a file cannot be written and why, in words. */
export const writeFailure = (file: string, error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return `${file} cannot be written: ${WHY[code] ?? readFailure(error)}`;
};
