import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirectedInFlightLimit } from '../../../src/adapters/mcollective/egress/directed-in-flight-limit.ts';
import type { Whereabouts } from '../../../src/envelope/port.ts';

const EXPIRES = 100_000;
/** The broker looks for what has expired twice a minute. */
const DROPPED = EXPIRES + 30_000;

const named = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

const here = (): Whereabouts => 'here';
const unknown = (): Whereabouts => 'unknown';

describe('a limit of unanswered directed frames', () => {
  const admits = (
    limit: DirectedInFlightLimit,
    request: string,
    count: number,
    {
      now = 0,
      expires = EXPIRES,
      whereabouts = here,
    }: { now?: number; expires?: number; whereabouts?: (node: string) => Whereabouts } = {},
  ): boolean => limit.admits({ request, nodes: named(request, count), expires }, whereabouts, now);

  it('admits requests while fewer lie unanswered', () => {
    const limit = new DirectedInFlightLimit(20);
    expect(admits(limit, 'a', 15)).toBe(true);
    expect(admits(limit, 'b', 5)).toBe(false);
    expect(admits(limit, 'c', 4)).toBe(true);
    expect(admits(limit, 'd', 1)).toBe(false);
  });

  it('admits none where it is 0 or 1', () => {
    for (const most of [0, 1]) expect(admits(new DirectedInFlightLimit(most), 'a', 1)).toBe(false);
  });

  it('makes room for each node that answers, once', () => {
    const limit = new DirectedInFlightLimit(3);
    admits(limit, 'a', 2);
    for (let i = 0; i < 9; i++) limit.gone('a', 'a0');
    expect(admits(limit, 'b', 2)).toBe(false);
    expect(admits(limit, 'c', 1)).toBe(true);
  });

  it('knows nothing of answers to another request, nor by a node that was not asked', () => {
    const limit = new DirectedInFlightLimit(2);
    admits(limit, 'a', 1);
    limit.gone('z', 'a0');
    limit.gone('a', 'z0');
    expect(admits(limit, 'b', 1)).toBe(false);
  });

  it('forgets frames once the broker has dropped them', () => {
    const limit = new DirectedInFlightLimit(3);
    admits(limit, 'a', 2);
    expect(admits(limit, 'b', 2, { now: DROPPED - 1_000 })).toBe(false);
    expect(admits(limit, 'b', 2, { now: DROPPED + 1, expires: 2 * EXPIRES })).toBe(true);
    expect(admits(limit, 'c', 1, { now: DROPPED + 1 })).toBe(false);
  });

  it('leaves a quarter to nodes of which nobody knows whether they are there', () => {
    const limit = new DirectedInFlightLimit(20);
    expect(admits(limit, 'a', 5, { whereabouts: unknown })).toBe(false);
    expect(admits(limit, 'b', 4, { whereabouts: unknown })).toBe(true);
    expect(admits(limit, 'c', 1, { whereabouts: unknown })).toBe(false);
    expect(admits(limit, 'd', 15)).toBe(true);
    for (const node of named('d', 15)) limit.gone('d', node);
    limit.gone('b', 'b0');
    expect(admits(limit, 'e', 1, { whereabouts: unknown })).toBe(true);
  });

  it('admits no request that names a node which lives elsewhere', () => {
    const limit = new DirectedInFlightLimit(20);
    const mixed = (node: string): Whereabouts => (node === 'a1' ? 'elsewhere' : 'here');
    expect(admits(limit, 'a', 2, { whereabouts: mixed })).toBe(false);
    expect(admits(limit, 'b', 19)).toBe(true);
  });

  it('never lets more lie unanswered than it says, whatever comes in which order', () => {
    const step = fc.record({
      request: fc.constantFrom('a', 'b', 'c', 'd'),
      count: fc.integer({ min: 1, max: 8 }),
      gone: fc.boolean(),
      place: fc.constantFrom<Whereabouts>('here', 'unknown', 'elsewhere'),
      wait: fc.integer({ min: 0, max: 40_000 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.array(step, { maxLength: 60 }), (most, steps) => {
        const limit = new DirectedInFlightLimit(most);
        const lying = new Map<string, { readonly expires: number; readonly place: Whereabouts }>();
        let now = 0;
        for (const { request, count, gone, place, wait } of steps) {
          now += wait;
          for (const [key, { expires }] of lying) if (expires <= now) lying.delete(key);
          const nodes = named(request, count);
          if (gone)
            for (const node of nodes) {
              limit.gone(request, node);
              lying.delete(`${request} ${node}`);
            }
          else if (limit.admits({ request, nodes, expires: now + EXPIRES }, () => place, now))
            for (const node of nodes) lying.set(`${request} ${node}`, { expires: now + EXPIRES, place });
          const places = [...lying.values()].map((frame) => frame.place);
          expect(places.length).toBeLessThan(Math.max(1, most));
          expect(places).not.toContain('elsewhere');
          expect(places.filter((one) => one === 'unknown').length).toBeLessThan(Math.max(1, most / 4));
        }
      }),
    );
  });
});
