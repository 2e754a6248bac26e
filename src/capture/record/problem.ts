import { writeFailure } from '../file/problem.ts';

/** Why a recording cannot be made, or cannot go on. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

/** @param note what becomes of what was recorded so far */
export const unwritable = (file: string, error: unknown, note = ''): RecordError =>
  new RecordError(`${writeFailure(file, error)}${note}`, { cause: error });
