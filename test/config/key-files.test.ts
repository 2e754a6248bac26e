import { describe, expect, it } from 'vitest';
import { DISK, memoryFiles, withStandIns } from '../../src/config/key-files.ts';

const disk = memoryFiles(
  new Map([
    ['/keys/alice.pem', 'alice'],
    ['/keys/bob.pem', 'bob'],
    ['/other/carol.pem', 'carol'],
  ]),
);

describe('stand-ins for files', () => {
  const made = withStandIns(
    {
      files: new Map([
        ['/keys/bob.pem', 'another bob'],
        ['/keys/dora.pem', 'dora'],
      ]),
    },
    disk,
  );

  it('are read in their place, and the others as they are', () => {
    const read = (name: string): string => made.read(`/keys/${name}.pem`).toString();
    expect(['alice', 'bob', 'dora'].map(read)).toEqual(['alice', 'another bob', 'dora']);
    expect(made.version('/keys/bob.pem')).not.toBe(disk.version('/keys/bob.pem'));
    expect(() => made.read('/keys/eve.pem')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('are in the list of their folder, each once', () => {
    expect(made.list('/keys')).toEqual(['alice.pem', 'bob.pem', 'dora.pem']);
    expect(made.list('/other')).toEqual(['carol.pem']);
  });

  it('may be in a folder that is not there', () => {
    const files = new Map([['/nowhere/at all/alice.pem', 'alice']]);
    expect(withStandIns({ files }, DISK).list('/nowhere/at all')).toEqual(['alice.pem']);
    expect(() => withStandIns({ files }, DISK).list('/nowhere')).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });

  it('of a whole folder leave nothing else of it', () => {
    const whole = withStandIns(
      { files: new Map([['/keys/dora.pem', 'dora']]), folders: new Set(['/keys']) },
      disk,
    );
    expect(whole.list('/keys')).toEqual(['dora.pem']);
    expect(() => whole.read('/keys/alice.pem')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => whole.version('/keys/alice.pem')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(whole.read('/other/carol.pem').toString()).toBe('carol');
  });
});
