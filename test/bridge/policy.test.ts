import { describe, expect, it } from 'vitest';
import type { Decided, Decision } from '../../src/envelope/decision.ts';
import { type ReadableReply, type ReadableRequest, readableReply } from '../../src/envelope/message.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toNodes } from '../../src/testing/targets.ts';
import { BRIDGE, settled } from '../adapters/world.ts';
import { startedStage } from './stage.ts';

const START = 1_800_000_000;

const asked = async (decision: Decision, change: Partial<ReadableRequest> = {}) => {
  const records: Decided[] = [];
  const told: Decided[] = [];
  const stage = await startedStage({
    policy: { decide: () => async () => decision },
    record: (decided) => void records.push(decided),
    observer: { decided: (decided) => void told.push(decided) },
  });
  const request = requestAt(START, { caller: 'choria=alice', ...change });
  const { hops: _, ...home } = request.home;
  stage.requests.request({ ...request, home: { ...home, agent: request.agent } });
  await settled();
  const answers: readonly ReadableReply[] = stage.home.map(readableReply);
  return { ...stage, records, told, answers };
};

const DENIED = {
  verdict: 'deny',
  code: 'denied_by_policy',
  rule: 'nights',
  reason: 'not at night',
} as const;

describe('a policy', () => {
  it.each(['allow', 'defer'] as const)('lets pass what it says %s to', async (verdict) => {
    const { delivered, records, told, refusals } = await asked({ verdict, rule: 'all' });
    expect(delivered).toHaveLength(1);
    expect(records.map(({ decision }) => decision)).toEqual([{ verdict, rule: 'all' }]);
    expect(told.map(({ decision }) => decision)).toEqual([{ verdict, rule: 'all' }]);
    expect(refusals).toEqual([]);
  });

  it.each(['denied_by_policy', 'rate_limited'] as const)(
    'refuses with %s what it denies, once that is written down',
    async (code) => {
      const decision = { ...DENIED, code };
      const { delivered, records, refusals, home } = await asked(decision);
      expect(delivered).toEqual([]);
      expect(records.map(({ decision }) => decision)).toEqual([decision]);
      expect(refusals).toMatchObject([{ code, stage: 'request', context: { rule: 'nights' } }]);
      expect(home).toHaveLength(1);
    },
  );

  it('is told to the client in the words of nodes that refuse, with the reason, by the bridge', async () => {
    const { answers } = await asked(DENIED);
    expect(answers).toMatchObject([
      {
        sender: BRIDGE,
        payload: {
          statusCode: 1,
          statusMessage:
            'You are not authorized to call this agent or action: not at night (mcbridge: denied_by_policy)',
        },
      },
    ]);
  });

  it('tells who asks too often so, with the status of errors of the bridge', async () => {
    const { answers } = await asked({ ...DENIED, code: 'rate_limited', reason: 'slowly' });
    expect(answers).toMatchObject([
      { payload: { statusCode: 5, statusMessage: 'mcbridge: slowly (rate_limited)' } },
    ]);
  });

  it('answers as often as the client names nodes, and counts one refusal', async () => {
    const targets = toNodes(['a.example.net', 'b.example.net', 'c.example.net']);
    const { answers, refusals, bridge } = await asked(DENIED, { targets });
    expect(answers.map(({ sender }) => sender)).toEqual([BRIDGE, BRIDGE, BRIDGE]);
    expect(refusals).toHaveLength(1);
    expect(bridge.stats.snapshot()).toMatchObject({ errorsSent: 3, rejected: { denied_by_policy: 1 } });
    expect(bridge.stats.denials.all()).toEqual([{ route: 'federation → nodes', rule: 'nights', count: 1 }]);
    expect(bridge.stats.routes()[0]?.decisions).toEqual({ allow: 0, deny: 1, defer: 0 });
  });

  it('answers nothing to discovery, and a line at info names caller and rule', async () => {
    const { answers, lines } = await asked(DENIED, { agent: 'discovery', payload: { kind: 'discovery' } });
    expect(answers).toEqual([]);
    expect(lines.filter(({ fields }) => fields['event'] === 'rejected')).toMatchObject([
      { level: 'info', fields: { reason: 'denied_by_policy', caller: 'choria=alice', rule: 'nights' } },
    ]);
  });

  it('says at warn who is refused, and by which rule', async () => {
    const { lines } = await asked(DENIED);
    expect(lines.filter(({ fields }) => fields['event'] === 'rejected')).toMatchObject([
      { level: 'warn', fields: { reason: 'denied_by_policy', caller: 'choria=alice', rule: 'nights' } },
    ]);
  });

  it('in shadow mode refuses nothing, and what it would refuse is logged and counted', async () => {
    const shadow = { code: 'denied_by_policy', rule: 'nights', reason: 'not at night' } as const;
    const { delivered, home, refusals, lines, bridge } = await asked({ verdict: 'allow', shadow });
    expect(delivered).toHaveLength(1);
    expect([...home, ...refusals]).toEqual([]);
    expect(lines.filter(({ fields }) => fields['event'] === 'policy_shadow')).toMatchObject([
      { level: 'info', fields: { caller: 'choria=alice', rule: 'nights', route: 'federation → nodes' } },
    ]);
    expect(bridge.stats.shadows.all()).toEqual([{ route: 'federation → nodes', rule: 'nights', count: 1 }]);
    expect(bridge.stats.denials.all()).toEqual([]);
  });
});

describe('what would become of a request', () => {
  const foreseen = async (decision: Decision, change: Partial<ReadableRequest> = {}) => {
    const told: unknown[] = [];
    const passings: unknown[] = [];
    const stage = await startedStage({
      policy: {
        decide: () => {
          throw new Error('it is not decided on');
        },
        foresee: (passing) => {
          passings.push(passing.outgoing);
          return decision;
        },
      },
      record: (decided) => void told.push(decided),
      observer: { decided: (decided) => void told.push(decided) },
    });
    const refused = stage.requests.foresee(requestAt(START, { caller: 'choria=alice', ...change }));
    await settled();
    expect(told).toEqual([]);
    expect([...stage.delivered, ...stage.home, ...stage.refusals, ...stage.steps]).toEqual([]);
    return { refused, passings };
  };

  it('is asked of the policy with the name on the other side, and nobody is told', async () => {
    const { refused, passings } = await foreseen({ verdict: 'allow', rule: 'all' });
    expect(refused).toBeUndefined();
    expect(passings).toMatchObject([{ caller: 'cert=alice' }]);
  });

  it('is a refusal in the words of the refusal itself', async () => {
    const { refused } = await foreseen(DENIED);
    const { refusals } = await asked(DENIED);
    expect(refused?.code).toBe('denied_by_policy');
    expect(refused?.message).toBe(refusals[0]?.sentence);
  });

  it.each<[string, Partial<ReadableRequest>]>([
    ['no_mapping', { caller: 'alice' }],
    ['collective_not_exported', { collective: 'other', targets: toNodes(['n1'], 'other') }],
  ])('is %s where no policy is asked', async (code, change) => {
    const { refused, passings } = await foreseen({ verdict: 'allow' }, change);
    expect(refused?.code).toBe(code);
    expect(passings).toEqual([]);
  });
});
