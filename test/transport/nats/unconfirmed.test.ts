import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { closeLinks, linkTo, listen, message } from './harness.ts';

let open: NatsServer;
let strict: NatsServer;

beforeAll(async () => {
  open = await startNatsServer();
  strict = await startNatsServer({
    extra: `authorization { users: [
      { user: bridge, password: "s3cret", permissions: { publish: ">", subscribe: "ok.>" } }
    ] }`,
  });
});
afterEach(closeLinks);
afterAll(() => Promise.all([open.stop(), strict.stop()]));

test('a subscription that the next server refuses is told as unconfirmed, and made again at the one after it', async () => {
  const link = linkTo([open, strict.url.replace('//', '//bridge:s3cret@')]);
  await link.open();
  const allowed = await listen(link, 'ok.a');
  const refused = await listen(link, 'secret.a');
  expect(link.state()).toEqual({ up: true, server: open.url, buffered: 0 });

  await open.kill();
  await vi.waitFor(
    () =>
      expect(link.state()).toMatchObject({
        up: true,
        server: strict.url,
        unconfirmed: ['secret.a'],
        denied: [{ right: { kind: 'subscribe', destination: 'secret.a' } }],
      }),
    { timeout: 60_000 },
  );
  link.send(message('ok.a', 'still here'));
  await vi.waitFor(() => expect(allowed).toEqual(['still here']));

  await strict.kill();
  await open.restart();
  await vi.waitFor(() => expect(link.state()).toEqual({ up: true, server: open.url, buffered: 0 }), {
    timeout: 60_000,
  });
  link.send(message('secret.a', 'back again'));
  await vi.waitFor(() => expect(refused).toEqual(['back again']));
});

test('a subscription is told where it may have missed something, before anything comes by the next connection', async () => {
  const link = linkTo([open]);
  await link.open();
  const seen: string[] = [];
  await link.subscribe({
    destination: 'news',
    onMessage: ({ body }) => seen.push(body.toString()),
    onResubscribed: () => seen.push('gap'),
  });
  link.send(message('news', 'one'));
  await vi.waitFor(() => expect(seen).toEqual(['one']));
  await open.kill();
  await vi.waitFor(() => expect(link.state().up).toBe(false));
  link.send(message('news', 'two'));
  await open.restart();
  await vi.waitFor(() => expect(seen).toEqual(['one', 'gap', 'two']), { timeout: 60_000 });
});
