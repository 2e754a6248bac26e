import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CASSETTE_SUFFIX, isCassetteName } from '../../capture/file/format.ts';
import { readFailure } from '../../config/files.ts';
import { UsageError } from '../usage.ts';

/** What is in a folder and may be a cassette, or hold some, and cannot be looked into. */
export interface Unreadable {
  readonly path: string;
  readonly reason: string;
}

export interface Cassettes {
  readonly files: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

const cannotBeRead = (path: string, error: unknown): string =>
  `${path} cannot be read: ${readFailure(error)}`;

/** Walks through folders, and goes where links lead. */
class Search {
  readonly files: string[] = [];
  readonly unreadable: Unreadable[] = [];
  /** A link may lead to a folder that it is in. */
  readonly #seen = new Set<string>();

  folder(folder: string): void {
    this.#orNoted(folder, () => {
      const real = realpathSync(folder);
      if (this.#seen.has(real)) return;
      this.#seen.add(real);
      for (const name of readdirSync(folder).toSorted()) this.#entry(join(folder, name), name);
    });
  }

  #entry(path: string, name: string): void {
    this.#orNoted(path, () => {
      if (statSync(path).isDirectory()) this.folder(path);
      else if (isCassetteName(name)) this.files.push(path);
    });
  }

  #orNoted(path: string, look: () => void): void {
    try {
      look();
    } catch (error) {
      this.unreadable.push({ path, reason: cannotBeRead(path, error) });
    }
  }
}

/** Of what is not a file, such as a pipe, there may be none. */
const realPath = (file: string): string => {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
};

const inFolder = (folder: string): Cassettes => {
  const search = new Search();
  search.folder(folder);
  const { files, unreadable } = search;
  if (files.length === 0 && unreadable.length === 0)
    throw new UsageError(`there is no *${CASSETTE_SUFFIX} in ${folder}`);
  return { files: files.toSorted(), unreadable };
};

/**
 * The cassettes that are named, and those in the folders that are, each once, whatever it is called.
 * @throws UsageError for what is not there, and for a folder without any
 */
export const cassettesIn = (places: readonly string[]): Cassettes => {
  const found = places.map((place): Cassettes => {
    let isFolder: boolean;
    try {
      isFolder = statSync(place).isDirectory();
    } catch (error) {
      throw new UsageError(cannotBeRead(place, error));
    }
    return isFolder ? inFolder(place) : { files: [place], unreadable: [] };
  });
  const names = new Map<string, string>();
  for (const file of found.flatMap(({ files }) => files)) {
    const path = realPath(file);
    if (!names.has(path)) names.set(path, file);
  }
  return { files: [...names.values()], unreadable: found.flatMap(({ unreadable }) => unreadable) };
};
