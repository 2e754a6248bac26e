import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CassetteEntry, CassetteHeader } from '../../../src/capture/file/format.ts';
import { openCassette } from '../../../src/capture/file/read.ts';
import { Recorder } from '../../../src/capture/record/recorder.ts';
import { RotatingRecording } from '../../../src/capture/record/rotating-recording.ts';
import { Tally } from '../../../src/capture/record/tally.ts';
import { Progress, summaryOf, warnOfNothing } from '../../../src/cli/record/progress.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-tape-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const header = (clock: number): CassetteHeader => ({
  cassette: 1,
  created: new Date(clock).toISOString(),
  by: 'test',
  config: { routes: [] },
  clock,
  seed: '00',
  keys: {},
  nodes: {},
});

const open = (more: Partial<Parameters<typeof RotatingRecording.open>[0]> = {}): Promise<RotatingRecording> =>
  RotatingRecording.open({
    file: join(folder, 'tape'),
    header,
    headerLast: false,
    force: false,
    onError: (error) => {
      throw error;
    },
    ...more,
  });

const message = (at: number, size: number): CassetteEntry => ({
  at,
  link: 'federation',
  side: 'ingress',
  dir: 'in',
  destination: 'somewhere',
  text: 'x'.repeat(size),
});

const times = async (file: string): Promise<readonly number[]> => {
  const { entries } = await openCassette(file);
  const found: number[] = [];
  for await (const { entry } of entries) found.push(entry.at);
  return found;
};

describe('a recording', () => {
  test.each([false, true])(
    'goes on in other files and loses nothing between them, header last: %s',
    async (headerLast) => {
      const recording = await open({ rotate: 4_096, headerLast });
      for (let at = 0; at < 50; at++) expect(recording.write(message(at, 500))).toBe(true);
      await recording.close();
      expect(recording.files.length).toBeGreaterThan(5);
      const all: number[] = [];
      for (const file of recording.files) all.push(...(await times(file)));
      expect(all).toEqual(Array.from({ length: 50 }, (_, at) => at));
      expect(readdirSync(folder)).toHaveLength(recording.files.length);
    },
  );

  test('says what its header knows only at the end', async () => {
    let note = 'not yet';
    const recording = await open({ headerLast: true, header: (clock) => ({ ...header(clock), note }) });
    recording.write(message(7, 1));
    note = 'all of it';
    await recording.close();
    const { header: read } = await openCassette(join(folder, 'tape'));
    expect(read).toMatchObject({ note: 'all of it', clock: 7 });
  });

  test('takes no more than memory should hold while the disk is behind, and counts what it did not take', async () => {
    const recording = await open();
    const recorder = new Recorder({ write: (entry) => recording.write(entry), clock: () => 1 });
    const body = Buffer.alloc(1024 * 1024, 'x');
    const passing = { link: 'l', side: 'ingress', dir: 'in', destination: 'd', body } as const;
    for (let i = 0; i < 64; i++) recorder.message(passing);
    expect(recorder.tally.dropped).toBeGreaterThan(16);
    await recording.close();
    expect(await times(join(folder, 'tape'))).toHaveLength(recorder.tally.messages);
    expect(summaryOf(recorder.tally, recording.files).join('\n')).toContain('faster than the disk');
  });

  test('keeps its lines in order while the clock is set back', async () => {
    const clock = [5, 9, 3, 12, 1, 2];
    const recording = await open();
    const recorder = new Recorder({
      write: (entry) => recording.write(entry),
      clock: () => clock.shift() ?? 0,
    });
    const passing = {
      link: 'l',
      side: 'ingress',
      dir: 'in',
      destination: 'd',
      body: Buffer.from('b'),
    } as const;
    for (let i = 0; i < 4; i++) recorder.message(passing);
    recorder.rejected({ code: 'expired' });
    recorder.message(passing);
    await recording.close();
    expect(await times(join(folder, 'tape'))).toEqual([5, 9, 9, 12, 12, 12]);
  });
});

describe('progress', () => {
  test('is one line that is written over on a terminal, and takes nothing of the notes', () => {
    const recorder = new Recorder({ write: () => true, clock: () => 1 });
    let written = '';
    const screen = {
      isTTY: true,
      write: (text: string) => {
        written += text;
      },
    };
    const progress = new Progress(recorder.tally, screen);
    expect(written).toBe('\r\u001b[Krecording: 0 messages (0 in, 0 out), 0 B');
    recorder.message({ link: 'l', side: 'egress', dir: 'out', destination: 'd', body: Buffer.alloc(2_500) });
    written = '';
    progress.note('a note');
    progress.end();
    expect(written).toBe(
      '\r\u001b[Kmcbridge: a note\n\r\u001b[Krecording: 1 message (0 in, 1 out), 2.5 kB\r\u001b[K',
    );
  });
});

test('a recording without a message is warned of, and ends with 1', () => {
  const before = process.exitCode;
  const written: string[] = [];
  const screen = { write: (text: string) => written.push(text) };
  const tally = new Tally();
  try {
    warnOfNothing(tally, screen);
    expect(process.exitCode).toBe(1);
    expect(written).toEqual([
      'mcbridge: there was no message, so no file was written: nothing could be replayed\n',
    ]);
    process.exitCode = before;
    tally.add({ link: 'federation', side: 'ingress', dir: 'in' }, 1);
    warnOfNothing(tally, screen);
    expect(process.exitCode).toBe(before);
    expect(written).toHaveLength(1);
  } finally {
    process.exitCode = before;
  }
});

test.each(['a folder', 'a device'])(
  '%s is never replaced by a recording, not even by force',
  async (what) => {
    const file = what === 'a folder' ? folder : '/dev/null';
    for (const force of [false, true])
      await expect(open({ file, force })).rejects.toThrow(
        `${file} is there, and is a folder or a device: give the name of a file`,
      );
  },
);
