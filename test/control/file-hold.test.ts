import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FileHeld, type FileHold, holdFile, whoHolds } from '../../src/control/file-hold.ts';

const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-hold-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const hold = async (file: string): Promise<FileHold> => {
  const held = await holdFile(file);
  onTestFinished(() => held.release().catch(() => undefined));
  return held;
};

it.each([
  ['a short path', (folder: string) => join(folder, 'audit.log')],
  ['a name that is longer than a socket’s may be', (folder: string) => join(folder, 'a'.repeat(200))],
  [
    'a folder that is longer than a socket’s may be',
    (folder: string) => {
      mkdirSync(join(folder, 'f'.repeat(200)));
      return join(folder, 'f'.repeat(200), 'audit.log');
    },
  ],
])('a file is one holder’s until it is released: %s', async (_, fileIn) => {
  const folder = makeFolder();
  const file = fileIn(folder);
  expect(await whoHolds(file)).toBeUndefined();
  const first = await hold(file);
  expect(await whoHolds(file)).toContain(`the process ${process.pid} on `);
  await expect(holdFile(file)).rejects.toThrow(FileHeld);
  await hold(`${file.slice(0, -1)}x`);
  await first.release();
  expect(await whoHolds(file)).toBeUndefined();
  await hold(file);
});

it('is one’s also where several want it at the same moment, and nothing of the others is left', async () => {
  const folder = makeFolder();
  const file = join(folder, 'audit.log');
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => hold(file)));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('cannot be had in a folder that is not there', async () => {
  const file = join(makeFolder(), 'nowhere', 'audit.log');
  await expect(holdFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(whoHolds(file)).rejects.toMatchObject({ code: 'ENOENT' });
});
