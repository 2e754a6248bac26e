import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';

/** Where the certificates and keys that a configuration names are read from. */
export interface KeyFiles {
  /** @throws as {@link readKeyFile} does */
  read(file: string): Buffer;
  /**
   * Another text whenever the file's content may be another.
   * @throws as `statSync` does
   */
  version(file: string): string;
  /**
   * Names of what is in a folder.
   * @throws as `readdirSync` does
   */
  list(folder: string): readonly string[];
}

/**
 * Which content of a file this is. The time of change alone does not tell: `cp -p`, rsync and the layers of an image
 * keep it, and a link may lead to another file of the same time.
 */
const versionOf = ({ mtimeMs, ctimeMs, dev, ino, size }: Stats): string =>
  [mtimeMs, ctimeMs, dev, ino, size].join(' ');

/** What is there instead of a file. */
export class NoFile extends Error {
  override readonly name = 'NoFile';
}

/**
 * What a file holds. A pipe gives it once only, and a pipe without a writer would block for ever.
 * @throws as `readFileSync` does, and NoFile for a pipe or a device
 */
export const readKeyFile = (file: string): Buffer => {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    // Of a folder the system says what it is.
    if (found.isFile() || found.isDirectory()) return readFileSync(descriptor);
    throw new NoFile(`it is a ${found.isFIFO() ? 'pipe' : 'device'}, and a file is wanted`);
  } finally {
    closeSync(descriptor);
  }
};

/** This machine's. */
export const DISK: KeyFiles = {
  read: readKeyFile,
  version: (file) => versionOf(statSync(file)),
  list: (folder) => readdirSync(folder),
};

/** Files that are on no disk, by their absolute paths. They never change. */
export const memoryFiles = (files: ReadonlyMap<string, string>): KeyFiles => {
  const contentOf = (file: string): string => {
    const content = files.get(file);
    if (content === undefined) throw Object.assign(new Error(`there is no ${file}`), { code: 'ENOENT' });
    return content;
  };
  return {
    read: (file) => Buffer.from(contentOf(file)),
    version: (file) => `${contentOf(file).length}`,
    list: (folder) =>
      [...files.keys()].filter((file) => dirname(file) === folder).map((file) => basename(file)),
  };
};

/** What takes the place of some files. */
export interface StandIns {
  /** By their absolute paths. */
  readonly files: ReadonlyMap<string, string>;
  /** Folders in which nothing else is. */
  readonly folders?: ReadonlySet<string>;
}

/** Files of which some have others in their place. */
export const withStandIns = ({ files, folders = new Set() }: StandIns, rest: KeyFiles): KeyFiles => {
  const own = memoryFiles(files);
  const of = (file: string): KeyFiles => (files.has(file) || folders.has(dirname(file)) ? own : rest);
  return {
    read: (file) => of(file).read(file),
    version: (file) => of(file).version(file),
    list: (folder) => {
      const mine = own.list(folder);
      if (folders.has(folder)) return mine;
      try {
        return [...new Set([...rest.list(folder), ...mine])];
      } catch (error) {
        if (mine.length === 0) throw error;
        return mine;
      }
    },
  };
};
