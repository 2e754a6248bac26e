import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cassettesIn } from '../../src/cli/replay/files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-files-'));
  chmodSync(folder, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (...names: readonly string[]): void => {
  for (const name of names) writeFileSync(join(folder, name), '');
};

/** Relative to the folder. */
const found = (...places: readonly string[]) => {
  const { files, unreadable } = cassettesIn(places.length === 0 ? [folder] : places);
  const short = (text: string): string => text.replaceAll(`${folder}/`, '');
  return { files: files.map(short), unreadable: unreadable.map(({ reason }) => short(reason)) };
};

/** Root may read everything, so for a moment it is nobody. */
const asNobody = <T>(work: () => T): T => {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
};

test('the parts of a recording that was rotated are cassettes, and what is not whole is none', () => {
  write('a.cassette.ndjson', 'a.cassette.ndjson.2', 'a.cassette.ndjson.11');
  write('a.cassette.ndjson.7316-0e59dfbe.partial', 'a.cassette.ndjson.7316.import', 'b.ndjson', 'b.ndjson.2');
  expect(found().files).toEqual(['a.cassette.ndjson', 'a.cassette.ndjson.11', 'a.cassette.ndjson.2']);
});

test('links are followed, to folders too, and each cassette is found once', () => {
  mkdirSync(join(folder, 'elsewhere/deep'), { recursive: true });
  mkdirSync(join(folder, 'cassettes'));
  write('elsewhere/deep/a.cassette.ndjson');
  symlinkSync('../elsewhere', join(folder, 'cassettes/linked'));
  symlinkSync('../elsewhere/deep/a.cassette.ndjson', join(folder, 'cassettes/one.cassette.ndjson'));
  symlinkSync('..', join(folder, 'elsewhere/deep/around'));
  expect(found(join(folder, 'cassettes'))).toEqual({
    files: ['cassettes/linked/deep/a.cassette.ndjson'],
    unreadable: [],
  });
});

test('what cannot be looked into is told of, beside all the rest', () => {
  mkdirSync(join(folder, 'locked'));
  write('a.cassette.ndjson', 'locked/b.cassette.ndjson');
  chmodSync(join(folder, 'locked'), 0);
  symlinkSync('gone', join(folder, 'c.cassette.ndjson'));
  symlinkSync('gone', join(folder, 'gone.cassettes'));
  expect(asNobody(() => found())).toEqual({
    files: ['a.cassette.ndjson'],
    unreadable: [
      'c.cassette.ndjson cannot be read: it is a link to gone, which is not there',
      'gone.cassettes cannot be read: it is a link to gone, which is not there',
      'locked cannot be read: permission denied',
    ],
  });
  chmodSync(join(folder, 'locked'), 0o755);
});
