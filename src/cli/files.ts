import { readFileSync, writeFileSync } from 'node:fs';
import { writeFailure } from '../capture/file/problem.ts';
import { readFailure, textOf } from '../config/files.ts';
import { UsageError } from './usage.ts';

/** The text of a file that a person has named. @throws UsageError */
export const readText = (file: string): string => {
  try {
    return textOf(readFileSync(file));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${readFailure(error)}`);
  }
};

/** Writes the file that an option names. @throws UsageError */
export const writeTo = (option: string, file: string, text: string): void => {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`${option} ${writeFailure(file, error)}`);
  }
};
