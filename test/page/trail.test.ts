import { describe, expect, it } from 'vitest';
import { Rejection } from '../../src/envelope/rejection.ts';
import { toNodes } from '../../src/testing/targets.ts';
import { asking, decidedOn, flowOf, makeTrail, ROUTE, START, withInputs } from './world.ts';

const summary = (number: number) => ({
  fields: () => ({ flow: flowOf(number) }),
  ...{ route: ROUTE.name, replies: 1, duration: 1 },
});

describe('the trail', () => {
  it('has a line for each request, which fills as replies come in', () => {
    const { trail, clock, answer } = makeTrail();
    void trail.audit.record(
      decidedOn(asking(1, { targets: toNodes(['a', 'b', 'c']) }), { verdict: 'allow', rule: 'all' }),
    );
    expect(trail.lines()).toMatchObject([
      {
        ...{ id: flowOf(1), time: START, caller: 'choria=alice.mcollective', mapped: 'cert=alice' },
        ...{
          ingress: 'federation',
          egress: 'legacy',
          verdict: 'allow',
          rule: 'all',
          targets: 3,
          done: false,
        },
        replies: { ok: 0, failed: 0, refused: 0, unread: 0 },
      },
    ]);
    clock.now += 30;
    answer(1, 'a');
    answer(1, 'b', 'failed');
    answer(2, 'of another instance');
    expect(trail.lines()).toMatchObject([{ replies: { ok: 1, failed: 1 }, took: 30, done: false }]);
    trail.observer.requestDone(summary(1));
    expect(trail.lines()).toMatchObject([{ done: true }]);
  });

  it('takes further messages of one request as more targets of it', () => {
    const { trail } = makeTrail();
    void trail.audit.record(decidedOn(asking(1, { targets: toNodes(['a', 'b']) })));
    void trail.audit.record(decidedOn(asking(1, { targets: toNodes(['c']) })));
    expect(trail.lines()).toMatchObject([{ targets: 3 }]);
  });

  it('says why a request did not pass, or did not go out', () => {
    const { trail } = makeTrail();
    void trail.audit.record(
      decidedOn(asking(1), { verdict: 'deny', code: 'denied_by_policy', rule: 'no-one', reason: 'not here' }),
    );
    trail.audit.refused({ request: asking(2), rejection: new Rejection('no_mapping', 'no rule maps alice') });
    void trail.audit.record(decidedOn(asking(3)));
    trail.audit.unsent(new Rejection('expired', 'its ttl ended', { flow: flowOf(3) }), 'all', ROUTE);
    expect(trail.lines()).toMatchObject([
      { verdict: 'deny', rule: 'no-one', reason: 'not here', code: 'denied_by_policy', done: true },
      { verdict: 'refused', reason: 'no rule maps alice', code: 'no_mapping', done: true },
      { verdict: 'unsent', reason: 'its ttl ended', code: 'expired', done: true },
    ]);
    expect(trail.lines()[1]).not.toHaveProperty('egress');
  });

  it('shows inputs as the audit writes them', () => {
    const secret = Buffer.from('k'.repeat(32));
    const keys = new Map([
      ['password', 'drop'],
      ['user', 'hmac'],
    ] as const);
    const { trail } = makeTrail({ describe: () => ({ redaction: { keys, secret }, names: 1 }) });
    const inputs = withInputs({
      password: 'hunter2',
      user: 'root',
      package: 'nginx',
      deep: new Map([['password', 'hunter2']]),
    });
    void trail.audit.record(decidedOn(asking(1, { ...inputs, targets: toNodes(['a', 'b']) })));
    const detail = trail.detail(flowOf(1));
    expect(JSON.parse(detail?.data ?? '')).toEqual({
      ...{ password: '[dropped]', package: 'nginx', deep: { password: '[dropped]' } },
      user: expect.stringMatching(/^hmac:[0-9a-f]{64}$/),
    });
    expect(detail?.nodes).toEqual(['a']);
    expect(JSON.stringify([trail.lines(), detail])).not.toContain('hunter2');
  });

  it('opens a request: its hops, and replies that were refused, with the reasons', () => {
    const { trail, answer } = makeTrail();
    const request = asking(1);
    const hops = [['nats://a', 'prod:1', 'stomp://b']];
    const decided = decidedOn(request);
    void trail.audit.record({ ...decided, outgoing: { ...request, home: { ...request.home, hops } } });
    answer(1, 'a', 'refused');
    const context = { flow: flowOf(1), sender: 'a' };
    trail.observer.refused({
      code: 'requestid_mismatch',
      stage: 'reply_in',
      context,
      sentence: 'another id',
    });
    trail.observer.refused({ code: 'overloaded', stage: 'request', context, sentence: 'told as unsent' });
    expect(trail.detail(flowOf(1))).toMatchObject({
      hops,
      answers: [{ node: 'a', result: 'refused', after: 0 }],
      refused: [{ node: 'a', code: 'requestid_mismatch', sentence: 'another id' }],
    });
  });

  it('keeps of the messages that a request goes out as the first one, and makes no copy of others', () => {
    const { trail } = makeTrail();
    void trail.audit.record(decidedOn(asking(1)));
    let copies = 0;
    const message = (link: string) => () => ({ link, body: undefined, bytes: ++copies });
    trail.sent(flowOf(1), 'federation', message('federation'));
    trail.sent(flowOf(2), 'legacy', message('legacy'));
    for (let n = 0; n < 3; n++) trail.sent(flowOf(1), 'legacy', message('legacy'));
    expect(trail.detail(flowOf(1))).toMatchObject({ sent: { link: 'legacy', bytes: 1 }, sentMessages: 3 });
    expect(copies).toBe(1);
  });

  it('forgets the oldest, by number and by bytes', () => {
    const few = makeTrail({ limits: { requests: 2, bytes: 1_000_000 } }).trail;
    for (const number of [1, 2, 3]) void few.audit.record(decidedOn(asking(number)));
    expect(few.lines().map(({ id }) => id)).toEqual([flowOf(2), flowOf(3)]);
    expect(few.detail(flowOf(1))).toBeUndefined();
    const small = makeTrail({ limits: { requests: 100, bytes: 100_000 } }).trail;
    const inputs = withInputs({ text: 'x'.repeat(20_000) });
    for (const number of [1, 2, 3, 4]) void small.audit.record(decidedOn(asking(number, inputs)));
    expect(small.lines().map(({ id }) => id)).toEqual([flowOf(3), flowOf(4)]);
  });

  it('keeps no more of one request than it may, whatever its nodes answer', () => {
    const { trail, answer } = makeTrail({ limits: { requests: 10, bytes: 300_000 } });
    void trail.audit.record(decidedOn(asking(1)));
    void trail.audit.record(decidedOn(asking(2)));
    for (let node = 0; node < 10_000; node++) {
      answer(2, `node${node}.${'x'.repeat(500)}`);
      const context = { flow: flowOf(2), sender: 'y'.repeat(500) };
      trail.observer.refused({ code: 'internal', stage: 'reply', context, sentence: 'z'.repeat(5_000) });
    }
    const detail = trail.detail(flowOf(2));
    expect(detail?.line.replies.ok).toBe(10_000);
    expect(detail?.answers).toHaveLength(200);
    expect(detail?.refused).toHaveLength(20);
    expect(JSON.stringify(detail).length).toBeLessThan(100_000);
  });

  it('tells changes a few at a time, the rest later, and how many nobody has seen', () => {
    const { trail } = makeTrail({ limits: { requests: 3, bytes: 1_000_000 } });
    for (const number of [1, 2, 3, 4, 5]) void trail.audit.record(decidedOn(asking(number)));
    expect(trail.takeChanges(2)).toMatchObject({ missed: 2, lines: [{ id: flowOf(3) }, { id: flowOf(4) }] });
    expect(trail.takeChanges(2)).toMatchObject({ missed: 0, lines: [{ id: flowOf(5) }] });
    expect(trail.takeChanges(2)).toEqual({ missed: 0, lines: [] });
    void trail.audit.record(decidedOn(asking(6)));
    void trail.audit.record(decidedOn(asking(7)));
    expect(trail.takeChanges(9)).toMatchObject({ missed: 0 });
  });
});
