import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whose a file or folder is, and who may write to it. */
interface Owned {
  readonly uid: number;
  readonly mode: number;
}

export interface TrustOptions {
  /** The user who runs the program; null where the system knows no such ids. */
  readonly uid?: number | null;
  /** @throws as `statSync` does */
  readonly ownedBy?: (path: string) => Owned;
}

const ROOT = 0;
/** Group and others may write. */
const SHARED = 0o022;
const GROUP = 0o020;
/** In such a folder nobody removes or renames what is another's. */
const STICKY = 0o1000;

/** The file, and each folder above it. */
const wayTo = (path: string): readonly string[] => {
  const above = dirname(path);
  return above === path ? [path] : [path, ...wayTo(above)];
};

/**
 * How somebody besides root and the running user could change what a file holds, or put another in its place; undefined where
 * nobody could.
 * @param file its real path
 * @throws as `statSync` does
 */
export const strangerTo = (
  file: string,
  { uid = process.getuid?.() ?? null, ownedBy = statSync }: TrustOptions = {},
): string | undefined => {
  if (uid === null) return undefined;
  for (const path of wayTo(file)) {
    const { uid: owner, mode } = ownedBy(path);
    const what = path === file ? path : `the folder ${path}`;
    if (owner !== ROOT && owner !== uid)
      return `${what} belongs to the user ${owner}, and not to root or the user ${uid} who runs mcbridge`;
    const isSafeFolder = path !== file && (mode & STICKY) !== 0;
    if ((mode & SHARED) !== 0 && !isSafeFolder)
      return `${what} can be written by ${(mode & GROUP) === 0 ? 'everybody' : 'its group'}: chmod go-w ${path}`;
  }
  return undefined;
};
