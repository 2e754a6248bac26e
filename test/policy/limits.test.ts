import { describe, expect, it } from 'vitest';
import type { Passing } from '../../src/envelope/decision.ts';
import { Decider } from '../../src/policy/decider.ts';
import { Buckets } from '../../src/policy/limits/buckets.ts';
import { PolicyMemory } from '../../src/policy/memory.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { load, MINIMAL, refusalOf } from '../config/sample.ts';

const START = 1_800_000_000_000;

const configOf = (limits: string) =>
  `${MINIMAL}    policy: ops\npolicies:\n  ops:\n    groups: { dba: [choria=dba, choria=dbb] }\n    rules: [{ verdict: allow }]\n    limits: [${limits}]\n`;

const world = (limits: string) => {
  const memory = new PolicyMemory();
  const clock = { now: START };
  const there = { known: 0 };
  const deciderOf = (limits: string) => {
    const policy = load(configOf(limits)).policies.get('ops');
    if (policy === undefined) throw new Error('there is no policy');
    return new Decider({ policy, memory, known: () => there.known, clock: () => clock.now });
  };
  const decider = deciderOf(limits);
  const ask = (caller = 'choria=alice', nodes = 1, by = decider, to = 'legacy') => {
    const targets = nodes === 0 ? toAll() : toNodes(Array.from({ length: nodes }, (_, it) => `n${it}`));
    const request = requestAt(START / 1000, { caller, targets });
    const routeId = { from: 'federation', to, name: `federation → ${to}` };
    const passing: Passing = { request, outgoing: { ...request, caller: 'cert=x' }, routeId };
    const decision = by.decide(passing);
    if (typeof decision === 'function') throw new Error('limits wait for nobody');
    return decision;
  };
  /** How many of so many requests pass. */
  const pass = (count: number, ...who: Parameters<typeof ask>) =>
    Array.from({ length: count }, () => ask(...who)).filter(({ verdict }) => verdict === 'allow').length;
  return { ask, pass, clock, there, deciderOf };
};

describe('limits', () => {
  it('let pass a burst, and then as many as they are filled again', () => {
    const { pass, clock } = world('{ per: caller, requests_per_second: 2, requests_burst: 5 }');
    expect(pass(10)).toBe(5);
    clock.now += 999;
    expect(pass(10)).toBe(1);
    clock.now += 1_000_000;
    expect(pass(10)).toBe(5);
  });

  it('say who asks too often, what is allowed and when to ask again', () => {
    const { ask } = world('{ per: caller, requests_per_second: 0.5, requests_burst: 1 }');
    ask();
    expect(ask()).toEqual({
      verdict: 'deny',
      code: 'rate_limited',
      rule: '/etc/mcbridge/bridge.yaml:25',
      reason:
        'choria=alice asks too often: this caller may make 0.5 requests per second, and 1 at once; ask again in 2 s',
    });
  });

  it('are of each caller, of a group together, or of a route', () => {
    const each = world('{ per: caller, requests_per_second: 1 }');
    expect([each.pass(3), each.pass(3, 'choria=bob')]).toEqual([1, 1]);
    const group = world('{ per: group, callers: [dba], requests_per_second: 1, requests_burst: 2 }');
    expect([group.pass(3, 'choria=dba'), group.pass(3, 'choria=dbb'), group.pass(3)]).toEqual([2, 0, 3]);
    const route = world('{ per: route, requests_per_second: 1, requests_burst: 2 }');
    expect([
      route.pass(3),
      route.pass(3, 'choria=bob'),
      route.pass(3, 'choria=bob', 1, undefined, 'other'),
    ]).toEqual([2, 0, 2]);
  });

  it('count nodes, and refuse for ever what is more than a burst', () => {
    const { ask, pass, there } = world('{ per: caller, nodes_per_second: 10, nodes_burst: 20 }');
    expect(pass(5, 'choria=alice', 8)).toBe(2);
    expect(ask('choria=alice', 8)).toMatchObject({ reason: expect.stringContaining('ask again in 1 s') });
    expect(ask('choria=bob', 21)).toMatchObject({
      reason: expect.stringContaining('this request is for 21'),
    });
    expect(ask('choria=bob', 0)).toMatchObject({ reason: expect.stringContaining('nobody knows how many') });
    there.known = 20;
    expect(pass(2, 'choria=bob', 0)).toBe(1);
  });

  it('take nothing for what one of them refuses', () => {
    const { pass } = world(
      '{ per: caller, requests_per_second: 1, requests_burst: 3 }, { per: caller, nodes_per_second: 1, nodes_burst: 5 }',
    );
    expect(pass(5, 'choria=alice', 6)).toBe(0);
    expect(pass(5)).toBe(3);
  });

  it('count on where the configuration is another', () => {
    const { pass, deciderOf } = world('{ per: caller, requests_per_second: 1, requests_burst: 3 }');
    expect(pass(2)).toBe(2);
    const next = deciderOf('{ per: caller, requests_per_second: 5, requests_burst: 3 }');
    expect(pass(5, 'choria=alice', 1, next)).toBe(1);
  });

  it('are refused where they limit nothing, or for nobody', () => {
    const problems = (limits: string) => refusalOf(() => load(configOf(limits)));
    expect(problems('{ per: caller }')).toEqual([expect.stringContaining('limits[0]: limits nothing')]);
    expect(problems('{ per: group, requests_per_second: 1 }')).toEqual([
      expect.stringContaining('limits[0].callers: is missing'),
    ]);
    expect(problems('{ per: route, callers: [dbas], requests_per_second: 1 }')).toEqual([
      expect.stringContaining('limits[0].callers[0]: there is no group "dbas"; did you mean "dba"?'),
    ]);
    expect(problems('{ per: route, requests_per_second: 0 }')).toEqual([
      expect.stringContaining('limits[0].requests_per_second: "0" is not allowed'.replaceAll('"', '')),
    ]);
  });
});

describe('buckets', () => {
  const rate = { perSecond: 1, burst: 2 };

  it('are no more than there is room for, however many names there are and however long', () => {
    const buckets = new Buckets({ most: 10 });
    buckets.take('first', 2, rate, START);
    expect(buckets.wait('first', 1, rate, START)).toBe(1000);
    for (let number = 0; number < 10; number++) buckets.take(`${number}`.repeat(100_000), 2, rate, START);
    expect(buckets.wait('first', 1, rate, START)).toBe(0);
    expect(buckets.wait('9'.repeat(100_000), 1, rate, START)).toBe(1000);
  });

  it('are not filled by a clock that is put back', () => {
    const buckets = new Buckets();
    buckets.take('one', 2, rate, START);
    expect(buckets.wait('one', 1, rate, START - 60_000)).toBe(1000);
  });
});
