import { constants } from 'node:fs';
import { open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that is written at its end. */
export interface OpenFile {
  /** Writes all of it, or throws. */
  append(bytes: Uint8Array): Promise<void>;
  /** What was written is on the disk once this is done. */
  datasync(): Promise<void>;
  /** @param position of the first byte */
  read(position: number, length: number): Promise<Buffer>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  /** Which file it is, whatever its name. */
  id(): Promise<string>;
  close(): Promise<void>;
}

/** What an audit does with files; tests have one that hangs. */
export interface Disk {
  /** @param isNew whether it must not be there yet @throws as `open` does, and for what is not a file */
  open(file: string, isNew: boolean): Promise<OpenFile>;
  /** The id of what is at a path; undefined where nothing is. */
  idAt(file: string): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  list(folder: string): Promise<readonly string[]>;
  /** The names in a folder are on the disk once this is done. */
  syncFolder(folder: string): Promise<void>;
}

/** What says who did what is its owner's alone. */
const MODE = 0o600;
const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** What is there is neither a file nor nothing: nobody may read from a pipe, and then the bridge would wait. */
const NO_FILE = 'it is a pipe, a device or a folder, and a file is wanted';

const idOf = ({ dev, ino }: { readonly dev: number; readonly ino: number }): string => `${dev}:${ino}`;

const openFile = async (file: string, isNew: boolean): Promise<OpenFile> => {
  const flags = O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | (isNew ? O_EXCL : 0);
  const handle = await open(file, flags, MODE);
  if (!(await handle.stat()).isFile()) {
    await handle.close();
    throw new Error(NO_FILE);
  }
  return {
    append: async (bytes) => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done);
        done += bytesWritten;
      }
    },
    datasync: () => handle.datasync(),
    read: async (position, length) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    },
    truncate: (size) => handle.truncate(size),
    size: async () => (await handle.stat()).size,
    id: async () => idOf(await handle.stat()),
    close: () => handle.close(),
  };
};

export const AUDIT_DISK: Disk = {
  open: openFile,
  idAt: async (file) => {
    try {
      const handle = await open(file, O_RDONLY | O_NONBLOCK);
      try {
        return idOf(await handle.stat());
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  rename,
  remove: unlink,
  list: readdir,
  syncFolder: async (folder) => {
    const handle = await open(folder === '' ? dirname('.') : folder, O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
