import { basename } from 'node:path';
import { hashOf, placeOf } from '../chain.ts';
import type { HeadSigner } from '../head.ts';
import type { OwnRecord } from '../target.ts';
import type { Disk } from './disk.ts';
import { rotatedFiles } from './rotated.ts';
import { lastLineOf } from './tail.ts';

export interface KeepOptions {
  readonly file: string;
  readonly keep: number | undefined;
  readonly signer: HeadSigner | undefined;
  readonly own: OwnRecord;
  readonly disk: Disk;
  readonly onTrouble: (sentence: string, error: unknown) => void;
  readonly write: (record: string) => Promise<void>;
}

/**
 * Removes the oldest full files beyond those that are kept, once the chain says so. A file whose end nobody has signed stays, and so
 * do those after it.
 */
export const removeSurplus = async (options: KeepOptions): Promise<void> => {
  const { file, keep, signer, own, disk, onTrouble, write } = options;
  if (keep === undefined) return;
  try {
    const full = await rotatedFiles(disk, file);
    for (const one of full.slice(0, Math.max(0, full.length - keep))) {
      const line = await lastLineOf(disk, one);
      const place = line === undefined ? undefined : placeOf(line);
      if (
        line === undefined ||
        place === undefined ||
        (signer !== undefined && place.signature === undefined)
      ) {
        onTrouble(`${one} is kept: its end is not signed`, undefined);
        return;
      }
      await write(own('dropped', { file: basename(one), last_seq: place.seq, last_hash: hashOf(line) }));
      await disk.remove(one);
    }
  } catch (error) {
    onTrouble(`full files of ${file} cannot be removed`, error);
  }
};
