import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/cli/log.ts';
import { createLogSink } from '../../src/cli/log-sink.ts';

/** A disk that can be full. */
const disk = () => {
  const it = {
    full: false,
    written: '',
    write: (text: string, done?: (error?: Error | null) => void): boolean => {
      if (!it.full) it.written += text;
      done?.(it.full ? new Error('ENOSPC: no space left on device') : null);
      return true;
    },
  };
  return it;
};

describe('a log whose disk is full for a while', () => {
  test('goes on, and says how many lines are missing', () => {
    const stream = disk();
    const losses: string[] = [];
    const write = createLogSink({
      stream,
      line: (sentence) => `[${sentence}]\n`,
      onLoss: ({ message }) => losses.push(message),
    });
    write('1\n');
    stream.full = true;
    for (const text of ['2\n', '3\n']) write(text);
    stream.full = false;
    for (const text of ['4\n', '5\n']) write(text);
    expect(stream.written).toBe('1\n[2 lines of this log could not be written]\n4\n5\n');
    stream.full = true;
    write('6\n');
    stream.full = false;
    write('7\n');
    expect(stream.written).toContain('\n[1 line of this log could not be written]\n7\n');
    expect(losses).toEqual(['ENOSPC: no space left on device', 'ENOSPC: no space left on device']);
  });

  test('says so in a line like the others', () => {
    const stream = Object.assign(disk(), { isTTY: false });
    const names = { identity: 'm', cluster: 'c', instance: '1' };
    const log = createLogger({ level: 'info', format: 'json', stream, ...names });
    stream.full = true;
    log.info({}, 'lost');
    stream.full = false;
    log.info({}, 'kept');
    const [note, kept] = stream.written
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(note).toMatchObject({
      level: 'warn',
      event: 'log_lost',
      msg: '1 line of this log could not be written',
      identity: 'm',
    });
    expect(kept).toMatchObject({ msg: 'kept' });
  });
});
