import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FilesInForce } from '../../../src/app/files/in-force.ts';
import { DISK } from '../../../src/config/key-files.ts';

const PLACE = { file: 'bridge.yaml', at: () => ({ line: 1, column: 1 }) };
const PATH = ['egresses', 'legacy', 'tls', 'cert'];
const OWNER = 'egresses.legacy';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const opened = (file: string) => {
  const files = new FilesInForce(DISK);
  const reading = files.begin(PLACE);
  reading.read(file, PATH);
  reading.commit();
  return files;
};

describe('a file on disk', () => {
  test('that a link in its path leads to is another one once the link does: so Kubernetes exchanges secrets', () => {
    for (const name of ['one', 'two']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'tls.crt'), name);
    }
    const file = join(folder, 'tls.crt');
    symlinkSync('one', join(folder, '..data'));
    symlinkSync('..data/tls.crt', file);
    const files = opened(file);
    expect(files.change(OWNER)).toBeUndefined();
    symlinkSync('two', join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    expect(files.change(OWNER)).toBeDefined();
    expect(files.isSameContent(OWNER)).toBe(false);
    expect(files.bytesOf(OWNER, file)?.toString()).toBe('one');
  });

  test('stays what it was for an owner who is held, and is read anew for others', () => {
    const file = join(folder, 'cert');
    writeFileSync(file, 'one');
    const files = opened(file);
    writeFileSync(file, 'another');
    expect(
      files
        .begin(PLACE, new Set([OWNER]))
        .read(file, PATH)
        .toString(),
    ).toBe('one');
    expect(files.begin(PLACE).read(file, PATH).toString()).toBe('another');
    // Nothing of it is in force before it is taken over.
    expect(files.bytesOf(OWNER, file)?.toString()).toBe('one');
  });

  test('that has gone is a change, and what was in it is there still', () => {
    const file = join(folder, 'cert');
    writeFileSync(file, 'one');
    const files = opened(file);
    rmSync(file);
    expect(files.change(OWNER)).toBe('none');
    expect(files.isSameContent(OWNER)).toBe(false);
    expect(files.bytesOf(OWNER, file)?.toString()).toBe('one');
  });
});
