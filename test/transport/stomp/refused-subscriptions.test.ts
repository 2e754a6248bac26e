import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import { Subscriptions } from '../../../src/transport/stomp/subscriptions.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One subscription, which the broker has refused for the first time; and what was asked of the broker. */
const refused = () => {
  const asked: (string | undefined)[] = [];
  const send = (command: string, { receipt }: Readonly<Record<string, string>>): void => {
    if (command === 'SUBSCRIBE') asked.push(receipt);
  };
  const subscriptions = new Subscriptions({
    prefetch: undefined,
    backoff: { initial: 30_000, max: 60_000 },
    failFast: false,
    command: () => send,
    onRefused: () => undefined,
    onGranted: () => undefined,
  });
  void subscriptions.add({ destination: '/queue/a', onMessage: () => undefined }, send);
  subscriptions.refused(asked[0] ?? '', new LinkError('refused', 'no'));
  return { subscriptions, asked, send };
};

test('a refused subscription is asked for at once on a new connection, where it has not ended the one before', () => {
  const { subscriptions, asked, send } = refused();
  vi.advanceTimersByTime(2_000);
  subscriptions.disconnected();
  expect(subscriptions.denied).toHaveLength(1);
  subscriptions.connected(send);
  expect(asked).toHaveLength(2);
  // Its old time is no more.
  vi.advanceTimersByTime(100_000);
  expect(asked).toHaveLength(2);
  subscriptions.receipt(asked[1] ?? '');
  expect(subscriptions.denied).toEqual([]);
});

test('one that may have ended the connection waits for its time: it would end the next one too', () => {
  const { subscriptions, asked, send } = refused();
  subscriptions.disconnected();
  subscriptions.connected(send);
  expect(asked).toHaveLength(1);
  vi.advanceTimersByTime(30_000);
  expect(asked).toHaveLength(2);
});
