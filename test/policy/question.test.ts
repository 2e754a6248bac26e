import { describe, expect, it } from 'vitest';
import type { Passing } from '../../src/envelope/decision.ts';
import { EMPTY_FILTER } from '../../src/envelope/filter.ts';
import type { OpaqueRequest, Target } from '../../src/envelope/message.ts';
import { questionsOf } from '../../src/policy/question.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';

const NOW = 1_800_000_000_000;
const ROUTE = { from: 'federation', to: 'legacy', name: 'federation → legacy' };

const passing = (change: Partial<ReturnType<typeof requestAt>> = {}): Passing => {
  const request = requestAt(NOW / 1000, { caller: 'choria=alice.mcollective', ...change });
  return { request, outgoing: { ...request, caller: 'cert=alice' }, routeId: ROUTE };
};

const node = (collective: string, name: string): Target => ({ kind: 'node', collective, node: name });

const opaque = (targets: readonly Target[], view?: OpaqueRequest['payload']['view']): Passing => {
  const request: OpaqueRequest = {
    id: 'r1',
    collective: 'mcollective',
    sender: 'client',
    targets,
    payload: {
      kind: 'opaque',
      content: { protocol: 'p', data: '', headers: {} },
      errorReplyAddress: () => undefined,
      ...(view !== undefined && { view }),
    },
    home: { ingress: 'federation', replyTo: 'r', requestId: 'r1', expires: NOW + 60_000 },
  };
  return { request, outgoing: request, routeId: ROUTE };
};

describe('what a policy is asked', () => {
  it('has both names of the caller, what is wanted, and the way', () => {
    const payload = { kind: 'rpc', action: 'restart', data: new Map([['service', 'mysqld']]) } as const;
    const targets = [node('mcollective', 'a.example'), node('mcollective', 'b.example')];
    const [question, ...others] = questionsOf(passing({ agent: 'service', payload, targets }), NOW);
    expect(others).toEqual([]);
    expect(question).toMatchObject({
      caller: 'choria=alice.mcollective',
      as: 'cert=alice',
      agent: 'service',
      action: 'restart',
      data: payload.data,
      collective: 'mcollective',
      ingress: 'federation',
      egress: 'legacy',
      route: 'federation → legacy',
      nodes: ['a.example', 'b.example'],
      isService: false,
      time: NOW,
    });
  });

  it('has no action and no nodes where it is discovery', () => {
    const targets = [{ kind: 'broadcast', collective: 'mcollective', agent: 'discovery' }] as const;
    const [question] = questionsOf(
      passing({ agent: 'discovery', payload: { kind: 'discovery' }, targets }),
      NOW,
    );
    expect(question).toMatchObject({ action: undefined, nodes: undefined, data: new Map() });
  });

  it('is of an opaque request what its bytes say, once for each collective that it goes to', () => {
    const targets = [node('one', 'a'), node('two', 'b'), node('one', 'c')];
    const view = () => ({
      caller: 'choria=bob',
      agent: 'puppet',
      action: 'run',
      filter: EMPTY_FILTER,
      targets: [],
    });
    const questions = questionsOf(opaque(targets, view), NOW);
    expect(questions).toMatchObject([
      { caller: 'choria=bob', as: 'choria=bob', agent: 'puppet', action: 'run', collective: 'one' },
      { caller: 'choria=bob', collective: 'two' },
    ]);
    expect(questions.map(({ nodes }) => nodes)).toEqual([['a', 'c'], ['b']]);
  });

  it('cannot be said of an opaque request that nobody verified', () => {
    expect(() => questionsOf(opaque([node('one', 'a')]), NOW)).toThrow('not verified');
  });
});
