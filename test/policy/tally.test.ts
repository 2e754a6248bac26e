import { describe, expect, it } from 'vitest';
import type { Passing } from '../../src/envelope/decision.ts';
import type { Addition, Counted, Tally } from '../../src/envelope/tally.ts';
import { Decider } from '../../src/policy/decider.ts';
import type { Limit } from '../../src/policy/limits/limits.ts';
import { PolicyMemory } from '../../src/policy/memory.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { evaluatorOf } from './rules/rules.ts';

const START = 1_800_000_000;
const EXPIRES = START * 1000 + 60_000;

/** What instances have in common. */
class Shared implements Tally {
  readonly asked: Addition[] = [];
  readonly counts = new Map<string, number>();
  away: string | undefined;

  async add(addition: Addition): Promise<Counted> {
    this.asked.push(addition);
    if (this.away !== undefined) return { result: 'unknown', reason: this.away };
    const { key, amount, most } = addition;
    const before = this.counts.get(key) ?? 0;
    if (before > most) return { result: 'too_much', before };
    this.counts.set(key, before + amount);
    return { result: 'added', before };
  }
}

const BY_CALLER: Pick<Limit, 'place' | 'per' | 'callers'> = {
  ...{ place: 'bridge.yaml:9', per: 'caller', callers: { has: () => true } },
};

const world = (text: string, { isShadow = false, limits = [] as readonly Limit[] } = {}) => {
  const shared = new Shared();
  const instance = () => {
    const decider = new Decider({
      policy: {
        ...{ name: 'ops', evaluator: evaluatorOf(text), isShadow, limits },
        ...{ countsNodes: true, summary: '1 rule', defers: [] },
      },
      memory: new PolicyMemory(shared),
      known: () => 3,
      clock: () => START * 1000,
    });
    return (targets = toNodes(['n0'])) => {
      const request = requestAt(START, { caller: 'choria=alice', targets });
      const home = { ...request.home, requestId: request.id, expires: EXPIRES };
      const passing: Passing = {
        request: { ...request, home },
        outgoing: { ...request, caller: 'cert=alice' },
        routeId: { from: 'federation', to: 'legacy', name: 'federation → legacy' },
      };
      const decided = decider.decide(passing);
      return typeof decided === 'function' ? decided() : decided;
    };
  };
  return { shared, one: instance(), two: instance() };
};

const nodes = (count: number) => toNodes(Array.from({ length: count }, (_, index) => `n${index}`));

const LIMITED = 'rules: [{ name: all, verdict: allow, max_nodes: 5, reason: five at most }]';

describe('max_nodes over several instances', () => {
  it('counts what each of them lets pass', async () => {
    const { one, two, shared } = world(LIMITED);
    expect(await one(nodes(3))).toMatchObject({ verdict: 'allow' });
    expect(await two(nodes(3))).toEqual({
      verdict: 'deny',
      code: 'denied_by_policy',
      rule: 'all',
      reason: 'five at most',
    });
    expect(await two(nodes(2))).toMatchObject({ verdict: 'allow' });
    expect(await one(nodes(1))).toMatchObject({ verdict: 'deny' });
    expect([...shared.counts.values()]).toEqual([5]);
  });

  it('keeps the count for as long as the request lives, under a key of letters and digits', async () => {
    const { one, shared } = world(LIMITED);
    await one(toAll());
    expect(shared.asked).toEqual([
      {
        key: expect.stringMatching(/^[\w-]{43}$/),
        ...{ amount: 3, most: 2, now: START * 1000, expires: EXPIRES },
      },
    ]);
  });

  it('refuses where nobody can tell what others let pass, and says why in place of the reason of the rule', async () => {
    const { one, shared } = world(LIMITED);
    shared.away = 'it is away';
    expect(await one()).toEqual({
      verdict: 'deny',
      code: 'denied_by_policy',
      rule: 'all',
      reason: 'nobody knows how many nodes this request reaches by other instances: it is away',
    });
    shared.away = undefined;
    // What was refused has reached nobody.
    expect(await one(nodes(5))).toMatchObject({ verdict: 'allow' });
  });

  it('has taken from limits what waits, and gives back what is refused', async () => {
    const rate = { perSecond: 1, burst: 2 };
    const limits: readonly Limit[] = [{ ...BY_CALLER, requests: rate, nodes: undefined }];
    const { one, shared } = world(LIMITED, { limits });
    const limited = { verdict: 'deny', code: 'rate_limited' };
    shared.away = 'it is away';
    const waiting = [one(), one()];
    expect(one()).toMatchObject(limited);
    expect(shared.asked).toHaveLength(2);
    for (const it of waiting) expect(await it).toMatchObject({ code: 'denied_by_policy' });
    shared.away = undefined;
    for (let n = 0; n < 2; n++) expect(await one()).toMatchObject({ verdict: 'allow' });
    expect(one()).toMatchObject(limited);
  });

  it('asks nobody where this instance alone has let pass too many', async () => {
    const { one, shared } = world(LIMITED);
    await one(nodes(5));
    expect(one()).toMatchObject({ verdict: 'deny' });
    expect(shared.asked).toHaveLength(1);
  });

  it.each([
    ['a rule that has no max_nodes', 'rules: [{ verdict: allow }]', {}],
    ['a rule that denies', 'rules: [{ verdict: deny }]', {}],
    ['a rule in shadow mode', 'rules: [{ verdict: allow, max_nodes: 5, shadow: true }]', {}],
    ['a policy in shadow mode', LIMITED, { isShadow: true }],
  ])('waits for nobody by %s', (_, text, options) => {
    const { one, shared } = world(text, options);
    expect(one(nodes(6))).toHaveProperty('verdict');
    expect(one(nodes(1))).toHaveProperty('verdict');
    expect(shared.asked).toEqual([]);
  });
});
