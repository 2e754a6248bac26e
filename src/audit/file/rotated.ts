import { basename, dirname, join } from 'node:path';
import type { Disk } from './disk.ts';

const SEQ_DIGITS = 12;

/** The name of a file that is full: with the number of its last record, so that names sort as records do. */
export const rotatedName = (file: string, seq: number): string =>
  `${file}.${String(seq).padStart(SEQ_DIGITS, '0')}`;

/** The full files of an audit, the oldest first. */
export const rotatedFiles = async (disk: Disk, file: string): Promise<readonly string[]> => {
  const [folder, name] = [dirname(file), basename(file)];
  const isRotated = (one: string): boolean =>
    one.startsWith(`${name}.`) && /^\d{12,15}$/.test(one.slice(name.length + 1));
  const seqOf = (one: string): number => Number(one.slice(name.length + 1));
  return (await disk.list(folder))
    .filter(isRotated)
    .toSorted((a, b) => seqOf(a) - seqOf(b))
    .map((one) => join(folder, one));
};
