import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Auditor, type Sink } from '../../src/audit/auditor.ts';
import { hmacOf } from '../../src/audit/redaction.ts';
import type { Answer } from '../../src/envelope/audit.ts';
import type { Decision } from '../../src/envelope/decision.ts';
import type { ReadableRequest, Request } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import type { Value } from '../../src/envelope/value.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toNodes } from '../../src/testing/targets.ts';
import { START, WRITER } from './world.ts';

const ROUTE = { from: 'federation', to: 'legacy', name: 'federation → legacy' } as const;
const FLOW = 'f'.repeat(32);

const asking = (given: Partial<ReadableRequest> = {}): ReadableRequest => {
  const request = requestAt(START / 1000, { caller: 'choria=alice.mcollective', ...given });
  return { ...request, home: { ...request.home, flow: FLOW, expires: START + 60_000 } };
};

const inputs = (data: Readonly<Record<string, Value>>): Partial<ReadableRequest> => ({
  payload: { kind: 'rpc', action: 'status', data: new Map(Object.entries(data)) },
});

interface Given {
  readonly redact?: Readonly<Record<string, 'drop' | 'hmac'>>;
  readonly names?: number;
  readonly sinks?: readonly Partial<Sink>[];
  readonly isAlone?: boolean;
  readonly limits?: { readonly requests: number; readonly bytes: number };
}

const SECRET = Buffer.from('k'.repeat(32));

const makeAuditor = ({ redact = {}, names = 20, sinks = [{}], isAlone = false, limits }: Given = {}) => {
  const lines: string[][] = sinks.map(() => []);
  const clock = { now: START };
  const auditor = new Auditor({
    settings: {
      redaction: { keys: new Map(Object.entries(redact)), secret: SECRET },
      names,
      sinks: sinks.map((sink, index) => ({
        outbox: {
          add: (record) => void lines[index]?.push(record),
          written: async (record) => void lines[index]?.push(record),
        },
        format: 'choria',
        stop: false,
        timeout: 5_000,
        egresses: undefined,
        ...sink,
      })),
    },
    writer: WRITER,
    clock: () => clock.now,
    isAlone: () => isAlone,
    ...(limits && { limits }),
  });
  onTestFinished(() => auditor.stop());
  const decide = (request: Request = asking(), decision: Decision = { verdict: 'allow', rule: 'all' }) =>
    auditor.record({
      request,
      outgoing: { ...request, caller: 'cert=alice' } as Request,
      routeId: ROUTE,
      decision,
    });
  const read = (index = 0) => (lines[index] ?? []).map((line) => JSON.parse(line));
  const answer = (node: string, result: Answer['result'] = 'ok', given: Partial<Answer> = {}) =>
    auditor.answered({
      flow: FLOW,
      requestId: asking().id,
      expires: START + 60_000,
      route: ROUTE,
      node,
      result,
      ...given,
    });
  return { auditor, clock, decide, read, answer };
};

describe('the record of a decision', () => {
  it('is a line of Choria’s audit, with all else in a member of its own', () => {
    const { decide, read } = makeAuditor();
    decide(asking({ ...inputs({ package: 'nginx' }), targets: toNodes(['n1', 'n2']) }), {
      verdict: 'allow',
      rule: 'web team',
      reason: 'they may',
    });
    expect(read()).toEqual([
      {
        timestamp: '2027-01-15T08:00:00.000000+0000',
        request_id: asking().id,
        request_time: START / 1000,
        caller: 'choria=alice.mcollective',
        sender: asking().sender,
        agent: 'rpcutil',
        action: 'status',
        data: { package: 'nginx' },
        mcbridge: {
          kind: 'request',
          ...WRITER,
          flow: FLOW,
          mapped_caller: 'cert=alice',
          ingress: asking().home.ingress,
          egress: 'legacy',
          route: 'federation → legacy',
          collective: 'mcollective',
          payload: 'rpc',
          targets: 2,
          nodes: ['n1', 'n2'],
          filter: { agent: ['rpcutil'] },
          verdict: 'allow',
          rule: 'web team',
          reason: 'they may',
        },
      },
    ]);
  });

  it('is a CloudEvent, which has what CloudEvents 1.0 demands', () => {
    const { decide, read } = makeAuditor({ sinks: [{ format: 'cloudevents' }] });
    decide(asking(inputs({ big: 12345678901234567890n })));
    const [event] = read();
    expect(event).toMatchObject({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: '/mcbridge/prod/one',
      type: 'io.mcbridge.audit.v1.request',
      subject: 'rpcutil/status',
      time: new Date(START).toISOString(),
      datacontenttype: 'application/json',
      data: { kind: 'request', caller: 'choria=alice.mcollective', agent: 'rpcutil', verdict: 'allow' },
    });
  });

  it('has what was denied and what would have been, with the rule and the reason', () => {
    const { decide, read } = makeAuditor();
    const denial = { code: 'denied_by_policy', rule: 'nights', reason: 'not at night' } as const;
    decide(asking(), { verdict: 'deny', ...denial });
    decide(asking(), { verdict: 'allow', shadow: denial });
    expect(read().map(({ mcbridge }) => mcbridge)).toMatchObject([
      { verdict: 'deny', ...denial },
      { verdict: 'allow', shadow: { verdict: 'deny', ...denial } },
    ]);
  });

  it('has what another step refused, with its code and its sentence', () => {
    const { auditor, read } = makeAuditor();
    auditor.refused({ request: asking(), rejection: new Rejection('no_mapping', 'no rule names alice') });
    expect(read()).toMatchObject([
      {
        caller: 'choria=alice.mcollective',
        mcbridge: { verdict: 'refused', code: 'no_mapping', reason: 'no rule names alice' },
      },
    ]);
  });

  it('names so many nodes and no more, and says how many there are', () => {
    const { decide, read } = makeAuditor({ names: 2 });
    decide(asking({ targets: toNodes(['n1', 'n2', 'n3']) }));
    expect(read()).toMatchObject([{ mcbridge: { targets: 3, nodes: ['n1', 'n2'] } }]);
  });

  it('has the filter of a broadcast', () => {
    const { decide, read } = makeAuditor();
    decide(
      asking({
        targets: [{ kind: 'broadcast', collective: 'mcollective', agent: 'rpcutil' }],
        filter: {
          fact: [{ fact: 'country', operator: '==', value: 'uk' }],
          cfClass: ['web'],
          agent: [],
          identity: [],
          compound: [],
        },
      }),
    );
    expect(read()).toMatchObject([
      {
        mcbridge: {
          targets: 'broadcast',
          filter: { fact: [{ fact: 'country', operator: '==', value: 'uk' }], cf_class: ['web'] },
        },
      },
    ]);
  });

  it('leaves out inputs by their names, at any depth, or has the same code for the same value', () => {
    const { decide, read } = makeAuditor({ redact: { password: 'drop', user: 'hmac' } });
    const deep = new Map<string, Value>([['password', 'deep secret']]);
    decide(asking(inputs({ password: 'secret', user: 'bob', list: [deep], plain: 1 })));
    decide(asking(inputs({ user: 'bob' })));
    const [first, second] = read();
    expect(first.data).toEqual({
      password: '[dropped]',
      user: hmacOf('bob', SECRET),
      list: [{ password: '[dropped]' }],
      plain: 1,
    });
    expect(second.data.user).toBe(first.data.user);
    expect(JSON.stringify(first)).not.toMatch(/secret|"bob"/);
  });

  it('treats all inputs alike that "*" stands for', () => {
    const { decide, read } = makeAuditor({ redact: { '*': 'drop', package: 'hmac' } });
    decide(asking(inputs({ a: 1, package: 'p' })));
    expect(read()).toMatchObject([{ data: { a: '[dropped]', package: expect.stringContaining('hmac:') } }]);
  });

  it('has the hash of inputs that are very long, and not the inputs', () => {
    const { decide, read } = makeAuditor();
    decide(asking(inputs({ file: 'x'.repeat(100_000) })));
    expect(read()).toMatchObject([{ data: { left_out: { bytes: 100_011, sha256: expect.any(String) } } }]);
  });

  it('goes to the sinks of its egress, and to those of all', () => {
    const { decide, read, auditor } = makeAuditor({
      sinks: [{ egresses: new Set(['legacy']) }, { egresses: new Set(['other']) }, {}],
    });
    decide();
    auditor.refused({ request: asking(), rejection: new Rejection('collective_not_exported', 'no') });
    expect([read(0), read(1), read(2)].map(({ length }) => length)).toEqual([1, 0, 2]);
  });
});

describe('where no request goes out that is not written', () => {
  it('it waits for that, and for sinks that may lose records it does not', async () => {
    let done: (() => void) | undefined;
    const written = () =>
      new Promise<void>((resolve) => {
        done = resolve;
      });
    const { decide, read } = makeAuditor({
      sinks: [{ stop: true, outbox: { add: () => undefined, written } }, {}],
    });
    const recorded = vi.fn();
    const waits = Promise.resolve(decide()).then(recorded);
    await new Promise(setImmediate);
    expect(recorded).not.toHaveBeenCalled();
    expect(read(1)).toHaveLength(1);
    done?.();
    await waits;
    expect(makeAuditor().decide()).toBeUndefined();
  });

  it.each([
    [Object.assign(new Error('ENOSPC: /secret/path'), { code: 'ENOSPC' }), 'the disk is full'],
    [Object.assign(new Error('x'), { code: 'EROFS' }), 'the disk is read-only'],
    [new Error('something about /secret/path'), 'the log of the bridge says why'],
  ])('it is refused with a sentence that names no file: %s', async (error, words) => {
    const written = async () => {
      throw error;
    };
    const { decide } = makeAuditor({ sinks: [{ stop: true, outbox: { add: () => undefined, written } }] });
    const refused = expect(decide()).rejects;
    await refused.toMatchObject({ code: 'audit_unavailable', message: expect.stringContaining(words) });
    await refused.not.toMatchObject({ message: expect.stringContaining('secret') });
  });

  it('it is refused where the disk hangs, once it has waited for so long', async () => {
    const written = () => new Promise<void>(() => undefined);
    const outbox = { add: () => undefined, written };
    const { decide } = makeAuditor({ sinks: [{ stop: true, timeout: 1, outbox }] });
    await expect(decide()).rejects.toMatchObject({
      code: 'audit_unavailable',
      message: expect.stringContaining('takes too long'),
    });
  });
});

describe('a request that waits for its record', () => {
  it('waits no longer than it lives', async () => {
    const outbox = { add: () => undefined, written: () => new Promise<void>(() => undefined) };
    const { decide, clock } = makeAuditor({ sinks: [{ stop: true, timeout: 3_600_000, outbox }] });
    clock.now += 59_999;
    await expect(decide()).rejects.toMatchObject({ code: 'audit_unavailable' });
  });
});

describe('the record of replies', () => {
  it('comes when all that were named have answered, with how they did', () => {
    const { decide, answer, read, clock } = makeAuditor();
    decide(asking({ targets: toNodes(['n1', 'n2', 'n3']) }));
    clock.now += 1_000;
    answer('n1');
    clock.now += 1_000;
    answer('n2', 'failed');
    expect(read()).toHaveLength(1);
    answer('n3', 'refused');
    expect(read()[1]).toEqual({
      timestamp: '2027-01-15T08:00:02.000000+0000',
      request_id: asking().id,
      mcbridge: {
        kind: 'replies',
        ...WRITER,
        flow: FLOW,
        route: 'federation → legacy',
        targets: 3,
        ok: 1,
        failed: 1,
        refused: 1,
        first: '2027-01-15T08:00:01.000Z',
        last: '2027-01-15T08:00:02.000Z',
        nodes: ['n1'],
        failed_nodes: ['n2', 'n3'],
      },
    });
  });

  it.each([true, false])('says who is missing only where the bridge is alone: %s', async (isAlone) => {
    const { decide, answer, read, clock } = makeAuditor({ isAlone });
    decide(asking({ targets: toNodes(['n1', 'n2']) }));
    answer('n1');
    clock.now += 60_000;
    await vi.waitFor(() => expect(read()).toHaveLength(2));
    expect(read()[1].mcbridge).toMatchObject({ ok: 1, targets: 2 });
    expect(read()[1].mcbridge.missing_nodes).toEqual(isAlone ? ['n2'] : undefined);
  });

  it('says how many are missing, and names so many of them', async () => {
    const { decide, read, clock } = makeAuditor({ isAlone: true, names: 2 });
    decide(asking({ targets: toNodes(['n1', 'n2', 'n3']) }));
    clock.now += 60_000;
    await vi.waitFor(() => expect(read()).toHaveLength(2));
    expect(read()[1].mcbridge).toMatchObject({ missing: 3, missing_nodes: ['n1', 'n2'] });
  });

  it('says of nobody that he is missing before the time of the request is over', () => {
    const { auditor, decide, answer, read } = makeAuditor({ isAlone: true });
    decide(asking({ targets: toNodes(['n1', 'n2']) }));
    answer('n1');
    auditor.stop();
    expect(read()[1].mcbridge).toMatchObject({ ok: 1, early: true });
    expect(read()[1].mcbridge).not.toHaveProperty('missing');
  });

  it('says of nobody that he is missing where another instance took a part of the request', async () => {
    const { decide, answer, read, clock } = makeAuditor({ isAlone: true });
    answer('n1');
    decide(asking({ targets: toNodes(['n2', 'n3']) }));
    clock.now += 60_000;
    await vi.waitFor(() => expect(read()).toHaveLength(2));
    expect(read()[1].mcbridge).toMatchObject({ taken_by: 'another instance', ok: 1 });
    expect(read()[1].mcbridge).not.toHaveProperty('missing');
  });

  it('says that another instance took the request, and names so many nodes', () => {
    const { auditor, answer, read } = makeAuditor({ names: 1 });
    for (const node of ['n1', 'n2']) answer(node);
    auditor.stop();
    expect(read()).toMatchObject([
      { mcbridge: { taken_by: 'another instance', ok: 2, nodes: ['n1'], early: true } },
    ]);
  });

  it('does not come for what did not go out, and that has a record of its own', () => {
    const { auditor, decide, read } = makeAuditor();
    decide(asking({ targets: toNodes(['n1']) }));
    auditor.unsent(
      new Rejection('no_signing_key', 'there is no key', { flow: FLOW, requestId: 'id' }),
      'all',
      ROUTE,
    );
    auditor.stop();
    expect(read().slice(1)).toMatchObject([
      { request_id: 'id', mcbridge: { kind: 'unsent', extent: 'all', code: 'no_signing_key', flow: FLOW } },
    ]);
  });

  it('comes before its time where there is no room: so many requests and bytes are remembered', () => {
    const { answer, read } = makeAuditor({ limits: { requests: 10, bytes: 1_000_000 } });
    for (let count = 0; count < 25; count++) answer('n1', 'ok', { flow: String(count).padStart(32, '0') });
    expect(read()).toHaveLength(15);
    expect(read()[0]).toMatchObject({ mcbridge: { early: true, ok: 1 } });

    const small = makeAuditor({ names: 10_000, limits: { requests: 1_000, bytes: 20_000 } });
    for (let count = 0; count < 40; count++)
      small.answer('n'.repeat(200), 'ok', { flow: String(count % 20).padStart(32, '0') });
    expect(small.read().length).toBeGreaterThan(10);
  });
});
