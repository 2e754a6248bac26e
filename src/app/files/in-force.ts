import { fileReader, type Place, type ReadFile } from '../../config/files.ts';
import type { KeyFiles } from '../../config/key-files.ts';
import { formatPath, type KeyPath } from '../../config/problem.ts';

/** A file as it was read. */
interface KnownFile {
  readonly version: string;
  readonly bytes: Buffer;
}

type Owned = ReadonlyMap<string, ReadonlyMap<string, KnownFile>>;

/** Whose the file is that a key names: `egresses.legacy`, `claims`, `cluster_key_file`. */
export const ownerOf = (path: KeyPath): string =>
  formatPath(path.slice(0, path[0] === 'ingresses' || path[0] === 'egresses' ? 2 : 1));

/** Its name, as links have it: `legacy`. */
export const linkOf = (owner: string): string => owner.replace(/^(in|e)gresses\./, '');

/** One reading of all files that a configuration names. */
export interface Reading {
  readonly read: ReadFile;
  /** What was read is in force. */
  commit(): void;
}

/** The files that a configuration names, as they are in force; what is on disk may be another version already. */
export class FilesInForce {
  readonly #keys: KeyFiles;
  #owned: Owned = new Map();

  constructor(keys: KeyFiles) {
    this.#keys = keys;
  }

  /** @param held owners that keep what they have, whatever is on disk */
  begin(place: Place, held: ReadonlySet<string> = new Set()): Reading {
    const noted = new Map<string, Map<string, KnownFile>>();
    const disk = fileReader(place, this.#keys);
    const known = (file: string, path: KeyPath): KnownFile => {
      const kept = held.has(ownerOf(path)) ? this.#owned.get(ownerOf(path))?.get(file) : undefined;
      // The version first: what changes meanwhile is another one afterwards.
      return kept ?? { version: this.#versionOf(file), bytes: disk(file, path) };
    };
    return {
      read: (file, path) => {
        const owner = ownerOf(path);
        const files = noted.get(owner) ?? new Map<string, KnownFile>();
        noted.set(owner, files);
        // One reading sees one version of a file.
        const found = files.get(file) ?? known(file, path);
        files.set(file, found);
        return found.bytes;
      },
      commit: () => {
        this.#owned = noted;
      },
    };
  }

  /** All owners, with the names of their files. */
  owners(): readonly (readonly [owner: string, files: readonly string[]])[] {
    return [...this.#owned].map(([owner, files]) => [owner, [...files.keys()]]);
  }

  /** A file of an owner, as it is in force. */
  bytesOf(owner: string, file: string): Buffer | undefined {
    return this.#owned.get(owner)?.get(file)?.bytes;
  }

  /** What is on disk of an owner, as a text; undefined where that is what is in force. */
  change(owner: string): string | undefined {
    const files = [...(this.#owned.get(owner) ?? [])];
    const now = files.map(([file]) => this.#versionOf(file));
    const isSame = files.every(([, { version }], index) => version === now[index]);
    return isSame ? undefined : now.join('\n');
  }

  /** Where files were written anew as they were, nothing has changed from now on. @returns whether that is so */
  isSameContent(owner: string): boolean {
    const files = new Map<string, KnownFile>();
    for (const [file, { bytes }] of this.#owned.get(owner) ?? []) {
      const version = this.#versionOf(file);
      try {
        if (!this.#keys.read(file).equals(bytes)) return false;
      } catch {
        return false;
      }
      files.set(file, { version, bytes });
    }
    this.#owned = new Map([...this.#owned, [owner, files]]);
    return true;
  }

  #versionOf(file: string): string {
    try {
      return this.#keys.version(file);
    } catch {
      return 'none';
    }
  }
}
