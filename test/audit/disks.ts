import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AUDIT_DISK, type Disk } from '../../src/audit/file/disk.ts';
import { makeFolder } from './world.ts';

/** A disk whose appends become another thing from a moment on. */
export const failingDisk = (append: (bytes: Uint8Array) => Promise<void>) => {
  const state = { isFailing: false };
  const disk: Disk = {
    ...AUDIT_DISK,
    open: async (file, isNew) => {
      const opened = await AUDIT_DISK.open(file, isNew);
      return {
        ...opened,
        append: (bytes) => (state.isFailing ? append(bytes) : opened.append(bytes)),
      };
    },
  };
  return { disk, state };
};

/** A disk that hangs: nothing is ever written, and nothing fails. */
export const hangingDisk = () => failingDisk(() => new Promise(() => undefined));

/** The system's own full disk. */
export const fullDisk = () =>
  failingDisk(async (bytes) => {
    const full = await open('/dev/full', 'w');
    try {
      await full.write(bytes);
    } finally {
      await full.close();
    }
  });

/** A folder in which no file can be made: for root, who may write everywhere, a disk that is mounted so. */
export const readOnlyFolder = (): string => {
  const folder = makeFolder();
  if (process.getuid?.() === 0) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=64k', 'tmpfs', folder]);
    onTestFinished(() => void execFileSync('umount', [folder]));
  } else {
    chmodSync(folder, 0o500);
    onTestFinished(() => chmodSync(folder, 0o700));
  }
  return folder;
};

/** A file in a folder in which no other can be made: for root, who may write everywhere, on a disk that takes no more files. */
export const fileInFullFolder = (): string => {
  const folder = makeFolder();
  const file = join(folder, 'audit.log');
  if (process.getuid?.() === 0) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=2', 'tmpfs', folder]);
    onTestFinished(() => void execFileSync('umount', [folder]));
  }
  writeFileSync(file, '');
  chmodSync(file, 0o600);
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500);
    onTestFinished(() => chmodSync(folder, 0o700));
  }
  return file;
};
