import { TimeoutError } from 'p-timeout';
import { codeOf } from '../config/files.ts';
import { OutboxFull } from './outbox.ts';

const WORDS: ReadonlyMap<unknown, string> = new Map([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk is full'],
  ['EFBIG', 'the file may not grow any more'],
  ['EROFS', 'the disk is read-only'],
  ['EACCES', 'the file may not be written'],
  ['EPERM', 'the file may not be written'],
  ['EIO', 'the disk fails'],
]);

/** Why a record is not written, for whoever asked: without the names of files. */
export const unavailable = (error: unknown): string => {
  if (error instanceof TimeoutError) return 'the disk takes too long';
  if (error instanceof OutboxFull) return 'too much waits for the disk';
  return WORDS.get(codeOf(error)) ?? 'the log of the bridge says why';
};
