import { describe, expect, it } from 'vitest';
import type { Deciding, Decision, Passing } from '../../src/envelope/decision.ts';
import type { ReadableRequest } from '../../src/envelope/message.ts';
import { BlastRadius } from '../../src/policy/blast-radius.ts';
import { Decider } from '../../src/policy/decider.ts';
import { Buckets } from '../../src/policy/limits/buckets.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { evaluatorOf } from './rules/rules.ts';

const START = 1_800_000_000;
const ROUTE = { from: 'federation', to: 'legacy', name: 'federation → legacy' };

/** Alone no instance waits to decide. */
const atOnce = (decision: Decision | Deciding): Decision => {
  if (typeof decision === 'function') throw new Error('it waits');
  return decision;
};

const world = (text: string, { isShadow = false, known = 0, requests = 100 } = {}) => {
  const clock = { now: START * 1000 };
  const memory = { blastRadius: new BlastRadius({ requests }), buckets: new Buckets(), tally: undefined };
  const there = { known };
  const policyOf = (text: string) =>
    new Decider({
      policy: {
        name: 'ops',
        evaluator: evaluatorOf(text),
        isShadow,
        limits: [],
        countsNodes: true,
        summary: '1 rule',
        defers: [],
      },
      memory,
      known: () => there.known,
      clock: () => clock.now,
    });
  const passingOf = (change: Partial<ReadableRequest>): Passing => {
    const request = requestAt(START, { caller: 'choria=alice', ...change });
    const home = { ...request.home, requestId: request.id, expires: START * 1000 + 60_000 };
    return {
      request: { ...request, home },
      outgoing: { ...request, caller: 'cert=alice' },
      routeId: ROUTE,
    };
  };
  const ask = (change: Partial<ReadableRequest> = {}, policy = policyOf(text)) =>
    atOnce(policy.decide(passingOf(change)));
  const foresee = (change: Partial<ReadableRequest>, policy: Decider) => policy.foresee(passingOf(change));
  return { ask, foresee, clock, there, policyOf };
};

const nodes = (count: number, first = 0) =>
  toNodes(Array.from({ length: count }, (_, index) => `n${first + index}.example.net`));

const LIMITED = 'rules: [{ name: all, verdict: allow, max_nodes: 5 }]';

describe('the policy of a route', () => {
  it('refuses what no rule allows, and says so', () => {
    const { ask } = world('rules: [{ agents: [puppet], verdict: allow }]');
    expect(ask()).toEqual({
      verdict: 'deny',
      code: 'denied_by_policy',
      rule: 'default',
      reason: 'no rule of the policy ops allows it',
    });
  });

  it('in shadow mode lets all pass, and says what it would refuse', () => {
    const denial = { code: 'denied_by_policy', rule: 'no', reason: 'not now' };
    const text = 'rules: [{ name: no, verdict: deny, reason: not now }]';
    expect(world(text, { isShadow: true }).ask()).toEqual({ verdict: 'allow', shadow: denial });
    expect(world(text).ask()).toEqual({ verdict: 'deny', ...denial });
  });
});

describe('max_nodes', () => {
  it('counts all messages of one request, and refuses what is too much', () => {
    const { ask } = world(LIMITED);
    expect(ask({ targets: nodes(3) }).verdict).toBe('allow');
    expect(ask({ targets: nodes(3, 3) })).toEqual({
      verdict: 'deny',
      code: 'denied_by_policy',
      rule: 'all',
      reason: 'one request may reach 5 nodes, and this one would reach 6',
    });
    // What was refused has reached nobody.
    expect(ask({ targets: nodes(2, 3) }).verdict).toBe('allow');
    expect(ask({ targets: nodes(1, 5) }).verdict).toBe('deny');
  });

  it('counts each caller, action and request by itself', () => {
    const { ask } = world(LIMITED);
    const rpc = (action: string) => ({ kind: 'rpc', action, data: new Map() }) as const;
    const targets = nodes(5);
    expect(ask({ targets }).verdict).toBe('allow');
    expect(ask({ targets, id: '1'.repeat(32) }).verdict).toBe('allow');
    expect(ask({ targets, caller: 'choria=bob' }).verdict).toBe('allow');
    expect(ask({ targets, payload: rpc('other') }).verdict).toBe('allow');
    expect(ask({ targets, agent: 'other' }).verdict).toBe('allow');
    expect(ask({ targets }).verdict).toBe('deny');
  });

  it('forgets a request when its ttl has ended', () => {
    const { ask, clock } = world(LIMITED);
    expect(ask({ targets: nodes(5) }).verdict).toBe('allow');
    clock.now += 60_000;
    expect(ask({ targets: nodes(5) }).verdict).toBe('allow');
  });

  it('counts a broadcast as the nodes that are known, and as too many where none is', () => {
    const { ask, there } = world(LIMITED);
    const broadcast = (id: string) => ask({ targets: toAll(), id: id.repeat(32) });
    expect(broadcast('1')).toMatchObject({
      verdict: 'deny',
      reason: 'one request may reach 5 nodes, and this one would reach nobody knows how many',
    });
    there.known = 5;
    expect(broadcast('2').verdict).toBe('allow');
    there.known = 6;
    expect(broadcast('3').verdict).toBe('deny');
  });

  it('counts on where the rules are others', () => {
    const { ask, policyOf } = world(LIMITED);
    expect(ask({ targets: nodes(4) }).verdict).toBe('allow');
    const next = policyOf('rules: [{ name: new, verdict: allow, max_nodes: 6 }]');
    expect(ask({ targets: nodes(2, 4) }, next).verdict).toBe('allow');
    expect(ask({ targets: nodes(1, 6) }, next).verdict).toBe('deny');
  });

  it('in shadow mode lets it pass, and says so', () => {
    const text = 'rules: [{ name: all, verdict: allow, max_nodes: 5, reason: too many, shadow: true }]';
    expect(world(text).ask({ targets: nodes(6) })).toEqual({
      verdict: 'allow',
      rule: 'all',
      reason: 'too many',
      shadow: { code: 'denied_by_policy', rule: 'all', reason: 'too many' },
    });
  });

  it('remembers no more requests than it has room for, whoever makes them up', () => {
    const { ask } = world(LIMITED, { requests: 10 });
    expect(ask({ targets: nodes(5) }).verdict).toBe('allow');
    for (let number = 0; number < 10; number++)
      expect(
        ask({ targets: nodes(1), id: `${number}`.padStart(32, '1'), caller: 'choria=eve' }).verdict,
      ).toBe('allow');
    expect(ask({ targets: nodes(5) }).verdict).toBe('allow');
  });
});

describe('what it would say', () => {
  it('is what it says, with the nodes that were reached before, and counts none', () => {
    const { ask, foresee, policyOf } = world(LIMITED);
    const policy = policyOf(LIMITED);
    for (let n = 0; n < 3; n++)
      expect(foresee({ targets: nodes(4) }, policy)).toMatchObject({ verdict: 'allow' });
    expect(ask({ targets: nodes(3) }, policy).verdict).toBe('allow');
    const foreseen = foresee({ targets: nodes(4, 3) }, policy);
    expect(foreseen).toMatchObject({ verdict: 'deny', rule: 'all', reason: expect.stringContaining('7') });
    expect(ask({ targets: nodes(4, 3) }, policy)).toEqual(foreseen);
  });
});
