import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type CassetteLine, isMessage, isRejected } from '../../../src/capture/file/format.ts';
import { type Passing, Recorder } from '../../../src/capture/record/recorder.ts';

const passing = (dir: Passing['dir'], text: string): Passing => ({
  link: 'l',
  side: dir === 'in' ? 'ingress' : 'egress',
  dir,
  destination: text,
  body: Buffer.from(text),
});

const recording = (more: { readonly count?: number; readonly clock?: () => number } = {}) => {
  const entries: CassetteLine[] = [];
  const recorder = new Recorder({
    write: (entry) => {
      entries.push(entry);
      return true;
    },
    clock: Date.now,
    ...more,
  });
  const written = (): readonly string[] =>
    entries.map((entry) => {
      if (isRejected(entry)) return entry.rejected.code;
      return isMessage(entry) ? entry.destination : JSON.stringify(entry.nodes);
    });
  return { recorder, written };
};

const isDone = async (work: Promise<void>): Promise<boolean> =>
  (await Promise.race([work.then(() => 'done'), sleep(0, 'not yet')])) === 'done';

describe('a recording that ends', () => {
  test('after some messages has what the bridge makes of the last, and no other', async () => {
    const { recorder, written } = recording({ count: 2 });
    recorder.message(passing('in', 'first'));
    expect(await isDone(recorder.full)).toBe(false);
    recorder.message(passing('in', 'second'));
    expect(await isDone(recorder.full)).toBe(true);
    recorder.message(passing('out', 'of the second'));
    recorder.rejected({ code: 'expired' });
    recorder.message(passing('in', 'third'));
    recorder.message(passing('out', 'of the third'));
    recorder.rejected({ code: 'loop' });
    expect(written()).toEqual(['first', 'second', 'of the second', 'expired']);
    await recorder.finish();
  });

  test('by a signal or its time waits for that, until another message comes in', async () => {
    const { recorder, written } = recording();
    recorder.message(passing('in', 'first'));
    const finished = recorder.finish();
    expect(await isDone(finished)).toBe(false);
    recorder.message(passing('out', 'of the first'));
    recorder.entry({ at: 0, rejected: { code: 'expired' } });
    recorder.message(passing('in', 'second'));
    expect(await isDone(finished)).toBe(true);
    expect(written()).toEqual(['first', 'of the first', 'expired']);
  });

  test('waits for a second after the last message at most', async () => {
    let now = 1_000_000;
    const { recorder, written } = recording({ clock: () => now });
    recorder.message(passing('in', 'first'));
    now += 900;
    const began = performance.now();
    await recorder.finish();
    expect(performance.now() - began).toBeLessThan(900);
    recorder.message(passing('out', 'too late'));
    expect(written()).toEqual(['first']);
    const quiet = recording();
    expect(await isDone(quiet.recorder.finish())).toBe(true);
  });

  test('ends at once where it is stopped', async () => {
    const { recorder } = recording();
    recorder.message(passing('in', 'first'));
    const finished = recorder.finish();
    recorder.stop();
    expect(await isDone(finished)).toBe(true);
  });
});

describe('nodes that come and go', () => {
  const at = { egress: 'legacy', collective: 'mcollective' };

  test('are written before the next line, once, and only what no reply shows', () => {
    const { recorder, written } = recording();
    recorder.moved({ ...at, node: 'n1', came: 'discovery' });
    recorder.moved({ ...at, node: 'n2', came: 'reply' });
    recorder.moved({ ...at, node: 'n3', came: 'discovery' });
    recorder.moved({ ...at, node: 'n3', came: undefined });
    recorder.moved({ ...at, collective: 'uk', node: 'n1', came: undefined });
    expect(written()).toEqual([]);
    recorder.message(passing('in', 'first'));
    recorder.rejected({ code: 'expired' });
    expect(written()).toEqual([
      JSON.stringify({ ...at, came: ['n1'], gone: ['n3'] }),
      JSON.stringify({ ...at, collective: 'uk', gone: ['n1'] }),
      'first',
      'expired',
    ]);
  });

  test('of another recorder are taken over, and none once it is stopped', () => {
    const { recorder, written } = recording();
    const nodes = { ...at, came: ['n1'] };
    recorder.entry({ at: 0, nodes });
    recorder.stop();
    recorder.entry({ at: 0, nodes });
    recorder.moved({ ...at, node: 'n1', came: 'discovery' });
    recorder.message(passing('in', 'first'));
    expect(written()).toEqual([JSON.stringify(nodes)]);
  });
});
