import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sendingContract } from '../../../src/testing/sending-contract.ts';
import { LinkError } from '../../../src/transport/link.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { closeLinks, collect, linkTo, outgoing, unique, until } from './harness.ts';
import { startProxy, type TcpProxy } from './proxy.ts';

let broker: ActiveMq;
let other: ActiveMq;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [broker, other] = await Promise.all([startActiveMq(), startActiveMq()]);
});

afterEach(async () => {
  await closeLinks();
  for (const end of ends.splice(0)) await end();
});

afterAll(() => Promise.all([broker.stop(), other.stop()]));

const proxied = async (): Promise<TcpProxy> => {
  const proxy = await startProxy(broker.port);
  ends.push(() => proxy.close());
  return proxy;
};

const hangingUp = ({ port }: { readonly port: number }): string =>
  `stomp://127.0.0.1:${port}: it ended the connection instead of an answer to CONNECT`;

const local = ({ port }: { readonly port: number }) => ({ host: '127.0.0.1', port });

interface Listener {
  readonly port: number;
  connections(): number;
}

/** A listener that does this with everyone who comes and has said something. */
const serverThat = async (answer: (socket: Socket) => void): Promise<Listener> => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    const closed = once(server, 'close');
    server.close();
    await closed;
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  return { port: address.port, connections: () => sockets.length };
};

/** A listener that says these bytes, or nothing. */
const serverThatSays = (bytes: string): Promise<Listener> => serverThat((socket) => socket.write(bytes));

describe('a wrong password', () => {
  const account = { user: 'mcollective', password: 'not-the-pass' };
  const refused = () =>
    `stomp://127.0.0.1:${broker.port}: it refuses the credentials (user "mcollective": ` +
    'User name [mcollective] or password is invalid.)';
  // ActiveMQ's ERROR does not always come before it closes the connection.
  const hungUp = () => hangingUp(broker);

  test('is said in plain words, without the password, and tried again with growing pauses', async () => {
    const { link, events, reasons } = linkTo([broker], account, { random: () => 1 });
    const opened = link.open();
    await until(() => events.length >= 4, 'four attempts');
    const delays = events.map((event) => (event.kind === 'retry' ? event.delay : -1));
    expect(delays.slice(0, 4)).toEqual([50, 100, 200, 400]);
    expect(reasons()).toContain(refused());
    for (const reason of reasons()) expect([refused(), hungUp()]).toContain(reason);
    expect(link.state()).toMatchObject({ up: false, reason: reasons().at(-1) });
    await link.close();
    await expect(opened).rejects.toMatchObject({ code: 'closed' });
    expect(JSON.stringify([events, reasons()])).not.toContain(account.password);
  });

  test('rejects the opening of a link that is to fail fast', async () => {
    const { link, events } = linkTo([broker], account, { failFast: true });
    const error: unknown = await link.open().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LinkError);
    if (!(error instanceof LinkError)) return;
    expect([`refused: ${refused()}`, `unreachable: ${hungUp()}`]).toContain(
      `${error.code}: ${error.message}`,
    );
    expect(events).toEqual([]);
    expect(() => link.send(outgoing(unique(), 'x'))).toThrow('closed');
  });
});

test('a server that closes the connection at CONNECT may do so because of the login, and is said to', async () => {
  const curt = await serverThat((socket) => socket.end());
  const { link } = linkTo([local(curt)], broker, { failFast: true });
  await expect(link.open()).rejects.toMatchObject({
    code: 'unreachable',
    message: hangingUp(local(curt)),
  });
  const { link: again } = linkTo([local(curt)], broker, { failFast: true });
  const error: unknown = await again.open().catch((thrown: unknown) => thrown);
  expect(error instanceof LinkError && error.hint()).toContain('at a wrong password');
});

test.each([
  ['at once', (socket: Socket, error: string) => socket.end(error)],
  [
    'in two pieces',
    (socket: Socket, error: string) => {
      socket.write(error.slice(0, 20));
      setImmediate(() => socket.end(error.slice(20)));
    },
  ],
])('the ERROR of a server that then closes the connection is heard, %s', async (_, answer) => {
  const curt = await serverThat((socket) => answer(socket, 'ERROR\nmessage:Too many connections\n\n\0'));
  for (let i = 0; i < 20; i++) {
    const { link } = linkTo([local(curt)], broker, { failFast: true });
    await expect(link.open()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('it takes no more connections'),
    });
  }
});

test('a port where nobody listens is unreachable', async () => {
  const proxy = await startProxy(broker.port);
  await proxy.close();
  const { link } = linkTo([local(proxy)], broker, { failFast: true });
  await expect(link.open()).rejects.toMatchObject({ code: 'unreachable' });
});

test('a server that accepts and never answers CONNECT is given up', async () => {
  const silent = await serverThatSays('');
  const { link } = linkTo([local(silent)], broker, { failFast: true, connectTimeout: 300 });
  await expect(link.open()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('says nothing within 300 ms'),
  });
});

test('a server that speaks another protocol is left, and tried again', async () => {
  const web = await serverThatSays('HTTP/1.1 400 Bad Request\r\n\r\n');
  const { link, events } = linkTo([local(web)], broker);
  link.open().catch(() => undefined);
  await until(() => web.connections() >= 3, 'it was tried again');
  expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['retry']));
  expect(events[0]).toMatchObject({
    reason: expect.stringContaining('not a STOMP broker but an HTTP server'),
  });
});

test('garbage in the middle of a connection ends it, and a new one is made', async () => {
  const connectedThenGarbage = await serverThatSays(
    'CONNECTED\nversion:1.2\n\n\0\nMESSAGE\nno colon here\n\n\0',
  );
  const { link, events } = linkTo([local(connectedThenGarbage), broker], broker);
  await link.open();
  await until(() => link.state().server === `stomp://127.0.0.1:${broker.port}`, 'the other server was taken');
  expect(events.map(({ kind }) => kind)).toEqual(['connected', 'disconnected', 'retry', 'connected']);
});

test('a broker that offers no heart-beats is reported once connected', async () => {
  const bare = await serverThatSays('CONNECTED\nsession:ID:vm-34063\n\n\0\n');
  const { link, events } = linkTo([local(bare)], broker, { closeTimeout: 50 });
  await link.open();
  expect(events).toMatchObject([{ kind: 'connected', note: expect.stringContaining('no heart-beats') }]);
});

test('a version that was not offered is not accepted', async () => {
  const old = await serverThatSays('CONNECTED\nsession:ID:vm-34063\n\n\0\n');
  const { link } = linkTo([local(old)], broker, { versions: ['1.1', '1.2'], failFast: true });
  await expect(link.open()).rejects.toMatchObject({ code: 'protocol' });
});

test('heart-beats keep an idle connection', async () => {
  const proxy = await proxied();
  const { link, events } = linkTo([local(proxy)], broker, {
    heartbeat: { outgoing: 1_000, incoming: 2_000 },
  });
  await link.open();
  await until(() => proxy.sent().endsWith('\n'.repeat(8)), 'eight heart-beats');
  expect(events).toEqual([{ kind: 'connected', server: `stomp://127.0.0.1:${proxy.port}` }]);
  expect(link.state().up).toBe(true);
});

test('a peer is not taken for dead because this process was busy', async () => {
  const { link, events } = linkTo([broker], broker, { heartbeat: { outgoing: 0, incoming: 100 } });
  await link.open();
  for (let i = 0; i < 3; i++) {
    const end = performance.now() + 1800;
    while (performance.now() < end);
    await sleep(20);
  }
  expect(events).toHaveLength(1);
  expect(link.state().up).toBe(true);
});

test('a stalled connection is noticed by its missing heart-beats, and replaced', async () => {
  const proxy = await proxied();
  const { link, events, reasons } = linkTo([local(proxy)], broker, {
    heartbeat: { outgoing: 100, incoming: 100 },
  });
  await link.open();
  const queue = unique();
  const { bodies } = await collect(link, queue);
  proxy.stall();
  await until(() => events.some(({ kind }) => kind === 'disconnected'), 'the stall was noticed');
  expect(reasons()[0]).toContain('heart-beats are missing');
  proxy.resume();
  await until(() => link.state().up, 'it is connected again');
  link.send(outgoing(queue, 'hello again'));
  await until(() => bodies().length === 1, 'the subscription was made anew');
});

sendingContract('a STOMP link', {
  stage: async (buffer) => {
    const proxy = await startProxy(broker.port);
    const { link, events } = linkTo([local(proxy)], broker, { buffer });
    const { link: receiver } = linkTo([broker], broker);
    await receiver.open();
    const close = async (): Promise<void> => {
      proxy.resume();
      await closeLinks();
      await proxy.close();
    };
    return { link, events, receiver, stall: proxy.stall, resume: proxy.resume, close };
  },
  destinations: () => {
    const queue = unique();
    return { to: () => queue, all: queue };
  },
});

test('a broker that does not read makes messages wait here, and the buffer is bounded', async () => {
  const proxy = await proxied();
  const limits = { maxMessages: 1000, maxBytes: 8 * 1024 * 1024 };
  const { link } = linkTo([local(proxy)], broker, { buffer: limits });
  await link.open();
  const queue = unique();
  const { messages } = await collect(link, queue);
  proxy.stall();
  const body = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const fill = () => {
    for (; sent < 5000; sent++) link.send(outgoing(queue, body));
  };
  expect(fill).toThrow(expect.objectContaining({ name: 'LinkError', code: 'overloaded' }));
  // But for what keeping the messages takes.
  const most = limits.maxBytes / body.length;
  expect(link.state().buffered).toBeLessThanOrEqual(most);
  expect(link.state().buffered).toBeGreaterThan(most * 0.95);
  proxy.resume();
  await until(() => messages.length === sent, 'all that was accepted came');
  expect(link.state().buffered).toBe(0);
});

test('messages that are sent while the link is down wait, up to the limit', async () => {
  const { link } = linkTo([broker], broker, { buffer: { maxMessages: 3, maxBytes: 10_000 } });
  const queue = unique();
  for (const body of ['one', 'two', 'three']) link.send(outgoing(queue, body));
  expect(() => link.send(outgoing(queue, 'four'))).toThrow(expect.objectContaining({ code: 'overloaded' }));
  const subscribed = collect(link, queue);
  await link.open();
  const { bodies } = await subscribed;
  await until(() => bodies().length === 3, 'all came');
  expect(bodies()).toEqual(['one', 'two', 'three']);
});

test('closing a link that is down says how many messages are lost', async () => {
  const { link, events } = linkTo([broker], broker);
  link.send(outgoing(unique(), 'x'));
  await link.close();
  expect(events).toMatchObject([{ kind: 'error', error: { code: 'closed', message: /1 messages waited/ } }]);
});

test('a refused subscription is reported in the broker’s words and tried again, while the others go on', async () => {
  const { link, events } = linkTo([broker], broker);
  await link.open();
  const queue = unique();
  const { bodies } = await collect(link, queue);
  void collect(link, unique(), { selector: 'mc_identity = = ' }).catch(() => undefined);
  const refusals = () => events.flatMap((event) => (event.kind === 'denied' ? [event.error] : []));
  await until(() => refusals().length >= 3, 'it was tried three times');
  expect(refusals()[0]?.message).toContain('it refuses the subscription to /queue/');
  expect(refusals()[0]?.message).toContain('mc_identity = =');
  link.send(outgoing(queue, 'still here'));
  await until(() => bodies().length === 1, 'another subscription goes on');
  expect(link.state()).toMatchObject({ up: true, denied: [{ error: refusals()[0] ?? {} }] });
  expect(events.map(({ kind }) => kind)).not.toContain('disconnected');
});

test('when its broker dies a link goes on with the next one', async () => {
  const { link, events } = linkTo([broker, other], broker);
  await link.open();
  const queue = unique();
  const { bodies } = await collect(link, queue);
  await broker.kill();
  link.send(outgoing(queue, 'to the other'));
  await until(() => bodies().length === 1, 'the other broker delivered it');
  expect(link.state().server).toBe(`stomp://127.0.0.1:${other.port}`);
  expect(events.map(({ kind }) => kind)).toEqual(['connected', 'disconnected', 'retry', 'connected']);
  await broker.restart();
});

test('a stream of messages survives the death of its broker: none twice, those of the outage later, the old ones counted', async () => {
  const { link, events } = linkTo([broker], broker);
  await link.open();
  const queue = unique();
  const { bodies } = await collect(link, queue);
  let next = 0;
  const sent: string[] = [];
  const send = (lifetime: number) => {
    const body = `${next++}`;
    sent.push(body);
    link.send(outgoing(queue, body, { expires: Date.now() + lifetime }));
    return body;
  };
  const stream = setInterval(() => send(60_000), 2);
  await until(() => bodies().length > 100, 'the stream flows');
  await broker.kill();
  await until(() => !link.state().up, 'the death was noticed');
  clearInterval(stream);
  const waiting = Array.from({ length: 200 }, () => send(60_000));
  const old = Array.from({ length: 30 }, () => send(100));
  const counted = () =>
    events.reduce(
      (sum, event) => sum + (event.kind === 'expired' && event.destination === queue ? event.count : 0),
      0,
    );
  await until(() => counted() === old.length, 'the old ones were counted as expired');
  await broker.restart();
  await until(() => bodies().includes(waiting.at(-1) ?? ''), 'those of the outage came');
  const got = bodies();
  expect(new Set(got).size).toBe(got.length);
  expect(got.filter((body) => waiting.includes(body))).toEqual(waiting);
  expect(got.filter((body) => old.includes(body))).toEqual([]);
  // Lost is only what the dying broker or the socket had already.
  const lost = sent.filter((body) => !got.includes(body) && !old.includes(body));
  expect(Math.max(...lost.map(Number), -1)).toBeLessThan(Number(waiting[0]));
  expect(link.state()).toMatchObject({ up: true, buffered: 0 });
});
