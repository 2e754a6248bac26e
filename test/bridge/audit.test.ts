import { describe, expect, it } from 'vitest';
import type { Answer, Audit, Refused } from '../../src/envelope/audit.ts';
import type { Decided, Decision } from '../../src/envelope/decision.ts';
import type { ReadableRequest, Reply } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { settled } from '../adapters/world.ts';
import { type StageOptions, startedStage } from './stage.ts';

const START = 1_800_000_000;

const asking = (given: Partial<ReadableRequest> = {}): ReadableRequest => {
  const request = requestAt(START, { caller: 'choria=alice', ...given });
  const { hops: _, ...home } = request.home;
  return { ...request, home };
};

/** Keeps what it is told, in order. */
const audited = async (options: StageOptions = {}, record?: Audit['record']) => {
  const told: (
    | readonly ['record', Decided]
    | readonly ['refused', Refused]
    | readonly ['unsent', string, 'all' | 'some', string | undefined]
    | readonly ['answered', Answer]
  )[] = [];
  const audit: Audit = {
    record: (decided) => {
      told.push(['record', decided]);
      return record?.(decided);
    },
    refused: (refused) => void told.push(['refused', refused]),
    unsent: ({ code, context }, extent) => void told.push(['unsent', code, extent, context.flow]),
    answered: (answer) => void told.push(['answered', answer]),
  };
  return { ...(await startedStage({ audit: () => audit, ...options })), told };
};

const deciding = (decision: Decision): StageOptions => ({ policy: { decide: () => decision } });

describe('what is audited of a request', () => {
  it('is its decision, once, before it goes out', async () => {
    const { requests, told, delivered } = await audited(deciding({ verdict: 'allow', rule: 'all' }));
    requests.request(asking());
    await settled();
    expect(told).toMatchObject([
      ['record', { decision: { verdict: 'allow', rule: 'all' }, outgoing: { caller: 'cert=alice' } }],
    ]);
    expect(delivered).toHaveLength(1);
  });

  it('is its denial, once', async () => {
    const { requests, told, refusals } = await audited(
      deciding({ verdict: 'deny', code: 'denied_by_policy', rule: 'nights' }),
    );
    requests.request(asking());
    await settled();
    expect(told).toMatchObject([['record', { decision: { verdict: 'deny', rule: 'nights' } }]]);
    expect(refusals).toMatchObject([{ code: 'denied_by_policy' }]);
  });

  it.each<[string, StageOptions, Partial<ReadableRequest>, string, boolean]>([
    ['no route', {}, { collective: 'elsewhere' }, 'collective_not_exported', false],
    ['no name on the other side', {}, { caller: 'nobody' }, 'no_mapping', false],
    [
      'a policy that fails',
      {
        policy: {
          decide: () => {
            throw new Rejection('overloaded', 'no');
          },
        },
      },
      {},
      'overloaded',
      true,
    ],
  ])('is its refusal where there is %s', async (_, options, given, code, hasRoute) => {
    const { requests, told } = await audited(options);
    requests.request(asking(given));
    await settled();
    expect(told).toMatchObject([['refused', { rejection: { code }, request: { agent: 'rpcutil' } }]]);
    expect(told[0]?.[0] === 'refused' && told[0][1].routeId !== undefined).toBe(hasRoute);
  });

  it('is its refusal where it is claimed too late', async () => {
    const { requests, told, clock, delivered } = await audited({
      claims: {
        claim: async () => {
          clock.now += 3_600_000;
          return { result: 'won' };
        },
      },
    });
    requests.request(asking(), { claim: 'key' });
    await settled();
    expect(told).toMatchObject([['refused', { rejection: { code: 'expired' } }]]);
    expect(delivered).toEqual([]);
  });

  it('is that it was not sent after all, where the egress refuses it', async () => {
    const { requests, told } = await audited({
      egress: {
        deliver: async () => {
          throw new Rejection('no_signing_key', 'no');
        },
      },
    });
    requests.request(asking());
    await settled();
    const flow = told[0]?.[0] === 'record' ? told[0][1].request.home.flow : undefined;
    expect(flow).toMatch(/^[0-9a-f]{32}$/);
    expect(told.slice(1)).toEqual([['unsent', 'no_signing_key', 'all', flow]]);
  });

  it('is that some of it was not sent, where the link loses it later', async () => {
    const { requests, told } = await audited({
      egress: {
        deliver: async (_, undelivered) =>
          undelivered?.(new Rejection('expired', 'too late'), 'some', undefined),
      },
    });
    requests.request(asking());
    await settled();
    expect(told.slice(1)).toMatchObject([['unsent', 'expired', 'some', expect.any(String)]]);
  });

  it('is its refusal where it cannot be written down, and then nothing goes out', async () => {
    const { requests, told, delivered, home } = await audited({}, () => {
      throw new Rejection('audit_unavailable', 'the disk is full');
    });
    requests.request(asking());
    await settled();
    expect(told.slice(1)).toMatchObject([['refused', { rejection: { code: 'audit_unavailable' } }]]);
    expect(delivered).toEqual([]);
    expect(home).toMatchObject([
      { payload: { statusMessage: 'mcbridge: the disk is full (audit_unavailable)' } },
    ]);
  });

  it('is nothing where nobody proved who asks', async () => {
    const { requests, told, refusals } = await audited();
    requests.request({
      id: 'x',
      sender: 'somebody',
      collective: 'elsewhere',
      targets: [{ kind: 'node', collective: 'elsewhere', node: 'n1' }],
      payload: {
        kind: 'opaque',
        content: { protocol: 'p', data: '', headers: {} },
        errorReplyAddress: () => undefined,
      },
      home: { ingress: 'federation', replyTo: 'r', requestId: 'x', expires: (START + 60) * 1000 },
    });
    await settled();
    expect(refusals).toMatchObject([{ code: 'collective_not_exported' }]);
    expect(told).toEqual([]);
  });
});

describe('what is audited of replies', () => {
  const replying = async (statusCode: number, options: StageOptions = {}) => {
    const stage = await audited(options);
    stage.requests.request(asking());
    await settled();
    const [request = asking()] = stage.delivered;
    const reply: Reply = {
      home: { ...asking().home, ...request.home },
      sender: 'n1.example.net',
      time: START * 1000,
      payload: { kind: 'rpc', statusCode, statusMessage: '', data: new Map() },
    };
    stage.replies.reply(reply);
    return { ...stage, flow: request.home.flow, home: reply.home };
  };

  it.each([
    [0, 'ok'],
    [1, 'failed'],
  ] as const)('is that one of status %d is %s', async (status, result) => {
    const { told, flow } = await replying(status);
    expect(told.slice(1)).toMatchObject([
      ['answered', { flow, node: 'n1.example.net', result, route: { name: 'federation → nodes' } }],
    ]);
  });

  it('is that one is refused which cannot go home', async () => {
    const { told } = await replying(0, { refuses: () => new Rejection('too_large', 'no') });
    expect(told.slice(1)).toMatchObject([['answered', { result: 'refused' }]]);
  });

  it('is that one is refused which cannot be read', async () => {
    const { replies, told, home } = await replying(0);
    replies.rejected(new Rejection('invalid_signature', 'no', { sender: 'n2.example.net' }), home, false);
    expect(told.at(-1)).toMatchObject(['answered', { result: 'refused', node: 'n2.example.net' }]);
  });
});
