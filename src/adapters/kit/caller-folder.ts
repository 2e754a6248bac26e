import { join } from 'node:path';
import { DISK, type KeyFiles } from '../../config/key-files.ts';
import { Rejection, type RejectionCode } from '../../envelope/rejection.ts';
import { own } from '../../envelope/text.ts';

export interface CallerFolderOptions<T> {
  readonly directory: string;
  /** The name of a caller's files, without what comes after its dot; undefined for a caller that can have none. */
  readonly nameOf: (caller: string) => string | undefined;
  /** How callers who can have files look, for a sentence. */
  readonly form: string;
  /** What comes after the name in each file of a caller, in the order in which `parse` gets them. */
  readonly endings: readonly string[];
  /** Why a caller without usable files is refused. */
  readonly code: RejectionCode;
  /** The sentence about a file that is not there. */
  readonly missing: (file: string, caller: string) => string;
  /** The sentence about files that cannot be used; `cause` is what `parse` threw. */
  readonly unusable: (file: string, caller: string, cause: unknown) => string;
  /** Throws for files that are not of the kind. */
  readonly parse: (contents: readonly Buffer[], name: string) => T;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Where the folder is; on disk unless given. */
  readonly files?: KeyFiles | undefined;
}

interface Entry<T> {
  readonly value: T;
  readonly version: string;
  checked: number;
  /** Since when other files are there that cannot be used. */
  unfitSince?: number | undefined;
}

/** How long a file counts as unchanged, in ms. */
const RECHECK_INTERVAL_MS = 5_000;
/** How long a caller's former files count while some of the new ones may still have to be written, in ms. */
const EXCHANGE_MS = 60_000;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/**
 * A folder with files for each caller, read when first needed and again when they change. Where a caller has several, they
 * cannot be written at once: former ones count until the new ones can be used together, for a minute at most.
 * @returns what a caller's files hold; throws a Rejection with the folder's code where there is nothing that can be used
 */
export const openCallerFolder = <T>(options: CallerFolderOptions<T>): ((caller: string) => T) => {
  const { directory, endings, code, clock, files = DISK } = options;
  const known = new Map<string, Entry<T>>();

  /** @returns whether what was there before still counts */
  const isBeingExchanged = (cached: Entry<T> | undefined, now: number): cached is Entry<T> => {
    if (cached === undefined || endings.length < 2) return false;
    cached.unfitSince ??= now;
    return now - cached.unfitSince < EXCHANGE_MS;
  };

  const read = (caller: string, name: string, now: number): T => {
    const cached = known.get(caller);
    let file = '';
    try {
      const paths = endings.map((ending) => {
        file = `${name}${ending}`;
        return { path: join(directory, file), version: files.version(join(directory, file)) };
      });
      const version = paths.map((one) => one.version).join(' ');
      if (cached !== undefined && cached.version === version) {
        cached.checked = now;
        cached.unfitSince = undefined;
        return cached.value;
      }
      const contents = paths.map(({ path }) => files.read(path));
      try {
        const value = options.parse(contents, name);
        known.set(own(caller), { value, version, checked: now });
        return value;
      } catch (error) {
        if (!isBeingExchanged(cached, now)) throw error;
        cached.checked = now;
        return cached.value;
      }
    } catch (error) {
      known.delete(caller);
      const sentence = isMissing(error)
        ? options.missing(file, caller)
        : options.unusable(file, caller, error);
      throw new Rejection(code, sentence, {}, { cause: error });
    }
  };

  return (caller) => {
    const cached = known.get(caller);
    const now = clock();
    if (cached !== undefined && now - cached.checked < RECHECK_INTERVAL_MS) return cached.value;
    const name = options.nameOf(caller);
    if (name === undefined) throw new Rejection(code, `${caller} is not of the form ${options.form}`);
    return read(caller, name, now);
  };
};
