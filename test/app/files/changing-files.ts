import type { KeyFiles } from '../../../src/config/key-files.ts';

/** Files that a test writes, over others that never change. */
export interface ChangingFiles extends KeyFiles {
  write(file: string, content: string): void;
  remove(file: string): void;
  /** Writes it anew as it is. */
  touch(file: string): void;
}

export const changingFiles = (rest: KeyFiles): ChangingFiles => {
  const own = new Map<string, { readonly content: string; readonly version: number }>();
  let versions = 0;
  const write = (file: string, content: string): void => {
    own.set(file, { content, version: ++versions });
  };
  return {
    write,
    remove: (file) => void own.delete(file),
    touch: (file) => write(file, own.get(file)?.content ?? ''),
    read: (file) => {
      const found = own.get(file);
      return found === undefined ? rest.read(file) : Buffer.from(found.content);
    },
    version: (file) => {
      const found = own.get(file);
      return found === undefined ? rest.version(file) : `written ${found.version}`;
    },
    list: (folder) => rest.list(folder),
  };
};
