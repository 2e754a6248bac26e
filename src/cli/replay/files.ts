import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CASSETTE_SUFFIX } from '../../cassette/format.ts';
import { readFailure } from '../../config/files.ts';
import { UsageError } from '../usage.ts';

const inFolder = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return inFolder(path);
      return entry.name.endsWith(CASSETTE_SUFFIX) ? [path] : [];
    })
    .toSorted();

/**
 * The cassettes that are named, and those in the folders that are, each once, whatever it is called.
 * @throws UsageError for what is not there, and for a folder without any
 */
export const cassettesIn = (places: readonly string[]): readonly string[] => {
  const found = places.flatMap((place): readonly string[] => {
    let isFolder: boolean;
    try {
      isFolder = statSync(place).isDirectory();
    } catch (error) {
      throw new UsageError(`${place} cannot be read: ${readFailure(error)}`);
    }
    if (!isFolder) return [place];
    const files = inFolder(place);
    if (files.length === 0) throw new UsageError(`there is no *${CASSETTE_SUFFIX} in ${place}`);
    return files;
  });
  const names = new Map<string, string>();
  for (const file of found) {
    const path = realpathSync(file);
    if (!names.has(path)) names.set(path, file);
  }
  return [...names.values()];
};
