import { describe, expect, it } from 'vitest';
import { type Passing, UNDECIDED } from '../../src/envelope/decision.ts';
import { readable } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { settled } from '../adapters/world.ts';
import { startedStage } from './stage.ts';

const START = 1_800_000_000;

const asking = (data = '', caller = 'choria=alice') => {
  const request = requestAt(START, {
    caller,
    payload: { kind: 'rpc', action: 'echo', data: new Map([['text', data]]) },
  });
  const { hops: _, ...home } = request.home;
  return { ...request, home };
};

/** A step that lets each request wait until the test says so. */
const holding = () => {
  const held: { readonly passing: Passing; go(): void; refuse(rejection: Rejection): void }[] = [];
  const step = (passing: Passing): Promise<void> =>
    new Promise((go, refuse) => {
      held.push({ passing, go, refuse });
    });
  const policy = { decide: (passing: Passing) => () => step(passing).then(() => UNDECIDED) };
  return { held, step, policy };
};

const answersIn = (home: Awaited<ReturnType<typeof startedStage>>['home']) =>
  home.map(({ payload }) => (payload.kind === 'rpc' ? payload.statusMessage : payload.kind));

describe('the pipeline', () => {
  it('goes through its steps in order, and tells of each', async () => {
    const order: string[] = [];
    const { requests, steps, bridge } = await startedStage({
      policy: {
        decide: ({ request, outgoing }) => {
          order.push(`decide ${request.caller} ${outgoing.caller}`);
          return UNDECIDED;
        },
      },
      record: async ({ routeId }) => void order.push(`record ${routeId.name}`),
      egress: { deliver: async () => void order.push('send') },
    });
    requests.request(asking());
    await settled();
    expect(order).toEqual(['decide choria=alice cert=alice', 'record federation → nodes', 'send']);
    expect(steps.map(({ step }) => step)).toEqual([
      'request received',
      'request routed',
      'request mapped',
      'request decided',
      'request recorded',
      'request sent',
    ]);
    await bridge.stop();
  });

  it('sends nothing while a step takes its time, and then what it let through', async () => {
    const { held, policy } = holding();
    const { requests, delivered, bridge } = await startedStage({ policy });
    requests.request(asking());
    await settled();
    expect(delivered).toEqual([]);
    expect(bridge.inFlight).toBe(1);
    held[0]?.go();
    await settled();
    expect(delivered.map((request) => readable(request).caller)).toEqual(['cert=alice']);
  });

  it.each(['decide', 'record'] as const)(
    'answers the requester where the step %s refuses late',
    async (name) => {
      const { held, step, policy } = holding();
      const { requests, delivered, home, refusals, lines, bridge } = await startedStage(
        name === 'decide' ? { policy } : { record: step },
      );
      requests.request(asking());
      await settled();
      held[0]?.refuse(new Rejection('caller_not_allowed', 'policy says no'));
      await settled();
      expect(delivered).toEqual([]);
      expect(answersIn(home)).toEqual(['mcbridge: policy says no (caller_not_allowed)']);
      const flow = held[0]?.passing.request.home.flow;
      expect(refusals).toMatchObject([{ code: 'caller_not_allowed', stage: 'request', context: { flow } }]);
      await bridge.stop();
      // What did not go out leaves no line of a request.
      expect(lines.map(({ fields }) => fields['event'])).toEqual(['rejected']);
    },
  );

  it('answers the requester where a step refuses at once, or fails', async () => {
    const { requests, home, delivered } = await startedStage({
      policy: {
        decide: () => {
          throw new Error('the policy file is gone');
        },
      },
    });
    requests.request(asking());
    await settled();
    expect(delivered).toEqual([]);
    expect(answersIn(home)).toEqual(['mcbridge: internal error: the policy file is gone (internal)']);
  });

  it('does not send what has outlived its ttl while it waited', async () => {
    const { held, step } = holding();
    const { requests, delivered, refusals, home, clock } = await startedStage({ record: step });
    requests.request(asking());
    await settled();
    clock.now += 60_000;
    held[0]?.go();
    await settled();
    expect(delivered).toEqual([]);
    expect(refusals).toMatchObject([{ code: 'expired', stage: 'request' }]);
    // Nobody waits any more.
    expect(home).toEqual([]);
  });

  it('lets so many bytes wait, and refuses what goes beyond before it is looked at', async () => {
    const { held, policy } = holding();
    const { requests, home, refusals } = await startedStage({
      policy,
      waiting: { bytes: 100_000, requests: 100 },
    });
    // The first has room, however large; beside it there is room for small ones only.
    requests.request(asking('x'.repeat(40_000)));
    for (const length of [20_000, 1_000]) requests.request(asking('x'.repeat(length), 'choria=bob'));
    await settled();
    expect(held).toHaveLength(2);
    expect(refusals).toMatchObject([{ code: 'overloaded' }]);
    expect(answersIn(home)).toEqual([expect.stringContaining('already wait to be let through')]);
    for (const { go } of held.splice(0)) go();
    await settled();
    requests.request(asking('x'.repeat(20_000)));
    await settled();
    expect(held).toHaveLength(1);
  });

  it('lets so many requests wait', async () => {
    const { held, policy } = holding();
    const { requests, refusals } = await startedStage({
      policy,
      waiting: { bytes: 1024 ** 2, requests: 2 },
    });
    for (let n = 0; n < 3; n++) requests.request(asking());
    await settled();
    expect(held).toHaveLength(2);
    expect(refusals).toMatchObject([{ code: 'overloaded' }]);
  });

  it('lets a caller take as much room as is left free for the others, by number and by bytes', async () => {
    const { held, policy } = holding();
    const { requests, refusals } = await startedStage({
      policy,
      waiting: { bytes: 100_000, requests: 7 },
    });
    const ask = async (caller: string, count: number, data = ''): Promise<number> => {
      const before = held.length;
      for (let n = 0; n < count; n++) requests.request(asking(data, caller));
      await settled();
      return held.length - before;
    };
    expect(await ask('choria=alice', 10)).toBe(4);
    expect(await ask('choria=bob', 10)).toBe(2);
    expect(await ask('choria=carol', 10)).toBe(1);
    expect(refusals[0]).toMatchObject({ code: 'overloaded', sentence: expect.stringContaining('of this') });
    for (const { go } of held.splice(0)) go();
    await settled();
    expect(await ask('choria=alice', 5, 'x'.repeat(15_000))).toBe(2);
    expect(await ask('choria=bob', 1)).toBe(1);
  });

  it.each(['decide', 'record'] as const)(
    'holds back nobody by what waits for the step %s, but for that step',
    async (name) => {
      const { held, step, policy: slow } = holding();
      const policy = {
        decide: (passing: Passing) =>
          passing.request.caller === 'choria=alice' ? slow.decide(passing) : UNDECIDED,
      };
      const { requests, delivered, refusals } = await startedStage({
        ...(name === 'decide' ? { policy } : { record: step }),
        waiting: { bytes: 1024 ** 2, requests: 2 },
      });
      for (let n = 0; n < 5; n++) requests.request(asking('', 'choria=alice'));
      requests.request(asking('', 'choria=bob'));
      await settled();
      expect(held).toHaveLength(2);
      expect(delivered).toHaveLength(name === 'decide' ? 1 : 0);
      expect(refusals).toHaveLength(name === 'decide' ? 3 : 4);
    },
  );

  it('gives room back also where a step refuses', async () => {
    const { held, policy } = holding();
    const { requests } = await startedStage({ policy, waiting: { bytes: 1024 ** 2, requests: 1 } });
    for (let n = 0; n < 2; n++) {
      requests.request(asking());
      await settled();
      held[n]?.refuse(new Rejection('caller_not_allowed', 'no'));
      await settled();
    }
    expect(held).toHaveLength(2);
  });
});
