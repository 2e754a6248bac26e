import { once } from 'node:events';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { IncomingMessage } from '../../../src/transport/link.ts';
import { withDefaults } from '../../../src/transport/nats/options.ts';
import { type NatsServer, startNatsPair, startNatsServer } from '../../support/nats-server.ts';
import { closeLinks, linkTo, listen, message } from './harness.ts';

// What the client library does not do, or not as links promise it: docs/decisions/0004-nats.md.
const PATIENT = { timeout: 60_000 };
const servers: NatsServer[] = [];
const ends: (() => void)[] = [];

const serve = async (options: Parameters<typeof startNatsServer>[0] = {}): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  servers.push(server);
  return server;
};

/** A server that lets every client in; what it says to each, and what each says. */
const scripted = async (
  info: object = {},
  hear: (socket: Socket, text: string) => void = (socket, text) => {
    for (const _ of text.matchAll(/PING\r\n/g)) socket.write('PONG\r\n');
  },
) => {
  const sockets: Socket[] = [];
  const said: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.write(`INFO ${JSON.stringify({ version: '2.9.10', max_payload: 1_000_000, ...info })}\r\n`);
    socket.on('data', (chunk) => {
      said.push(chunk.toString('latin1'));
      hear(socket, chunk.toString('latin1'));
    });
  }).listen(0, '127.0.0.1');
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  const url = `nats://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return { url, sockets, said: () => said.join('') };
};

afterEach(async () => {
  await closeLinks();
  for (const server of servers.splice(0)) await server.stop();
  for (const end of ends.splice(0)) end();
});

test('a link that has been closed keeps no process alive', async () => {
  const server = await serve();
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const link = linkTo([server]);
  await link.open();
  await link.close();
  expect(timers()).toBeLessThanOrEqual(before);
});

describe('a message with headers', () => {
  test('that are none keeps its body, loses them, and the next one comes', async () => {
    const server = await serve();
    const link = linkTo([server]);
    await link.open();
    const got: IncomingMessage[] = [];
    await link.subscribe({ destination: 'odd', onMessage: (incoming) => got.push(incoming) });
    const anybody = connectSocket(server.port, '127.0.0.1');
    ends.push(() => anybody.destroy());
    const block = 'NATS/1.0\r\nno name: x\r\na: 1\r\n\r\n';
    anybody.write(
      `CONNECT {"verbose":false,"headers":true}\r\nHPUB odd ${block.length} ${block.length + 4}\r\n${block}body\r\n`,
    );
    await vi.waitFor(() => expect(got).toHaveLength(1), PATIENT);
    expect(got[0]).toEqual({ destination: 'odd', headers: {}, body: Buffer.from('body') });
    link.send(message('odd', 'next', { headers: { a: '1' } }));
    await vi.waitFor(
      () => expect(got[1]).toMatchObject({ headers: { a: '1' }, body: Buffer.from('next') }),
      PATIENT,
    );
    expect(link.events.map(({ kind }) => kind)).toEqual(['connected']);
  });

  test('gets the first of several values, and a name that is no property', async () => {
    const server = await serve();
    const link = linkTo([server]);
    await link.open();
    const got: IncomingMessage[] = [];
    await link.subscribe({ destination: 'many', onMessage: (incoming) => got.push(incoming) });
    const anybody = connectSocket(server.port, '127.0.0.1');
    ends.push(() => anybody.destroy());
    const block = 'NATS/1.0\r\na: 1\r\na: 2\r\n__proto__: x\r\n\r\n';
    anybody.write(
      `CONNECT {"verbose":false,"headers":true}\r\nHPUB many ${block.length} ${block.length}\r\n${block}\r\n`,
    );
    await vi.waitFor(() => expect(got).toHaveLength(1), PATIENT);
    expect(Object.entries(got[0]?.headers ?? {})).toEqual([
      ['a', '1'],
      ['__proto__', 'x'],
    ]);
  });

  test.for([
    ['a: b', 'x'],
    ['', 'x'],
    ['a\r\nb', 'x'],
    ['a b', 'x'],
    ['a', 'x\r\nb: y'],
    ['a', 'x\ny'],
  ])('cannot smuggle another line in: %j: %j', async ([name = '', value = '']) => {
    const link = linkTo([await serve()]);
    await link.open();
    expect(() => link.send(message('a', '', { headers: { [name]: value } }))).toThrow(
      'cannot carry the header',
    );
  });
});

describe('a server', () => {
  test('whose words the client cannot read is left at once, and asked again', async () => {
    const { url, sockets } = await scripted();
    const link = linkTo([url], { pingInterval: 600_000 });
    await link.open();
    sockets[0]?.write('NONSENSE\r\n');
    await vi.waitFor(() => expect(link.of('connected')).toHaveLength(2), PATIENT);
    expect(link.of('disconnected')).toMatchObject([
      { reason: expect.stringContaining('what it sends is not NATS') },
    ]);
  });

  test('that offers TLS gets none where none is configured', async () => {
    const { url, said } = await scripted({ tls_available: true });
    const link = linkTo([url]);
    await link.open();
    expect(said()).toMatch(/^CONNECT /);
  });

  test('that stalls is left within 15 s, unless configured otherwise', () => {
    const { pingInterval, maxPingOut } = withDefaults({ servers: [], name: '', onEvent: () => undefined });
    expect(pingInterval * (maxPingOut + 1)).toBeLessThanOrEqual(15_000);
  });

  test('in lame-duck mode is not left before it has taken what it was given', async () => {
    const second = await scripted();
    let isTaken: boolean | undefined;
    const first = await scripted({ connect_urls: [second.url.replace('nats://', '')] }, (socket, text) => {
      const answer = (): void => {
        if (!text.startsWith('CONNECT')) isTaken ??= true;
        socket.write('PONG\r\n');
      };
      if (!text.includes('PING')) return;
      // Only after the link could have left.
      if (text.startsWith('CONNECT')) answer();
      else setTimeout(answer, 200);
    });
    const link = linkTo([first.url]);
    await link.open();
    await vi.waitFor(() => expect(first.said()).toContain('PING'), PATIENT);
    link.send(message('work', 'x'));
    first.sockets[0]?.once('close', () => {
      isTaken ??= false;
    });
    first.sockets[0]?.write(
      `INFO ${JSON.stringify({ version: '2.9.10', max_payload: 1_000_000, ldm: true, connect_urls: [second.url.replace('nats://', '')] })}\r\n`,
    );
    await vi.waitFor(() => expect(link.state()).toMatchObject({ up: true, server: second.url }), PATIENT);
    expect(isTaken).toBe(true);
  });

  test('that refuses the login again and again is asked on, and lets in in the end', async () => {
    const user = (password: string): string => `authorization { user: bridge, password: "${password}" }`;
    const server = await serve({ extra: user('right') });
    const link = linkTo([server], { user: 'bridge', password: 'right' });
    await link.open();
    const received = await listen(link, 'a');
    await server.reconfigure(user('another'));
    await server.restart();
    const refusals = () =>
      link.of('retry').filter(({ reason }) => reason.includes('it refuses the credentials'));
    await vi.waitFor(() => expect(refusals().length).toBeGreaterThan(5), PATIENT);
    link.send(message('a', 'kept'));
    await server.reconfigure(user('right'));
    await server.restart();
    await vi.waitFor(() => expect(received).toEqual(['kept']), PATIENT);
  });
});

describe('the process', () => {
  test('may have other connections of the same client: each comes back in its own way', async () => {
    const server = await serve();
    const link = linkTo([server]);
    await link.open();
    const received = await listen(link, 'a');
    const other = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    const here: string[] = [];
    other.subscribe('a', { callback: (_, { data }) => void here.push(Buffer.from(data).toString()) });
    await other.flush();
    await server.kill();
    await vi.waitFor(() => expect(link.of('retry').length).toBeGreaterThan(0), PATIENT);
    const another = await serve();
    const third = await connect({ servers: another.url });
    await server.restart();
    await vi.waitFor(() => expect(link.of('connected')).toHaveLength(2), PATIENT);
    await vi.waitFor(() => other.flush(), PATIENT);
    link.send(message('a', 'x'));
    await vi.waitFor(() => expect([received, here]).toEqual([['x'], ['x']]), PATIENT);
    expect(link.of('retry').every(({ reason }) => reason.includes('connection refused'))).toBe(true);
    await Promise.all([other.close(), third.close()]);
  });
});

describe('an authenticator of its own', () => {
  test('is asked at each login; while it fails, nobody is let in as somebody else', async () => {
    const server = await serve({
      extra:
        'authorization { users: [{ user: right, password: "pass" }, { user: anybody, password: "pass" }] }\nno_auth_user: anybody',
    });
    const [first] = [linkTo([server])];
    await first?.open();
    let asked = 0;
    const link = linkTo([server], {
      authenticator: () => {
        if (++asked < 3) throw new Error('the key is not there yet');
        return { user: 'right', pass: 'pass' };
      },
    });
    await link.open();
    expect(asked).toBe(3);
    expect(link.of('retry').map(({ reason }) => reason)).toEqual(
      Array.from({ length: 2 }, () => `${server.url}: the key is not there yet`),
    );
  });
});

describe('a cluster of servers', () => {
  let first: NatsServer;
  let second: NatsServer;
  beforeEach(async () => {
    [first, second] = await startNatsPair(serve);
  });

  test('tells of its other servers, and the link goes on at one of those', async () => {
    const link = linkTo([first]);
    await link.open();
    const received = await listen(link, 'a');
    const sender = linkTo([second]);
    await sender.open();
    // Once both know each other, the link knows both.
    await vi.waitFor(() => {
      sender.send(message('a', 'before'));
      expect(received).toContain('before');
    }, PATIENT);
    await first.kill();
    await vi.waitFor(() => expect(link.state()).toMatchObject({ up: true, server: second.url }), PATIENT);
    sender.send(message('a', 'after'));
    await vi.waitFor(() => expect(received.at(-1)).toBe('after'), PATIENT);
  });

  test('in lame-duck mode is left for another, and nothing that was sent is lost', async () => {
    const link = linkTo([first]);
    await link.open();
    const receiver = linkTo([second]);
    await receiver.open();
    const received = await listen(receiver, 'work');
    await vi.waitFor(() => {
      link.send(message('work', 'begin'));
      expect(received).toContain('begin');
    }, PATIENT);
    const sent: string[] = [];
    const stream = setInterval(() => {
      for (let i = 0; i < 20; i++) {
        sent.push(String(sent.length));
        link.send(message('work', sent.at(-1) ?? ''));
      }
    }, 1);
    await vi.waitFor(() => expect(received).toContain('500'), PATIENT);
    first.signal('SIGUSR2');
    await vi.waitFor(() => expect(link.state()).toMatchObject({ up: true, server: second.url }), PATIENT);
    const until = String(sent.length + 500);
    await vi.waitFor(() => expect(received).toContain(until), PATIENT);
    clearInterval(stream);
    const last = sent.at(-1) ?? '';
    await vi.waitFor(() => expect(received).toContain(last), PATIENT);
    expect(received.filter((text) => text !== 'begin')).toEqual(sent);
    expect(link.of('disconnected')).toMatchObject([
      { reason: expect.stringContaining('it is shutting down') },
    ]);
  });
});
