import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { codeOf, readFailure } from '../config/files.ts';
import type { LogStream } from './log-sink.ts';

/** Its owner writes, its group reads; nobody else. */
const MODE = 0o640;
const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;

/** @throws Error for what is no file */
const checked = (descriptor: number): number => {
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error('it is no file');
};

/**
 * Why a log cannot be written to a file that is there; undefined where it can. Nothing is written.
 * @throws as `openSync` does where it is not there
 */
export const logFileFault = (file: string): string | undefined => {
  try {
    closeSync(checked(openSync(file, O_WRONLY | O_APPEND | O_NONBLOCK)));
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw error;
    return readFailure(error);
  }
};

/** @throws as `openSync` does, and for what is not a file: nobody may read from a pipe, and then the bridge would wait */
const openAt = (file: string): number =>
  checked(openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, MODE));

/**
 * The file that a log is written to. Each line is tried anew: a stream that has failed once, for a full disk, would never write
 * again.
 */
export class LogFile implements LogStream {
  readonly file: string;
  #descriptor: number;

  /** @throws as `openSync` does */
  constructor(file: string) {
    this.file = file;
    this.#descriptor = openAt(file);
  }

  write(text: string, done?: (error?: Error | null) => void): void {
    try {
      let rest = Buffer.from(text);
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#descriptor, rest));
      done?.();
    } catch (error) {
      done?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** What has been moved away is written to no more. @throws as `openSync` does; then the file before stays */
  reopen(): void {
    const next = openAt(this.file);
    closeSync(this.#descriptor);
    this.#descriptor = next;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
