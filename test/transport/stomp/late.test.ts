import { expect, test } from 'vitest';
import type { Frame } from '../../../src/transport/stomp/frame.ts';
import { Subscriptions } from '../../../src/transport/stomp/subscriptions.ts';

const messageFor = (subscription: string, more: Frame['headers'] = {}): Frame => ({
  command: 'MESSAGE',
  headers: { subscription, destination: '/queue/a', ...more },
  body: Buffer.alloc(0),
});
const send = (): void => undefined;

const subscribed = async () => {
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
  const subscription = { destination: '/queue/a', onMessage: () => undefined };
  const added = subscriptions.add(subscription, send);
  subscriptions.receipt('subscribed-1');
  return { subscriptions, subscription, id: await added };
};

test('a message that comes after the end of its subscription is still its own, until the connection ends', async () => {
  const { subscriptions, subscription, id } = await subscribed();
  const removed = subscriptions.remove(id, send);
  subscriptions.receipt(`unsubscribed-${id}`);
  await removed;
  expect(subscriptions.find(messageFor(id))).toBe(subscription);
  subscriptions.disconnected();
  expect(subscriptions.find(messageFor(id))).toBeUndefined();
});

test('a message that is delivered again belongs to a subscription that stands, and to none that ends or has ended', async () => {
  const { subscriptions, id } = await subscribed();
  const again = messageFor(id, { redelivered: 'true' });
  const taken = () => [messageFor(id), again].map((frame) => subscriptions.isTakenBack(frame));
  expect(taken()).toEqual([false, false]);
  const removed = subscriptions.remove(id, send);
  expect(taken()).toEqual([false, true]);
  subscriptions.receipt(`unsubscribed-${id}`);
  await removed;
  expect(taken()).toEqual([false, true]);
  expect(subscriptions.isTakenBack({ ...again, headers: { redelivered: 'true' } })).toBe(false);
});
