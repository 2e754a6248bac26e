import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { clientTls, closeLinks, linkErrorOf, linkTo, listen, message, serverTls } from './harness.ts';
import { startStallingProxy } from './stalling-proxy.ts';

let server: NatsServer;
/** For a machine that is busy with other things. */
const PATIENT = { timeout: 60_000 };

beforeEach(async () => {
  server = await startNatsServer({ tls: serverTls });
});
afterEach(async () => {
  await closeLinks();
  await server.stop();
});

const openLink = async (options: Parameters<typeof linkTo>[1] = {}) => {
  const link = linkTo([server], { tls: clientTls, ...options });
  await link.open();
  return link;
};

describe('a NATS link whose server is killed and comes back', () => {
  test('sends what was sent meanwhile, once each and in order, under a stream', async () => {
    const link = await openLink();
    const received = await listen(link, 'stream');
    const sentWhileDown: string[] = [];
    let next = 0;
    const stream = setInterval(() => {
      const body = String(next++);
      if (!link.state().up) sentWhileDown.push(body);
      link.send(message('stream', body));
    }, 2);
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(20), PATIENT);
    await server.kill();
    await vi.waitFor(() => expect(sentWhileDown.length).toBeGreaterThan(100), PATIENT);
    await server.restart();
    await vi.waitFor(() => expect(link.of('connected')).toHaveLength(2), PATIENT);
    const last = String(next);
    await vi.waitFor(() => expect(received).toContain(last), PATIENT);
    clearInterval(stream);
    expect(received.filter((body) => sentWhileDown.includes(body))).toEqual(sentWhileDown);
    expect(new Set(received).size).toBe(received.length);
    expect(received.map(Number)).toEqual(received.map(Number).toSorted((a, b) => a - b));
    expect(link.of('disconnected')).toMatchObject([{ server: server.url }]);
    expect(link.of('retry').length).toBeGreaterThan(0);
  });

  test('counts what expired meanwhile, and does not send it', async () => {
    const link = await openLink();
    const received = await listen(link, '>');
    await server.kill();
    await vi.waitFor(() => expect(link.state().up).toBe(false), PATIENT);
    for (let i = 0; i < 10; i++) link.send(message('short', '', { expires: Date.now() + 20 }));
    link.send(message('long', 'kept'));
    await vi.waitFor(
      () => expect(link.of('expired').reduce((sum, { count }) => sum + count, 0)).toBe(10),
      PATIENT,
    );
    expect(new Set(link.of('expired').map(({ destination }) => destination))).toEqual(new Set(['short']));
    expect(link.state().buffered).toBe(1);
    await server.restart();
    await vi.waitFor(() => expect(received).toEqual(['kept']), PATIENT);
  });

  test('shares its queue group again', async () => {
    const [one, two] = [await openLink(), await openLink()];
    const bodies = [await listen(one, 'work', 'crew'), await listen(two, 'work', 'crew')];
    await server.kill();
    await server.restart();
    await vi.waitFor(() => expect([one, two].map((link) => link.of('connected').length)).toEqual([2, 2]), {
      timeout: 60_000,
    });
    // Both have subscribed again once a subscription made after it is confirmed.
    await Promise.all([listen(one, 'x'), listen(two, 'x')]);
    for (let i = 0; i < 100; i++) one.send(message('work', ''));
    await vi.waitFor(() => expect(bodies.flat()).toHaveLength(100), PATIENT);
  });
});

describe('the buffer of a link that is down', () => {
  test('refuses more messages than its limit', async () => {
    const link = linkTo([server], { buffer: { maxMessages: 3, maxBytes: 10_000 } });
    for (let i = 0; i < 3; i++) link.send(message('a', ''));
    expect((await linkErrorOf(() => link.send(message('a', '')))).code).toBe('overloaded');
    expect(link.state().buffered).toBe(3);
  });

  test('refuses more bytes than its limit', async () => {
    const link = linkTo([server], { buffer: { maxMessages: 100, maxBytes: 10_000 } });
    link.send(message('a', Buffer.alloc(9_000)));
    expect((await linkErrorOf(() => link.send(message('a', Buffer.alloc(1_001))))).code).toBe('overloaded');
  });

  test('is reported, not silently dropped, when the link closes', async () => {
    const link = linkTo([server]);
    link.send(message('a', ''));
    await link.close();
    expect(link.of('error').map(({ error }) => error.message)).toEqual([
      'closed while 1 message waited to be sent',
    ]);
  });
});

describe('a connection that stalls', () => {
  test('is noticed by unanswered pings, even with bytes stuck in its socket, and replaced', async () => {
    const proxy = await startStallingProxy(server.port);
    const link = linkTo([`nats://127.0.0.1:${proxy.port}`, server], {
      tls: clientTls,
      pingInterval: 1_000,
      maxPingOut: 2,
    });
    await link.open();
    const received = await listen(link, 'after');
    proxy.stall();
    // More than the kernel's buffers on both sides of the proxy take.
    for (let i = 0; i < 200; i++) link.send(message('lost', Buffer.alloc(100_000)));
    link.send(message('after', 'kept'));
    await vi.waitFor(() => expect(link.of('disconnected')).toHaveLength(1), PATIENT);
    expect(link.of('disconnected')[0]?.reason).toContain('does not answer pings');
    // The proxy still accepts connections and forwards those.
    await vi.waitFor(() => expect(received).toEqual(['kept']), { timeout: 60_000 });
    await link.close();
    proxy.close();
  });

  test('is not a slow one: while bytes come it is kept, though the answer to a ping is behind megabytes', async () => {
    const proxy = await startStallingProxy(server.port);
    const link = linkTo([`nats://127.0.0.1:${proxy.port}`], {
      tls: clientTls,
      pingInterval: 200,
      maxPingOut: 1,
    });
    const beside = linkTo([server], { tls: clientTls });
    await Promise.all([link.open(), beside.open()]);
    let received = 0;
    await link.subscribe({ destination: 'slow', onMessage: () => received++ });
    proxy.slow(40);
    for (let i = 0; i < 60; i++) beside.send(message('slow', Buffer.alloc(100_000)));
    await vi.waitFor(() => expect(received).toBe(60), PATIENT);
    expect(link.of('disconnected')).toEqual([]);
    await link.close();
    proxy.close();
  });

  test('does not fill the memory: what is under way is bounded, the rest goes to the buffer, then is refused', async () => {
    const sender = await openLink({ buffer: { maxMessages: 1000, maxBytes: 4_000_000 } });
    const receiver = await openLink();
    let received = 0;
    await receiver.subscribe({ destination: 'a', onMessage: () => received++ });
    server.signal('SIGSTOP');
    let accepted = 0;
    const error = await linkErrorOf(async () => {
      for (; accepted < 10_000; accepted++) {
        sender.send(message('a', Buffer.alloc(100_000)));
        if (accepted % 10 === 0) await new Promise(setImmediate);
      }
    });
    expect(error.code).toBe('overloaded');
    expect(accepted * 100_000).toBeLessThan(20_000_000);
    server.signal('SIGCONT');
    await vi.waitFor(() => expect(received).toBe(accepted), PATIENT);
    expect(sender.of('disconnected')).toEqual([]);
  });
});
