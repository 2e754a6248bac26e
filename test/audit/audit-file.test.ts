import { appendFileSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AUDIT_DISK } from '../../src/audit/file/disk.ts';
import { rotatedFiles } from '../../src/audit/file/rotated.ts';
import { crashing, linesIn, makeAudit, makeKey, recordOf, verified, WRITER } from './world.ts';

const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => recordOf(from + index));

const kinds = (file: string): readonly string[] =>
  linesIn(file).map((line) => JSON.parse(line).mcbridge.kind);

const CLEAN = { findings: [], notes: [] };

describe('an audit file', () => {
  it('is its owner’s alone, and each line bears the hash of the one before', async () => {
    const { file, open } = makeAudit();
    const audit = open();
    await audit.write(records(1, 3), false);
    await audit.close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(kinds(file)).toEqual(['start', 'request', 'request', 'request']);
    expect(linesIn(file).map((line) => JSON.parse(line).seq)).toEqual([1, 2, 3, 4]);
    expect(await verified([file], undefined)).toMatchObject({ ...CLEAN, chains: [{ records: 4 }] });
  });

  it('has a head after so many records, when one is asked for, and when it is closed', async () => {
    const { verifier, signer } = makeKey();
    const { file, open, heads } = makeAudit({ signer, every: 3 });
    const audit = open();
    await audit.write(records(1, 4), false);
    await audit.write([], true);
    await audit.write([], true);
    await audit.write(records(5, 1), false);
    await audit.close();
    expect(kinds(file)).toEqual([
      ...['start', 'request', 'request', 'head', 'request', 'request', 'head', 'request', 'head'],
    ]);
    expect(heads.map(({ seq }) => seq)).toEqual([4, 7, 9]);
    expect(await verified([file], verifier)).toMatchObject({
      ...CLEAN,
      chains: [{ signed_to: 9, last: 9 }],
    });
    expect((await verified([file], makeKey().verifier)).findings).toMatchObject([
      { line: 4 },
      { line: 7 },
      { line: 9 },
      { what: expect.stringContaining('no head') },
    ]);
  });

  it('goes on with its chain after a restart', async () => {
    const { verifier, signer } = makeKey();
    const { file, open } = makeAudit({ signer });
    for (const from of [1, 3]) {
      const audit = open();
      await audit.write(records(from, 2), false);
      await audit.close();
    }
    expect(linesIn(file).map((line) => JSON.parse(line).epoch)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect(await verified([file], verifier)).toMatchObject({ ...CLEAN, chains: [{ records: 8 }] });
  });

  it('keeps what a crash left of a line as evidence, and goes on behind the line before', async () => {
    const { file, open } = makeAudit();
    await open().write(records(1, 2), false);
    appendFileSync(file, '{"timestamp":"half a li');
    await open().write(records(3, 1), false);
    expect(kinds(file)).toEqual(['start', 'request', 'request', 'start', 'request']);
    expect(Buffer.from(JSON.parse(linesIn(file)[3] ?? '').mcbridge.torn.base64, 'base64').toString()).toBe(
      '{"timestamp":"half a li',
    );
    expect(await verified([file], undefined)).toMatchObject({
      findings: [],
      notes: [{ line: 4, what: expect.stringContaining('23 bytes') }],
    });
  });

  it('is refused where its last line is no record, and where it is another instance’s', async () => {
    const { file, open } = makeAudit();
    writeFileSync(file, 'somebody else’s\n');
    await expect(open().begin()).rejects.toThrow('no record of an audit; move the file away');
    writeFileSync(file, '');
    await open().write(records(1, 1), false);
    const other = makeAudit({ file, writer: { ...WRITER, instance: 'two' } });
    await expect(other.open().begin()).rejects.toThrow('of the instance one; this one is two');
    await expect(
      makeAudit({ file: dirname(file) })
        .open()
        .begin(),
    ).rejects.toThrow();
  });

  it('begins another file when it is full, with the hash of the record that closes the one before', async () => {
    const { verifier, signer } = makeKey();
    const { file, open } = makeAudit({ signer, rotate: 3_000 });
    const audit = open();
    for (let number = 1; number <= 20; number++) await audit.write(records(number, 1), false);
    await audit.close();
    const full = await rotatedFiles(AUDIT_DISK, file);
    expect(full.length).toBeGreaterThan(2);
    for (const one of full) {
      expect(statSync(one).size).toBeLessThanOrEqual(4_000);
      expect(kinds(one).at(-1)).toBe('close');
    }
    const all = [...full, file];
    expect(await verified(all.toReversed(), verifier)).toMatchObject({ ...CLEAN, chains: [{ files: all }] });
    // One in the middle is gone.
    const [first = '', , ...others] = all;
    expect((await verified([first, ...others], verifier)).findings).toMatchObject([
      { line: 1, what: expect.stringContaining('missing') },
    ]);
  });

  it('keeps so many full files, says which it has removed, and removes none whose end nobody signed', async () => {
    const { verifier, signer } = makeKey();
    const { file, open, troubles } = makeAudit({ signer, rotate: 3_000, keep: 2 });
    const audit = open();
    for (let number = 1; number <= 20; number++) await audit.write(records(number, 1), false);
    await audit.close();
    const full = await rotatedFiles(AUDIT_DISK, file);
    expect(full).toHaveLength(2);
    expect(await verified([...full, file], verifier)).toMatchObject(CLEAN);
    // The bridge says what it has removed; what somebody else removes is missing.
    expect((await verified([...full.slice(1), file], verifier)).findings).toMatchObject([
      { what: expect.stringContaining('are missing, and no record says that they were removed') },
    ]);
    expect((await verified([...full.slice(1), file], verifier, { partial: true })).findings).toEqual([]);

    const unsigned = full[0] ?? '';
    const signed = readFileSync(unsigned, 'utf8').trimEnd();
    truncateSync(unsigned, signed.lastIndexOf('\n') + 1);
    const later = open();
    for (let number = 21; number <= 40; number++) await later.write(records(number, 1), false);
    expect(await rotatedFiles(AUDIT_DISK, file)).toContain(unsigned);
    expect(troubles[0]).toContain('its end is not signed');
  });

  it('goes on where a crash came between two files', async () => {
    const { verifier, signer } = makeKey();
    const { file, open } = makeAudit({ signer });
    await open().write(records(1, 2), true);
    renameSync(file, `${file}.000000000005`);
    const audit = open();
    await audit.write(records(3, 1), true);
    expect(await verified([file, `${file}.000000000005`], verifier)).toMatchObject({
      ...CLEAN,
      chains: [{ records: 7 }],
    });
  });

  it('is closed and begun anew at its name when it has been moved away, and stays where it has not', async () => {
    const { verifier, signer } = makeKey();
    const { file, open } = makeAudit({ signer });
    const audit = open();
    await audit.write(records(1, 1), false);
    await audit.reopen();
    const moved = join(dirname(file), 'moved');
    renameSync(file, moved);
    await audit.write(records(2, 1), false);
    await audit.reopen();
    await audit.write(records(3, 1), false);
    await audit.close();
    expect(kinds(moved)).toEqual(['start', 'request', 'request', 'close']);
    expect(kinds(file)).toEqual(['start', 'request', 'head']);
    expect(await verified([file, moved], verifier)).toMatchObject(CLEAN);
  });

  it('is written on where it is full and cannot be moved, and says so once', async () => {
    const { file, open, troubles } = makeAudit({
      rotate: 1_000,
      disk: {
        ...crashing(),
        rename: async () => {
          throw new Error('no');
        },
      },
    });
    const audit = open();
    for (let number = 1; number <= 5; number++) await audit.write(records(number, 1), false);
    expect(kinds(file)).toHaveLength(6);
    expect(troubles).toHaveLength(1);
    expect(await verified([file], undefined)).toMatchObject(CLEAN);
  });

  it('notices another process that writes to it before it breaks the chain, and goes on behind that', async () => {
    const { verifier, signer } = makeKey();
    const { file, open } = makeAudit({ signer });
    const [one, other] = [open(), open()];
    await one.write(records(1, 1), false);
    await other.write(records(2, 1), false);
    await expect(one.write(records(3, 1), false)).rejects.toThrow(`another process writes to ${file}`);
    await one.write(records(3, 1), true);
    expect(kinds(file)).toEqual(['start', 'request', 'start', 'request', 'start', 'request', 'head']);
    expect(await verified([file], verifier)).toMatchObject({ ...CLEAN, chains: [{ records: 7 }] });
  });

  it('shows a gap where somebody cuts it off while it is written', async () => {
    const { verifier, signer } = makeKey();
    const { file, open } = makeAudit({ signer });
    const audit = open();
    await audit.write(records(1, 5), false);
    const [first = ''] = linesIn(file);
    truncateSync(file, first.length + 1);
    await audit.write(records(6, 1), true);
    expect((await verified([file], verifier)).findings).toMatchObject([
      { line: 2, what: expect.stringContaining('the records 2 to 6 are missing') },
    ]);
  });
});
