import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { LinkError, OutgoingMessage } from '../../../src/transport/link.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { closeLinks, linkTo, listen, message } from './harness.ts';

const PATIENT = { timeout: 60_000 };
let server: NatsServer;

beforeAll(async () => {
  server = await startNatsServer({
    extra: `authorization { users: [
      { user: bridge, password: "s3cret", permissions: { publish: "ok.>", subscribe: ">" } }
    ] }`,
  });
});
afterEach(closeLinks);
afterAll(() => server.stop());

const stage = async () => {
  const link = linkTo([server.url.replace('//', '//bridge:s3cret@')]);
  await link.open();
  const received = await listen(link, 'ok.>');
  const told: (readonly [name: string, code: string, count: number])[] = [];
  const send = (name: string, ...destinations: readonly string[]): void =>
    link.sendAll(
      destinations.map((destination): OutgoingMessage => message(destination, name)),
      (error: LinkError, count) => void told.push([name, error.code, count]),
    );
  return { link, received, told, send };
};

test('the sender of a message that the server does not permit is told, and no other', async () => {
  const { link, received, told, send } = await stage();
  for (const name of ['one', 'two', 'three']) send(name, name === 'two' ? 'secret.a' : 'ok.a');
  send('many', 'ok.b', 'secret.b', 'ok.c', 'secret.c', 'secret.d');
  send('last', 'ok.d');
  await vi.waitFor(() => expect(told).toHaveLength(2), PATIENT);
  await vi.waitFor(() => expect(received.at(-1)).toBe('last'), PATIENT);
  expect(told).toEqual([
    ['two', 'refused', 1],
    ['many', 'refused', 3],
  ]);
  expect(received).toEqual(['one', 'three', 'many', 'many', 'last']);
  expect(link.of('denied').map(({ right }) => right.destination)).toEqual([
    'secret.a',
    'secret.b',
    'secret.c',
    'secret.d',
  ]);
});

test('of many to one place each sender is told once, in order', async () => {
  const { told, send } = await stage();
  const names = Array.from({ length: 2_000 }, (_, n) => `${n}`);
  for (const name of names) send(name, 'secret.same');
  await vi.waitFor(() => expect(told).toHaveLength(names.length), PATIENT);
  expect(told).toEqual(names.map((name) => [name, 'refused', 1]));
});

test('what the server reports and does not end the connection for is told, and is no reason of a later end', async () => {
  const own = await startNatsServer();
  try {
    const link = linkTo([own]);
    await link.open();
    // A place that servers keep for themselves.
    link.send(message('a', '', { replyTo: '$JS.ACK.a.b.1.1.1.1.1' }));
    await vi.waitFor(() => expect(link.of('error')).toHaveLength(1), PATIENT);
    expect(link.of('error')[0]?.error).toMatchObject({
      kind: 'reported',
      message: expect.stringContaining(
        'it reports an error: Permissions Violation for Publish with Reply of',
      ),
    });
    await own.kill();
    await vi.waitFor(() => expect(link.of('disconnected')).toHaveLength(1), PATIENT);
    expect(link.of('disconnected')[0]?.reason).not.toContain('Permissions Violation');
  } finally {
    await closeLinks();
    await own.stop();
  }
});
