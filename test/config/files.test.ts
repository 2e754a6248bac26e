import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readFailure } from '../../src/config/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-files-'));
const file = join(folder, 'file.pem');
writeFileSync(file, '');
afterAll(() => rmSync(folder, { recursive: true }));

const reasonOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    return readFailure(error);
  }
  throw new Error('it could be read');
};

describe('why a path cannot be read', () => {
  it.each([
    ['nothing there', () => readFileSync(join(folder, 'gone')), 'there is no such file'],
    ['a folder for a file', () => readFileSync(folder), 'it is a folder'],
    ['a file for a folder', () => readdirSync(file), 'it is a file, and a folder is wanted'],
    [
      'a file within the path',
      () => readFileSync(join(file, 'a')),
      'a part of its path is a file, not a folder',
    ],
  ])('%s', (_, read, says) => {
    expect(reasonOf(read)).toBe(says);
  });
});
