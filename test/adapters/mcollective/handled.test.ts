import { describe, expect, test } from 'vitest';
import { Handled } from '../../../src/adapters/kit/handled.ts';
import { Rejection } from '../../../src/envelope/rejection.ts';
import type { IncomingMessage, Link } from '../../../src/transport/link.ts';
import { settled } from '../world.ts';
import { clientFrame, type Deviation, fakeLink, makeStompIngress, recordingSink } from './ingress-world.ts';

/** The ingress before an exchange and the one after it, each at a broker of its own. */
const bothOf = async (clock: () => number = Date.now) => {
  const handled = new Handled();
  const make = async () => {
    const link = fakeLink();
    const told = recordingSink();
    await makeStompIngress(link, { handled, clock }).start(told.sink);
    return { ...told, deliver: (message: IncomingMessage) => link.deliver(message) };
  };
  return [await make(), await make()] as const;
};

type Side = Awaited<ReturnType<typeof bothOf>>[number];
const outcome = ({ requests, rejections, ignored }: Side) => ({
  handled: requests.length,
  refused: rejections.map(({ rejection }) => rejection.code),
  left: ignored.map(({ why }) => why),
});

const STRANGER: Deviation = { callerId: 'cert=mallory' };

describe('while one ingress takes the place of another at another broker', () => {
  test.each([
    ['broadcast', {}],
    ['directed request', { node: 'n1.example.net' }],
  ])('a %s that comes by both is handled once', async (_, kind: Deviation) => {
    const [before, after] = await bothOf();
    const frame = clientFrame(kind);
    for (const one of [after, before]) one.deliver(frame);
    await settled();
    expect(outcome(after)).toEqual({ handled: 1, refused: [], left: [] });
    expect(outcome(before)).toEqual({ handled: 0, refused: [], left: ['another_instance'] });
  });

  test('two broadcasts that differ in one byte are two', async () => {
    const [before, after] = await bothOf();
    before.deliver(clientFrame());
    after.deliver(clientFrame());
    expect([outcome(before).handled, outcome(after).handled]).toEqual([1, 1]);
  });

  test('a broadcast that is refused is refused once, and again when it is sent again', async () => {
    const [before, after] = await bothOf();
    const frame = clientFrame(STRANGER);
    before.deliver(frame);
    after.deliver(frame);
    expect(outcome(before).refused).toEqual(['caller_not_allowed']);
    expect(outcome(after)).toEqual({ handled: 0, refused: [], left: ['another_instance'] });
    before.deliver(frame);
    expect(outcome(before).refused).toHaveLength(2);
  });

  test('a refusal keeps out nothing that comes later than a copy may', async () => {
    const clock = { now: Date.now() };
    const [before, after] = await bothOf(() => clock.now);
    const frame = clientFrame(STRANGER);
    before.deliver(frame);
    clock.now += 30_000;
    after.deliver(frame);
    expect(outcome(after).refused).toEqual(['caller_not_allowed']);
  });

  test('a refusal by one keeps the other from handling nothing that it may handle', async () => {
    const handled = new Handled();
    const link = fakeLink();
    const told = recordingSink();
    const frame = clientFrame();
    const refusing = fakeLink();
    const refusals = recordingSink();
    // It does not have the caller's key yet.
    const keyless = {
      keyFor: () => {
        throw new Rejection('caller_not_allowed', 'no key');
      },
    };
    await makeStompIngress(refusing, { handled, callers: keyless }).start(refusals.sink);
    await makeStompIngress(link, { handled }).start(told.sink);
    refusing.deliver(frame);
    link.deliver(frame);
    expect([refusals.rejections.length, told.requests.length]).toEqual([1, 1]);
  });
});

test('what is remembered is bounded', () => {
  const handled = new Handled();
  for (let n = 0; n <= 50_000; n++) handled.add(`${n}`);
  expect([handled.has('0'), handled.has('1'), handled.has('50000')]).toEqual([false, true, true]);
  const [one, other] = [Symbol('one'), Symbol('other')];
  for (let n = 0; n <= 10_000; n++) handled.refuse(`${n}`, one, 0);
  expect([handled.refuse('1', other, 0), handled.refuse('0', other, 0)]).toEqual([true, false]);
});

test('a subscription to broadcasts that is confirmed after its ingress has ended is ended at once', async () => {
  const link = fakeLink();
  let confirm: () => void = () => undefined;
  const confirmed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  const slow: Link = {
    ...link,
    subscribe: async (subscription) => {
      await confirmed;
      return link.subscribe(subscription);
    },
  };
  // As by a link that is down when its ingress is exchanged.
  const ingress = makeStompIngress(slow, { broadcastQueue: '/queue/bridge.{collective}', share: 'queue' });
  const started = ingress.start(recordingSink().sink);
  await ingress.drain();
  confirm();
  await started;
  expect(link.subscriptions).toEqual([]);
});
