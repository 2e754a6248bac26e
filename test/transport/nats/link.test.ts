import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { IncomingMessage } from '../../../src/transport/link.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { clientTls, closeLinks, linkErrorOf, linkTo, listen, message, serverTls } from './harness.ts';

let server: NatsServer;

beforeAll(async () => {
  server = await startNatsServer({ tls: serverTls, extra: 'max_payload: 100000' });
});
afterEach(closeLinks);
afterAll(() => server.stop());

const openLink = async (options: Parameters<typeof linkTo>[1] = {}) => {
  const link = linkTo([server], { tls: clientTls, failFast: true, ...options });
  await link.open();
  return link;
};

describe('a NATS link', () => {
  test('carries bytes, reply subject and headers over TLS with client certificates', async () => {
    const link = await openLink();
    const received: IncomingMessage[] = [];
    await link.subscribe({ destination: 'a.*', onMessage: (incoming) => received.push(incoming) });
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    link.send(message('a.b', bytes, { replyTo: 'c.d', headers: { 'X-One': 'eins' } }));
    link.send(message('a.c', ''));
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(received[0]).toEqual({
      destination: 'a.b',
      replyTo: 'c.d',
      headers: { 'X-One': 'eins' },
      body: bytes,
    });
    expect(received[1]).toEqual({ destination: 'a.c', headers: {}, body: Buffer.alloc(0) });
    expect(link.state()).toEqual({ up: true, server: server.url, buffered: 0 });
    expect(link.events).toEqual([{ kind: 'connected', server: server.url }]);
  });

  test('shares the messages of a queue group, each to one member', async () => {
    const [sender, first, second] = [await openLink(), await openLink(), await openLink()];
    const one = await listen(first, 'work', 'crew');
    const two = await listen(second, 'work', 'crew');
    const sent = Array.from({ length: 200 }, (_, i) => String(i));
    for (const body of sent) sender.send(message('work', body));
    await vi.waitFor(() => expect(one.length + two.length).toBe(200));
    expect([...one, ...two].toSorted()).toEqual(sent.toSorted());
    expect(one.length).toBeGreaterThan(20);
    expect(two.length).toBeGreaterThan(20);
  });

  test('hears nothing more once it has unsubscribed', async () => {
    const link = await openLink();
    const other = await listen(link, 'b');
    const received: string[] = [];
    const held = await link.subscribe({
      destination: 'a',
      onMessage: ({ body }) => received.push(body.toString()),
    });
    link.send(message('a', 'first'));
    await held.unsubscribe();
    expect(received).toEqual(['first']);
    link.send(message('a', 'second'));
    link.send(message('b', 'third'));
    await vi.waitFor(() => expect(other).toEqual(['third']));
    expect(received).toEqual(['first']);
  });

  test('refuses a message larger than the server allows, and stays connected', async () => {
    const link = await openLink();
    const received = await listen(link, 'a');
    const error = await linkErrorOf(() => link.send(message('a', Buffer.alloc(100_001))));
    expect(error).toMatchObject({
      code: 'too_large',
      message: expect.stringMatching(/100001 bytes.*max_payload 100000/),
    });
    link.send(message('a', 'small'));
    await vi.waitFor(() => expect(received).toEqual(['small']));
    expect(link.of('disconnected')).toEqual([]);
  });

  test.for(['', 'a b', 'a\r\nPUB x 0', 'a..b', '.a', 'a.'])('takes %j for no subject', async (subject) => {
    const link = await openLink();
    expect((await linkErrorOf(() => link.send(message(subject, '')))).code).toBe('protocol');
    expect((await linkErrorOf(() => link.send(message('a', '', { replyTo: subject })))).code).toBe(
      'protocol',
    );
    const subscribing = link.subscribe({ destination: subject, onMessage: () => undefined });
    expect((await linkErrorOf(() => subscribing)).code).toBe('protocol');
  });

  test('reports what a subscriber throws, and goes on with the next message', async () => {
    const link = await openLink();
    const received: string[] = [];
    await link.subscribe({
      destination: 'a',
      onMessage: ({ body }) => {
        if (body.toString() === 'bad') throw new Error('a bug in the subscriber');
        received.push(body.toString());
      },
    });
    link.send(message('a', 'bad'));
    link.send(message('a', 'good'));
    await vi.waitFor(() => expect(received).toEqual(['good']));
    expect(link.of('error').map(({ error }) => error.message)).toEqual(['a bug in the subscriber']);
  });

  test('does not send what has expired', async () => {
    const link = await openLink();
    const received = await listen(link, 'a');
    link.send(message('a', 'late', { expires: Date.now() - 1 }));
    link.send(message('a', 'in time'));
    await vi.waitFor(() => expect(received).toEqual(['in time']));
    expect(link.of('expired')).toEqual([{ kind: 'expired', destination: 'a', count: 1 }]);
  });

  test('sends all it was given before it closes, and takes no more then', async () => {
    const receiver = await openLink();
    const received = await listen(receiver, 'a');
    const link = await openLink({ closeTimeout: 60_000 });
    // Three times what may be under way.
    for (let i = 0; i < 400; i++) link.send(message('a', Buffer.alloc(60_000)));
    await link.close();
    await vi.waitFor(() => expect(received).toHaveLength(400), { timeout: 60_000 });
    expect((await linkErrorOf(() => link.send(message('a', '')))).code).toBe('closed');
    expect((await linkErrorOf(() => link.open())).code).toBe('closed');
    expect(link.state().up).toBe(false);
  });

  test('keeps the order while the server does not take all at once', async () => {
    const receiver = await openLink();
    const received: number[] = [];
    await receiver.subscribe({
      destination: 'a',
      onMessage: ({ body }) => received.push(body.readUInt32BE()),
    });
    const link = await openLink();
    // Three times what may be under way.
    for (let i = 0; i < 400; i++) {
      const body = Buffer.alloc(60_000);
      body.writeUInt32BE(i);
      link.send(message('a', body));
    }
    expect(link.state().buffered).toBeGreaterThan(0);
    await vi.waitFor(() => expect(received).toHaveLength(400), { timeout: 60_000 });
    expect(received).toEqual(Array.from({ length: 400 }, (_, i) => i));
  });
});
