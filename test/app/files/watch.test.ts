import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FilesInForce } from '../../../src/app/files/in-force.ts';
import { FileWatch, type FileWatchOptions } from '../../../src/app/files/watch.ts';
import { memoryFiles } from '../../../src/config/key-files.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { type LogLine, recordingLog } from '../../adapters/world.ts';
import { changingFiles } from './changing-files.ts';

const PLACE = { file: 'bridge.yaml', at: () => ({ line: 1, column: 1 }) };
const CERT = ['egresses', 'legacy', 'tls', 'cert'];
const OTHER = ['ingresses', 'federation', 'tls', 'cert'];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const world = (changes: Partial<FileWatchOptions> = {}) => {
  const disk = changingFiles(memoryFiles(new Map()));
  disk.write('/cert', 'old');
  disk.write('/other', 'old');
  const files = new FilesInForce(disk);
  const inForce: string[] = [];
  const apply = async (held: ReadonlySet<string> = new Set()): Promise<void> => {
    const reading = files.begin(PLACE, held);
    const now = [reading.read('/cert', CERT), reading.read('/other', OTHER)].join(' ');
    reading.commit();
    inForce.push(now);
  };
  const log: LogLine[] = [];
  const watch = new FileWatch({
    files,
    fault: (owner) => {
      const content = disk.read(owner === 'egresses.legacy' ? '/cert' : '/other').toString();
      return content.startsWith('bad') ? `${content} is bad` : undefined;
    },
    stale: () => [],
    endOf: () => Number.POSITIVE_INFINITY,
    apply,
    log: recordingLog(log),
    clock: () => 1_000,
    random: () => 0.5,
    every: 5_000,
    within: 30_000,
    ...changes,
  });
  void apply();
  const events = (): readonly unknown[] => log.map(({ fields }) => fields['event']);
  /** As the watch does it, and then all that it had put off. */
  const looks = async (times = 2): Promise<void> => {
    for (let i = 0; i < times; i++) watch.look();
    await vi.advanceTimersByTimeAsync(30_000);
  };
  return { disk, watch, inForce, log, events, looks };
};

describe('a changed file', () => {
  test('is taken over once it has looked the same twice: it may be half written', async () => {
    const { disk, inForce, looks, events } = world();
    disk.write('/cert', 'ne');
    await looks(1);
    disk.write('/cert', 'new');
    await looks(1);
    expect(inForce).toEqual(['old old']);
    await looks(1);
    expect(inForce).toEqual(['old old', 'new old']);
    expect(events()).toEqual(['files_renewed']);
    await looks();
    expect(inForce).toHaveLength(2);
  });

  test('that was only written anew changes nothing', async () => {
    const { disk, inForce, looks } = world();
    disk.touch('/cert');
    await looks(3);
    expect(inForce).toEqual(['old old']);
  });

  test('that cannot be used is refused and told of once, and taken over when it can', async () => {
    const { disk, watch, inForce, looks, events } = world();
    disk.write('/cert', 'bad');
    await looks(5);
    expect(watch.refused()).toEqual([{ link: 'legacy', reason: 'bad is bad', since: 1_000 }]);
    disk.write('/cert', 'bad');
    await looks(5);
    expect(events()).toEqual(['files_refused']);
    disk.write('/cert', 'good');
    await looks();
    expect(inForce).toEqual(['old old', 'good old']);
    expect(watch.refused()).toEqual([]);
  });

  test('of one link is taken over while that of another is kept, and comes with no other change', async () => {
    const { disk, watch, inForce, looks } = world();
    disk.write('/cert', 'bad');
    disk.write('/other', 'new');
    await looks();
    expect(inForce).toEqual(['old old', 'old new']);
    expect(watch.refused()).toMatchObject([{ link: 'legacy' }]);
  });

  test('that has gone is refused, and one that comes back as it was is no news', async () => {
    const { disk, watch, looks, inForce } = world({ fault: () => 'it is not there' });
    disk.remove('/cert');
    await looks();
    expect(watch.refused()).toMatchObject([{ reason: 'it is not there' }]);
    disk.write('/cert', 'old');
    await looks();
    expect(watch.refused()).toEqual([]);
    expect(inForce).toEqual(['old old']);
  });

  test('that shows only when it is applied that it cannot be used is refused by its key', async () => {
    const problem = { file: 'bridge.yaml', line: 1, column: 1 };
    const { disk, watch, looks, events } = world({
      apply: () =>
        Promise.reject(
          new ConfigError([{ ...problem, path: 'egresses.legacy.tls.cert', message: 'no key' }]),
        ),
    });
    disk.write('/cert', 'new');
    await looks(4);
    expect(watch.refused()).toMatchObject([{ link: 'legacy', reason: 'no key' }]);
    expect(events()).toEqual(['files_refused']);
  });
});

describe('the instances of a cluster', () => {
  test('renew at a time of their own within the limit', async () => {
    const { disk, watch, inForce } = world();
    disk.write('/cert', 'new');
    watch.look();
    watch.look();
    await vi.advanceTimersByTimeAsync(14_999);
    expect(inForce).toEqual(['old old']);
    await vi.advanceTimersByTimeAsync(1);
    expect(inForce).toEqual(['old old', 'new old']);
  });

  test('renew before the old certificate has ended', async () => {
    const { disk, watch, inForce } = world({ endOf: () => 1_000 + 2_000, random: () => 1 });
    disk.write('/cert', 'new');
    watch.look();
    watch.look();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(inForce).toEqual(['old old', 'new old']);
  });
});
