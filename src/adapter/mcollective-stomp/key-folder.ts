import type { KeyObject } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { isCallerId } from '../../envelope/check.ts';
import { Rejection, type RejectionCode } from '../../envelope/rejection.ts';

export interface KeyFolderOptions {
  /** Where the PEM files are: `<directory>/<name>.pem` for `cert=<name>`. */
  readonly directory: string;
  /** What the folder is called in a sentence. */
  readonly called: string;
  /** Why a caller without a usable key is refused. */
  readonly code: RejectionCode;
  /** Throws for what is not a key of the kind. */
  readonly parse: (pem: Buffer) => KeyObject;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

interface Entry {
  readonly key: KeyObject;
  readonly version: string;
  checked: number;
}

/** How long a key file is believed unchanged, in ms. */
const RECHECK = 5_000;

/**
 * Which content of a file this is. The time of change alone does not tell: `cp -p`, rsync and the layers of an image
 * keep it, and a link may lead to another file of the same time.
 */
const versionOf = ({ mtimeMs, ctimeMs, dev, ino, size }: Stats): string =>
  [mtimeMs, ctimeMs, dev, ino, size].join(' ');

/**
 * A folder with a key for each caller, read when first needed and again when it changes.
 * @returns the key of a caller; throws a Rejection with the folder's code where there is none
 */
export const openKeyFolder = (options: KeyFolderOptions): ((caller: string) => KeyObject) => {
  const { directory, called, code, parse, clock } = options;
  const known = new Map<string, Entry>();
  return (caller) => {
    const cached = known.get(caller);
    const now = clock();
    if (cached !== undefined && now - cached.checked < RECHECK) return cached.key;
    if (!isCallerId(caller) || !caller.startsWith('cert='))
      throw new Rejection(code, `${caller} is not of the form cert=<name>`);
    const file = `${caller.slice('cert='.length)}.pem`;
    try {
      const path = join(directory, file);
      const version = versionOf(statSync(path));
      if (cached !== undefined && cached.version === version) {
        cached.checked = now;
        return cached.key;
      }
      const key = parse(readFileSync(path));
      known.set(caller, { key, version, checked: now });
      return key;
    } catch (error) {
      known.delete(caller);
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      throw new Rejection(
        code,
        missing
          ? `there is no key ${file} for ${caller} in ${called}`
          : `the key ${file} of ${caller} cannot be used`,
        {},
        { cause: error },
      );
    }
  };
};
