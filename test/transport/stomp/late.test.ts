import { expect, test } from 'vitest';
import type { Frame } from '../../../src/transport/stomp/frame.ts';
import { Subscriptions } from '../../../src/transport/stomp/subscriptions.ts';

const messageFor = (subscription: string): Frame => ({
  command: 'MESSAGE',
  headers: { subscription, destination: '/queue/a' },
  body: Buffer.alloc(0),
});

test('a message that comes after the end of its subscription is still its own, until the connection ends', async () => {
  const subscriptions = new Subscriptions({
    prefetch: undefined,
    backoff: { initial: 50, max: 400 },
    failFast: false,
    command: () => send,
    onRefused: (error) => {
      throw error;
    },
    onGranted: () => undefined,
  });
  const send = (): void => undefined;
  const subscription = { destination: '/queue/a', onMessage: () => undefined };
  const added = subscriptions.add(subscription, send);
  subscriptions.receipt('subscribed-1');
  const id = await added;
  const removed = subscriptions.remove(id, send);
  subscriptions.receipt(`unsubscribed-${id}`);
  await removed;
  expect(subscriptions.find(messageFor(id))).toBe(subscription);
  subscriptions.disconnected();
  expect(subscriptions.find(messageFor(id))).toBeUndefined();
});
