import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CassetteHeader } from '../../../src/capture/file/format.ts';
import { CassetteWriter } from '../../../src/capture/file/write.ts';

const HEADER: CassetteHeader = {
  cassette: 1,
  created: '2026-01-01T00:00:00Z',
  by: 'test',
  config: { routes: [] },
  clock: 0,
  seed: '00',
  keys: {},
  nodes: {},
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-write-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = async (file: string): Promise<void> => {
  await new CassetteWriter(file, HEADER).close();
};
const mode = (file: string): number => statSync(file).mode & 0o777;

describe('a cassette', () => {
  test.each([0o600, 0o640, 0o664])(
    'that replaces another is readable by whom that was: %o',
    async (before) => {
      const file = join(folder, 'tape');
      writeFileSync(file, 'old');
      chmodSync(file, before);
      await write(file);
      expect(mode(file)).toBe(before);
      expect(readFileSync(file, 'utf8')).toContain('"cassette":1');
    },
  );

  test('that is new is its owner’s', async () => {
    await write(join(folder, 'tape'));
    expect(mode(join(folder, 'tape'))).toBe(0o600);
  });

  test('is where a link leads to, and the link stays one', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    const target = join(folder, 'elsewhere', 'tape');
    writeFileSync(target, 'old');
    const link = join(folder, 'link');
    symlinkSync(target, link);
    await write(link);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain('"cassette":1');
  });

  test('that is written twice at once is one of both, whole', async () => {
    const file = join(folder, 'tape');
    const [one, other] = [new CassetteWriter(file, HEADER), new CassetteWriter(file, HEADER)];
    one.write({ at: 1, rejected: { code: 'one' } });
    await Promise.all([one.close(), other.close()]);
    expect(readFileSync(file, 'utf8').trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(readdirSync(folder)).toEqual(['tape']);
  });

  test('that cannot be written is told by its own name, and leaves nothing', async () => {
    const file = join(folder, 'no', 'tape');
    await expect(write(file)).rejects.toThrow(`${file} cannot be written: there is no such folder`);
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });
});
