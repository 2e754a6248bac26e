import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../../envelope/text.ts';

/** The files of a folder of policies by their names: what is in them, or why that cannot be read. */
export type PolicyFiles = ReadonlyMap<string, Uint8Array | string>;

export const GROUPS_FILE = 'groups';
export const POLICY_END = '.policy';

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/**
 * The groups and all policies of a folder. A link that leads nowhere is no file, as in the originals.
 * @throws what the system says of the folder
 */
export const readPolicyFolder = (folder: string): PolicyFiles => {
  const files = new Map<string, Uint8Array | string>();
  for (const name of readdirSync(folder).toSorted()) {
    if (name !== GROUPS_FILE && !name.endsWith(POLICY_END)) continue;
    try {
      files.set(name, readFileSync(join(folder, name)));
    } catch (error) {
      if (!isMissing(error)) files.set(name, errorText(error));
    }
  }
  return files;
};
