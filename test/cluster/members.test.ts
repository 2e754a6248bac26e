import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Members } from '../../src/cluster/members.ts';
import { type Moment, timingOf } from '../../src/cluster/timing.ts';
import { type Asked, INTERVAL, type Incident, type Scenario, simulate } from './simulation.ts';

const { fence, join, drop } = timingOf(INTERVAL);

const calm: Scenario = {
  incidents: [],
  seed: 1,
  delay: 20,
  lateness: 50,
  skew: 0,
  length: 20_000,
  every: 50,
};
const starts = (...who: readonly number[]): readonly Incident[] =>
  who.map((one) => ({ kind: 'start', at: 0, who: one }));

const counts = (asked: readonly Asked[], from: number, to: number): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  for (const { sentAt, takenBy } of asked)
    if (sentAt >= from && sentAt < to)
      for (const process of takenBy.length === 0 ? ['nobody'] : takenBy)
        found.set(process, (found.get(process) ?? 0) + 1);
  return found;
};
const twice = (asked: readonly Asked[]): readonly Asked[] =>
  asked.filter(({ takenBy }) => takenBy.length > 1);
const lost = (asked: readonly Asked[]): readonly number[] =>
  asked.filter(({ takenBy }) => takenBy.length === 0).map(({ sentAt }) => sentAt);

describe('instances of a cluster', () => {
  it('share all requests from two and a half intervals after the first start', () => {
    const asked = simulate({ ...calm, incidents: starts(0, 1, 2) });
    expect(twice(asked)).toEqual([]);
    // Times of requests are whole seconds.
    expect(Math.max(...lost(asked))).toBeLessThan(join + 1_000);
    const shares = counts(asked, join + 1_000, calm.length);
    expect([...shares.keys()].toSorted()).toEqual(['0/1', '1/2', '2/3']);
  });

  it('lose nothing when one joins, and only what falls to it changes hands', () => {
    const joined = simulate({ ...calm, incidents: [...starts(0, 1), { kind: 'start', at: 8_000, who: 2 }] });
    const without = simulate({ ...calm, incidents: starts(0, 1) });
    expect(twice(joined)).toEqual([]);
    expect(Math.max(...lost(joined))).toBeLessThan(join + 1_000);
    expect(counts(joined, 12_000, calm.length).get('2/3')).toBeGreaterThan(20);
    for (const [index, { takenBy }] of joined.entries())
      if (takenBy[0] !== '2/3') expect(takenBy).toEqual(without[index]?.takenBy);
  });

  it('lose nothing when one leaves', () => {
    const asked = simulate({
      ...calm,
      incidents: [...starts(0, 1, 2), { kind: 'leave', at: 8_130, who: 1 }],
    });
    expect(twice(asked)).toEqual([]);
    expect(Math.max(...lost(asked))).toBeLessThan(join + 1_000);
    expect(counts(asked, 10_000, calm.length).has('1/2')).toBe(false);
  });

  it('lose the share of one that crashes until they know, and no more', () => {
    const asked = simulate({
      ...calm,
      incidents: [...starts(0, 1, 2), { kind: 'crash', at: 8_130, who: 1 }],
    });
    expect(twice(asked)).toEqual([]);
    const missing = lost(asked).filter((at) => at > join + 1_000);
    expect(missing.length).toBeGreaterThan(10);
    expect(missing.length).toBeLessThan((drop / calm.every) * 0.6);
    expect(Math.min(...missing)).toBeGreaterThanOrEqual(8_000);
    expect(Math.max(...missing)).toBeLessThan(8_130 + drop + 1_300);
  });

  it('hand over the share of one that is frozen, which takes no old request when it wakes up', () => {
    const freeze: Incident = { kind: 'freeze', at: 8_130, who: 1, length: 7_000 };
    const asked = simulate({ ...calm, incidents: [...starts(0, 1, 2), freeze], length: 30_000 });
    expect(twice(asked)).toEqual([]);
    expect(counts(asked, 8_130 + drop + 1_300, 15_130).has('1/2')).toBe(false);
    expect(counts(asked, 15_130 + join + 1_300, 30_000).get('1/2')).toBeGreaterThan(50);
  });

  it('go on as if nothing had been after a shorter pause than two intervals', () => {
    const freeze: Incident = { kind: 'freeze', at: 8_130, who: 1, length: fence - INTERVAL - 200 };
    const asked = simulate({ ...calm, incidents: [...starts(0, 1, 2), freeze] });
    expect(lost(asked).filter((at) => at > join + 1_000)).toEqual([]);
    expect(twice(asked)).toEqual([]);
  });

  it('hand over the share of one that the topic does not reach, until it does again', () => {
    const deaf: Incident = { kind: 'deaf', at: 8_130, who: 1, length: 12_000 };
    const asked = simulate({ ...calm, incidents: [...starts(0, 1, 2), deaf], length: 40_000 });
    expect(twice(asked)).toEqual([]);
    const missing = lost(asked).filter((at) => at > join + 1_000);
    // Half an interval until it is sure, as much until it leaves, and the next whole second.
    expect(Math.max(...missing)).toBeLessThan(8_130 + INTERVAL + 1_100);
    expect(counts(asked, 10_000, 20_130).has('1/2')).toBe(false);
    expect(counts(asked, 20_130 + join + 1_300, 40_000).get('1/2')).toBeGreaterThan(50);
  });

  it.each([100, 300, 1_000, 6_000])(
    'keep their shares while the topic reaches nobody, for %i ms',
    (length) => {
      // They miss it one after the other, as each looks in its own time.
      const deaf = [0, 1, 2].map((who): Incident => ({ kind: 'deaf', at: 8_130 + 40 * who, who, length }));
      const asked = simulate({ ...calm, incidents: [...starts(0, 1, 2), ...deaf], length: 30_000 });
      expect(twice(asked)).toEqual([]);
      const heard = 8_130 + 80 + length;
      expect(lost(asked).filter((at) => at > join + 1_000 && (at < 8_130 || at >= heard))).toEqual([]);
    },
  );

  it('take nothing while they are cut off, nor does the only one', () => {
    const cut: Incident = { kind: 'cut', at: 8_130, who: 0, length: 6_000 };
    const asked = simulate({ ...calm, incidents: [...starts(0), cut], length: 30_000 });
    expect([...counts(asked, 8_130 + fence + 100, 14_000).keys()]).toEqual(['nobody']);
    expect(counts(asked, 14_130 + join + 1_300, 30_000).has('nobody')).toBe(false);
  });
});

it("do not take the silence of their own connection for another's", () => {
  const asked = simulate({
    ...calm,
    incidents: [
      ...starts(0, 1, 2),
      { kind: 'start', at: 5_801, who: 3 },
      { kind: 'cut', at: 25_081, who: 0, length: 1_131 },
      { kind: 'freeze', at: 26_651, who: 3, length: 1_341 },
    ],
    seed: 1_693_018_269,
    delay: 60,
    lateness: 30,
    length: 40_000,
    every: 40,
  });
  expect(twice(asked)).toEqual([]);
});

it('take what is sent from the moment on at which they say that they take part', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999 }),
      fc.integer({ min: 100, max: 2_000 }),
      (offset, interval) => {
        const epoch = 1_795_000_000_000 + offset;
        const at = (ms: number): Moment => ({ steady: ms, epoch: epoch + ms });
        const members = new Members({ instance: '1', process: 'a', interval, keep: 60_000 }, at(0));
        let ms = 0;
        for (; !members.takesPart(at(ms)); ms += 1)
          if (members.due(at(ms)) <= ms) members.hear('1', members.state(at(ms)), at(ms));
        const second = Math.floor(at(ms).epoch / 1000);
        expect(members.isMine('a request', second, at(ms))).toBe(true);
        expect(members.isMine('a request', second - 1, at(ms))).toBe(false);
        expect(ms).toBeLessThan(timingOf(interval).join + interval / 4 + 1_001);
      },
    ),
    { numRuns: 50 },
  );
});

const who = fc.integer({ min: 0, max: 3 });
const at = fc.integer({ min: 0, max: 30_000 });
const length = fc.integer({ min: 100, max: 9_000 });
const incident: fc.Arbitrary<Incident> = fc.oneof(
  fc.record({ kind: fc.constantFrom('start', 'crash', 'leave'), at, who }),
  fc.record({ kind: fc.constantFrom('freeze', 'cut', 'deaf'), at, who, length }),
);
const scenario = (lateness: number): fc.Arbitrary<Scenario> =>
  fc.record({
    incidents: fc
      .array(incident, { maxLength: 14, size: 'max' })
      .map((more): readonly Incident[] => [...starts(0, 1, 2), ...more]),
    seed: fc.integer(),
    delay: fc.constantFrom(0, 10, 60),
    lateness: fc.constant(lateness),
    skew: fc.constantFrom(0, 50, 100),
    length: fc.constant(40_000),
    every: fc.constant(40),
  });

/** Whether something that may lose requests happened around a moment; starts and clean stops are no such thing. */
const isDisturbed = (sentAt: number, incidents: readonly Incident[]): boolean =>
  incidents.some((it) => {
    if (it.kind === 'start' || it.kind === 'leave') return false;
    const end = ('length' in it ? it.at + it.length : it.at) + drop;
    return sentAt > it.at - 1_500 && sentAt < end + 2_000;
  });

describe('whatever happens', () => {
  it('no request is taken twice, however late instances read it', () => {
    fc.assert(
      fc.property(scenario(6_000), (it) => {
        expect(twice(simulate(it))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('each is taken once but around crashes, freezes, cuts and deafness', () => {
    fc.assert(
      fc.property(scenario(30), (it) => {
        // One that is there all the time, so that there is somebody to take what others leave.
        const incidents = it.incidents.filter(
          ({ kind, who }) => who !== 0 || kind === 'freeze' || kind === 'cut' || kind === 'deaf',
        );
        const asked = simulate({ ...it, incidents: [...starts(0), ...incidents] });
        expect(twice(asked)).toEqual([]);
        const missing = lost(asked).filter((sentAt) => sentAt > 4_000 && !isDisturbed(sentAt, incidents));
        expect(missing).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
