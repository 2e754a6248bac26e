import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Whose a file, folder or link is, what it is, and who may write to it. */
interface Owned {
  readonly uid: number;
  readonly mode: number;
}

export interface TrustOptions {
  /** The user who runs the program; null where the system knows no such ids. */
  readonly uid?: number | null;
  /** Of a link, the link's own. @throws as `lstatSync` does */
  readonly ownedBy?: (path: string) => Owned;
  /** What a link says. */
  readonly targetOf?: (link: string) => string;
}

/** A file that others than root and the running user could change or replace; how, in words. */
export class Stranger extends Error {
  override readonly name = 'Stranger';
}

const ROOT = 0;
/** Group and others may write. */
const SHARED = 0o022;
const GROUP = 0o020;
/** In such a folder users cannot remove or rename each other's files. */
const STICKY = 0o1000;
const KIND = 0o170000;
const FOLDER = 0o040000;
const LINK = 0o120000;
/** As many as Linux follows. */
const MAX_LINKS = 40;

const kindOf = ({ mode }: Owned): number => mode & KIND;
const whoWrites = ({ mode }: Owned): string => ((mode & GROUP) === 0 ? 'everybody' : 'its group');

/**
 * The real path of a file that only root and the running user can change or replace. It is gone from
 * `/` on by each folder and link, each of which lies in one that was found good: so it stays what it was when it was looked at.
 * @param given an absolute path
 * @throws Stranger
 * @throws as `lstatSync` does
 */
export const trustedPath = (
  given: string,
  {
    uid = process.getuid?.() ?? null,
    ownedBy = lstatSync,
    targetOf = (link) => readlinkSync(link),
  }: TrustOptions = {},
): string => {
  if (uid === null) return realpathSync(given);
  let links = 0;

  const follow = (path: string): string => {
    const above = dirname(path);
    const here = above === path ? path : join(follow(above), basename(path));
    const it = ownedBy(here);
    const what = { [FOLDER]: `the folder ${here}`, [LINK]: `the link ${here}` }[kindOf(it)] ?? here;
    if (it.uid !== ROOT && it.uid !== uid)
      throw new Stranger(
        `${what} belongs to the user ${it.uid}, and not to root or the user ${uid} who runs mcbridge`,
      );
    if (kindOf(it) === LINK) {
      if (++links > MAX_LINKS) throw new Stranger(`${what} is one of more than ${MAX_LINKS} links`);
      return follow(resolve(dirname(here), targetOf(here)));
    }
    const isSafeFolder = kindOf(it) === FOLDER && (it.mode & STICKY) !== 0;
    if ((it.mode & SHARED) !== 0 && !isSafeFolder)
      throw new Stranger(`${what} can be written by ${whoWrites(it)}: chmod go-w ${here}`);
    return here;
  };

  const file = follow(given);
  const folder = dirname(file);
  // Others cannot replace the file in a folder such as /tmp. But files beside it decide what kind of module it is, and what it imports.
  const around = ownedBy(folder);
  if ((around.mode & SHARED) !== 0)
    throw new Stranger(
      `${whoWrites(around)} can put files beside it in the folder ${folder}: move it to a folder of its own`,
    );
  return file;
};
