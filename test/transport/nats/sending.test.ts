import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { sendingContract } from '../../../src/testing/sending-contract.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { startProxy } from '../stomp/proxy.ts';
import { clientTls, closeLinks, linkErrorOf, linkTo, listen, message, serverTls } from './harness.ts';

let server: NatsServer;

beforeAll(async () => {
  server = await startNatsServer({ tls: serverTls });
});
afterEach(closeLinks);
afterAll(() => server.stop());

let fanOuts = 0;

sendingContract('a NATS link', {
  stage: async (buffer) => {
    const proxy = await startProxy(server.port);
    const link = linkTo([`nats://127.0.0.1:${proxy.port}`], { tls: clientTls, buffer });
    const receiver = linkTo([server], { tls: clientTls });
    await receiver.open();
    const close = async (): Promise<void> => {
      proxy.resume();
      await closeLinks();
      await proxy.close();
    };
    return { link, events: link.events, receiver, stall: proxy.stall, resume: proxy.resume, close };
  },
  destinations: () => {
    const name = `fan${++fanOuts}`;
    return { to: (i) => `${name}.${i}`, all: `${name}.*` };
  },
});

describe('a NATS server that allows less than before', () => {
  const LARGE = 200_000;
  const limit = (bytes: number): string => `max_payload: ${bytes}`;

  test('after it came back, gets all that it allows; of the rest each sender is told', async () => {
    const other = await startNatsServer({ tls: serverTls });
    try {
      const link = linkTo([other], { tls: clientTls });
      await link.open();
      await other.kill();
      await vi.waitFor(() => expect(link.state().up).toBe(false), { timeout: 60_000 });
      const told: (readonly [n: number, code: string, count: number])[] = [];
      for (let n = 0; n < 20; n++) {
        const body = n === 2 ? Buffer.alloc(LARGE) : Buffer.from(`${n}`);
        link.send(message('work', body), (error, count) => void told.push([n, error.code, count]));
      }
      const large = Buffer.alloc(LARGE);
      const pair = [message('work', large), message('work', large)];
      link.sendAll(pair, (error, count) => void told.push([20, error.code, count]));
      await other.reconfigure(limit(100_000));
      const received = await (async () => {
        await other.restart();
        const receiver = linkTo([other], { tls: clientTls });
        // The link's own subscription stands before what waits is sent.
        const heard = listen(link, 'work');
        await receiver.open();
        return heard;
      })();
      await vi.waitFor(() => expect(received).toHaveLength(19), { timeout: 60_000 });
      expect(received).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`).filter((n) => n !== '2'));
      expect(told).toEqual([
        [2, 'too_large', 1],
        [20, 'too_large', 2],
      ]);
      expect(link.of('disconnected')).toHaveLength(1);
      expect((await linkErrorOf(() => link.send(message('work', large)))).code).toBe('too_large');
    } finally {
      await other.stop();
    }
  });

  test('while it runs, without a word: what is too large ends the connection once, and is refused from then on', async () => {
    const other = await startNatsServer({ tls: serverTls });
    try {
      const link = linkTo([other], { tls: clientTls });
      await link.open();
      const received = await listen(link, 'work');
      await other.reconfigure(limit(100_000));
      other.signal('SIGHUP');
      const tooLarge = message('work', Buffer.alloc(LARGE));
      const isRefused = async (): Promise<void> =>
        expect((await linkErrorOf(() => link.send(tooLarge))).code).toBe('too_large');
      await vi.waitFor(isRefused, { timeout: 60_000 });
      link.send(message('work', 'small'));
      await vi.waitFor(() => expect(received.at(-1)).toBe('small'), { timeout: 60_000 });
      expect(link.of('disconnected')).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });

  test('and says so while it runs, is believed at once', async () => {
    const said: string[] = [];
    const sockets: Socket[] = [];
    const scripted = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.write('INFO {"version":"2.9.10","headers":true,"max_payload":1000}\r\n');
      socket.on('data', (chunk) => {
        said.push(chunk.toString());
        for (const _ of chunk.toString().matchAll(/PING\r\n/g)) socket.write('PONG\r\n');
      });
    }).listen(0, '127.0.0.1');
    try {
      await once(scripted, 'listening');
      const address = scripted.address();
      const link = linkTo([`nats://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`]);
      await link.open();
      link.send(message('work', 'x'.repeat(900)));
      await vi.waitFor(() => expect(said.join('')).toContain('PUB work 900'), { timeout: 60_000 });
      sockets[0]?.write('INFO {"max_payload":100}\r\n');
      const isRefused = async (): Promise<void> =>
        expect((await linkErrorOf(() => link.send(message('work', 'x'.repeat(900))))).code).toBe('too_large');
      await vi.waitFor(isRefused, { timeout: 60_000 });
      // What it has not said again still holds.
      link.send(message('work', 'small', { headers: { a: 'b' } }));
      await vi.waitFor(() => expect(said.join('')).toContain('small'), { timeout: 60_000 });
      expect(link.of('disconnected')).toEqual([]);
    } finally {
      await closeLinks();
      scripted.close();
    }
  });
});
