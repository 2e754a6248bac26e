import { describe, expect, it, vi } from 'vitest';
import { Outbox, OutboxFull, type OutboxOptions } from '../../src/audit/outbox.ts';

const LONG = 'x'.repeat(100_000);

/** A target that does as it is told. */
const makeOutbox = (given: Partial<OutboxOptions> = {}) => {
  const written: (readonly string[])[] = [];
  const told: string[] = [];
  const target = {
    write: async (records: readonly string[]): Promise<void> => void written.push(records),
    close: async (): Promise<void> => void told.push('closed'),
  };
  const outbox = new Outbox({
    target: { write: (records) => target.write(records), close: () => target.close() },
    stop: false,
    limit: 1_000_000,
    retry: 1,
    linger: 0,
    lost: (count) => `${count} lost`,
    onFailure: (error) => void told.push(String(error)),
    onWorks: () => void told.push('works'),
    ...given,
  });
  return { outbox, target, written, told };
};

const failing = async (): Promise<never> => {
  throw new Error('the disk is full');
};
const hanging = (): Promise<never> => new Promise(() => undefined);

describe('records on their way', () => {
  it('go out together where they come together, in order', async () => {
    const { outbox, written } = makeOutbox({ stop: true });
    outbox.add('a');
    await Promise.all([outbox.written('b'), outbox.written('c')]);
    expect(written).toEqual([['a', 'b', 'c']]);
    expect(outbox.counts).toEqual({ written: 3, lost: 0, refused: 0 });
  });

  it('are refused where somebody waits and the write fails, and the next one is tried anew', async () => {
    const { outbox, target, written, told } = makeOutbox({ stop: true });
    const { write } = target;
    target.write = failing;
    await expect(outbox.written('a')).rejects.toThrow('the disk is full');
    expect(outbox.isFailing).toBe(true);
    await expect(outbox.written('b')).rejects.toThrow('the disk is full');
    target.write = write;
    await outbox.written('c');
    expect(written).toEqual([['c']]);
    expect(outbox.counts).toEqual({ written: 1, lost: 0, refused: 2 });
    expect(told).toEqual(['Error: the disk is full', 'works']);
    expect(outbox.bytes).toBe(0);
  });

  it('are tried again where nobody waits, and none is lost while there is room', async () => {
    const { outbox, target, written, told } = makeOutbox();
    const { write } = target;
    target.write = failing;
    outbox.add('a');
    await vi.waitFor(() => expect(told).toHaveLength(1));
    outbox.add('b');
    target.write = write;
    await vi.waitFor(() => expect(written.flat()).toEqual(['a', 'b']));
    expect(outbox.counts).toEqual({ written: 2, lost: 0, refused: 0 });
  });

  it('take so many bytes where the target hangs; what comes on top is counted, and said once it works', async () => {
    const { outbox, target, written } = makeOutbox({ limit: 1_000_000 });
    const { write } = target;
    let go: (() => void) | undefined;
    target.write = (records) =>
      new Promise((resolve) => {
        go = () => void write(records).then(resolve);
      });
    for (let count = 0; count < 20; count++) outbox.add(LONG);
    expect(outbox.bytes).toBeLessThanOrEqual(1_000_000);
    expect(outbox.counts.lost).toBe(16);
    await vi.waitFor(() => expect(go).toBeDefined());
    target.write = write;
    go?.();
    await vi.waitFor(() => expect(outbox.counts.written).toBe(4));
    expect(written.flat().filter((record) => record !== LONG)).toEqual(['16 lost']);
  });

  it('wait for others where nobody waits for them, and not for ever', async () => {
    const { outbox, written } = makeOutbox({ linger: 5 });
    outbox.add('a');
    await Promise.resolve();
    outbox.add('b');
    await vi.waitFor(() => expect(written).toEqual([['a', 'b']]));
    outbox.add('c');
    await vi.waitFor(() => expect(written.at(-1)).toEqual(['c']));
  });

  it.each([
    ['a head', (outbox: Outbox) => outbox.head()],
    ['a new file', (outbox: Outbox) => outbox.reopen()],
    ['somebody who waits', (outbox: Outbox) => void outbox.written('b')],
    ['a megabyte', (outbox: Outbox) => void Array.from({ length: 6 }, () => outbox.add(LONG))],
  ])('are written at once for the sake of %s', async (_, hurry) => {
    const { outbox, written } = makeOutbox({ linger: 1_000_000, limit: 10_000_000 });
    outbox.add('a');
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(written).toEqual([]);
    hurry(outbox);
    await vi.waitFor(() => expect(written[0]?.[0]).toBe('a'));
  });

  it('are written when it is closed, however long they might have waited', async () => {
    const { outbox, written, told } = makeOutbox({ linger: 1_000_000 });
    outbox.add('a');
    await Promise.resolve();
    outbox.add('b');
    await outbox.close(60_000);
    expect(written).toEqual([['a', 'b']]);
    expect(told).toEqual(['closed']);
  });

  it('are refused at once where somebody waits and there is no room', async () => {
    const { outbox, target } = makeOutbox({ stop: true, limit: 1_000_000 });
    target.write = hanging;
    for (let count = 0; count < 4; count++) void outbox.written(LONG).catch(() => undefined);
    await expect(outbox.written(LONG)).rejects.toThrow(OutboxFull);
    expect(outbox.counts.refused).toBe(1);
  });

  it('have a head and a new file also where these are asked for while a write goes on', async () => {
    const calls: string[] = [];
    let go: (() => void) | undefined;
    const { outbox } = makeOutbox({
      target: {
        write: (records, wantsHead) => {
          calls.push(`${records.join()} ${wantsHead}`);
          return go === undefined ? new Promise((resolve) => (go = resolve)) : Promise.resolve();
        },
        reopen: async () => void calls.push('reopen'),
        close: async () => undefined,
      },
    });
    outbox.add('a');
    await vi.waitFor(() => expect(go).toBeDefined());
    outbox.head();
    outbox.reopen();
    go?.();
    await vi.waitFor(() => expect(calls).toEqual(['a false', 'reopen', ' true']));
  });

  it('are written before the target is closed', async () => {
    const { outbox, written, told } = makeOutbox();
    outbox.add('a');
    await outbox.close(60_000);
    expect(written).toEqual([['a']]);
    expect(told).toEqual(['closed']);
    outbox.add('b');
    expect(outbox.counts.lost).toBe(1);
    await expect(outbox.written('c')).rejects.toThrow('the audit is closed');
  });

  it('do not keep a bridge from ending where the target hangs', async () => {
    const { outbox, target } = makeOutbox({ stop: true });
    target.write = hanging;
    const refused = outbox.written('a').then(
      () => 'written',
      (error: unknown) => String(error),
    );
    await new Promise(setImmediate);
    outbox.add('b');
    await outbox.close(1);
    expect(outbox.counts.lost).toBe(1);
    expect(await refused).toContain('the audit is closed');
  });
});
