import { expect, it, vi } from 'vitest';
import { subscribeOnce } from '../../../src/adapters/kit/subscribe-once.ts';
import { type Link, LinkError, type LinkSubscription } from '../../../src/transport/link.ts';

const SUBSCRIPTION: LinkSubscription = { unsubscribe: async () => undefined };
const onMessage = (): void => undefined;

const staged = () => {
  const subscribe = vi.fn<Link['subscribe']>(async () => SUBSCRIPTION);
  return { subscribe, hear: subscribeOnce({ subscribe } as Partial<Link> as Link, { onMessage }) };
};

it('each destination is subscribed when it is first needed, and once', async () => {
  const { subscribe, hear } = staged();
  expect(subscribe).not.toHaveBeenCalled();
  await Promise.all([hear('one'), hear('one'), hear('other')]);
  await hear('one');
  expect(subscribe.mock.calls).toEqual([
    [{ destination: 'one', onMessage }],
    [{ destination: 'other', onMessage }],
  ]);
});

it('what cannot be heard is a rejection to all who wait, and the next one tries anew', async () => {
  const { subscribe, hear } = staged();
  subscribe.mockRejectedValueOnce(new LinkError('refused', 'you may not'));
  const refused = { name: 'Rejection', code: 'internal', message: 'internal error: you may not' };
  expect(await Promise.allSettled([hear('one'), hear('one')])).toMatchObject([
    { reason: refused },
    { reason: refused },
  ]);
  await hear('one');
  expect(subscribe).toHaveBeenCalledTimes(2);
});
