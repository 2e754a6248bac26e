import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrange,
  type Batch,
  globSelectors,
  MAX_SELECTOR_CHARS,
  namesSelector,
} from '../../../src/adapters/mcollective/ingress/selectors.ts';

const names = (from: number, to: number): ReadonlySet<string> =>
  new Set(
    Array.from({ length: to - from }, (_, at) => `node${String(from + at).padStart(5, '0')}.example.net`),
  );
const inAll = (batches: readonly Batch[]): readonly string[] => batches.flatMap((batch) => [...batch]);
/** How many of the later subscriptions are new. */
const fresh = (before: readonly Batch[], after: readonly Batch[]): number =>
  after.filter((batch) => !before.includes(batch)).length;

describe('a selector', () => {
  it('names nodes, and leaves alone what a bridge has sent', () => {
    expect(namesSelector(['a', "b'c"])).toBe("(mc_identity IN ('a','b''c')) AND mcbridge IS NULL");
  });

  it('has globs in the words of SQL', () => {
    expect(globSelectors(['web_*.example.???', '100%!'])).toEqual([
      "(mc_identity LIKE 'web!_%.example.___' ESCAPE '!' OR mc_identity LIKE '100!%!!' ESCAPE '!') AND mcbridge IS NULL",
    ]);
  });

  it('is none where there are no globs', () => {
    expect(globSelectors([])).toEqual([]);
  });

  it('fits a header line of ActiveMQ, however many nodes and globs there are', () => {
    const all = arrange([], names(0, 5_000)).map(namesSelector);
    const globs = globSelectors([...names(0, 5_000)].map((name) => `*_${name}`));
    for (const selector of [...all, ...globs]) expect(`selector:${selector}`.length).toBeLessThan(10_240);
  });
});

describe('the arrangement of subscriptions', () => {
  it('is as small as the header line allows', () => {
    expect(arrange([], names(0, 1_000))).toHaveLength(Math.ceil((1_000 * 24) / MAX_SELECTOR_CHARS));
  });

  it('is none for nobody', () => {
    expect(arrange([], new Set())).toEqual([]);
    expect(arrange([names(0, 3)], new Set())).toEqual([]);
  });

  it('stays as it is while the same nodes live there', () => {
    const before = arrange([], names(0, 1_000));
    expect(arrange(before, new Set([...names(0, 1_000)].toReversed()))).toBe(before);
  });

  it('changes little when nodes come or go', () => {
    const before = arrange([], names(0, 5_000));
    expect(fresh(before, arrange(before, names(0, 5_001)))).toBeLessThanOrEqual(1);
    expect(fresh(before, arrange(before, names(1, 5_000)))).toBeLessThanOrEqual(2);
  });

  it('selects everybody once and nobody else, and does not fall to pieces, whoever comes and goes', () => {
    const population = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(population, { minLength: 1, maxLength: 12 }), (steps) => {
        let batches: readonly Batch[] = [];
        for (const step of steps) {
          const wanted = new Set(step.map((at) => `n${at + 100}`));
          batches = arrange(batches, wanted, 50);
          expect(inAll(batches).toSorted()).toEqual([...wanted].toSorted());
          for (const batch of batches) expect([...batch].length * 7).toBeLessThanOrEqual(50);
          // All but the last are more than half full.
          expect(batches.length).toBeLessThanOrEqual(Math.ceil((wanted.size * 7) / 25) + 1);
        }
      }),
    );
  });
});
