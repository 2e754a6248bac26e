import { describe, expect, it } from 'vitest';
import type { Synthetic } from './documents.ts';
import { names, only, T0, viewAt } from './views.ts';

describe('a restarted instance', () => {
  const view = viewAt(
    10,
    [0, { started: 1000, federation: [500, 500] }],
    [10, { started: 2000, federation: [3, 3] }],
  );

  it('replaces its predecessor and has no rate yet', () => {
    expect(names(view)).toEqual(['1']);
    expect(view.federation).toMatchObject({ received: 3, instances: [{ rates: null }] });
    expect(only(view.instances)).toMatchObject({ restarted: true, started: 2_000_000 });
  });

  it('is as any other from its second document on', () => {
    const later = viewAt(
      20,
      [0, { started: 1000, federation: [500, 500] }],
      [10, { started: 2000, federation: [3, 3] }],
      [20, { started: 2000, federation: [13, 3] }],
    );
    expect(only(later.instances).restarted).toBe(false);
    expect(later.federation.rates).toEqual({ received: 1, sent: 0 });
  });

  it('is noticed by counters that went down, where the start time says nothing', () => {
    const view = viewAt(10, [0, { federation: [500, 500] }], [10, { federation: [3, 600] }]);
    expect(only(view.instances).restarted).toBe(true);
    expect(view.federation.rates).toBeNull();
  });
});

describe('two processes with the same instance name', () => {
  const twins: readonly (readonly [number, Synthetic])[] = [
    [0, { started: 1000, federation: [10, 0] }],
    [1, { started: 1005, federation: [30, 0] }],
    [10, { started: 1000, federation: [20, 0] }],
    [11, { started: 1005, federation: [50, 0] }],
  ];

  it('are both listed and counted, with a note', () => {
    const view = viewAt(11, ...twins);
    expect(names(view)).toEqual(['1#1', '1#2']);
    expect(view.federation).toMatchObject({ received: 70, rates: { received: 3, sent: 0 } });
    expect(view.notes).toEqual([expect.stringContaining('2 processes call themselves instance 1')]);
  });

  it('are one again when one of them falls silent', () => {
    const alive = [21, 31, 41].map((at) => [at, { started: 1005, federation: [60, 0] }] as const);
    const view = viewAt(41, ...twins, ...alive);
    expect(names(view)).toEqual(['1']);
    expect(view.federation.received).toBe(60);
    expect(view.notes).toEqual([]);
  });

  it('are told apart by the identity when they started in the same second', () => {
    const of = (identity: string): Synthetic => ({ bridge: { identity } });
    expect(names(viewAt(2, [0, of('a')], [1, of('b')], [2, of('a')]))).toEqual(['1#1', '1#2']);
  });

  it('are suspected when nothing tells them apart but counters that go up and down', () => {
    const mixed = [0, 5, 10, 15, 20, 25].map((at): readonly [number, Synthetic] => [
      at,
      { federation: [at % 10 === 0 ? 500 : 3, 0] },
    ]);
    expect(viewAt(25, ...mixed).notes).toEqual([expect.stringContaining('go up and down')]);
    expect(viewAt(15, ...mixed.slice(0, 4)).notes).toEqual([]);
  });
});

describe('clocks that differ', () => {
  it.each([
    ['ahead of', 65, "instance 1's clock is 65 s ahead of this machine's"],
    ['behind', -3600, "instance 1's clock is 60 min behind this machine's"],
  ])('are noted where a document says its time: %s', (_, by, note) => {
    const bridge = { identity: 'b', time: T0 / 1000 + by };
    expect(viewAt(0, [0, { bridge }]).notes).toEqual([note]);
  });

  it('are noted where a document of the Ruby broker speaks of the future', () => {
    expect(viewAt(0, [0, { lastMessage: T0 / 1000 + 30 }]).notes).toEqual([
      "instance 1's clock is 30 s ahead of this machine's",
    ]);
  });

  it('are not worth a note within the few seconds that documents can tell', () => {
    expect(viewAt(0, [0, { bridge: { identity: 'b', time: T0 / 1000 - 5 } }]).notes).toEqual([]);
  });
});

describe('an observer whose clock is set back', () => {
  const hour = 3600;

  it('still knows the newer of two processes, and is right again with the next document', () => {
    const restarted = { started: 2000, federation: [5, 5] } as const;
    expect(viewAt(10 - hour, [0, { federation: [9, 9] }], [10 - hour, restarted]).federation.received).toBe(
      5,
    );
    const later = viewAt(
      20 - hour,
      [0, {}],
      [10 - hour, { federation: [1, 0] }],
      [20 - hour, { federation: [6, 0] }],
    );
    expect(only(later.instances)).toMatchObject({ silent: 0, stale: false });
    expect(later.federation.rates).toEqual({ received: 0.5, sent: 0 });
  });
});
