import { once } from 'node:events';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, expect, test, vi } from 'vitest';
import { claimLifetimeMs } from '../../src/cluster/bucket.ts';
import { type ConnectionSettings, type Fresh, LastingConnection } from '../../src/cluster/connection.ts';
import { proveClaims } from '../../src/cluster/proof.ts';
import { startTcpServer } from '../../src/testing/tcp-server.ts';
import { type NatsServer, newerNatsServer, startNatsServer } from '../support/nats-server.ts';

/** For a machine that is busy with other things. */
const PATIENT = { timeout: 60_000 };
const BUCKET = { cluster: 'test', maxAge: claimLifetimeMs(60, 60), maxBytes: 16 * 1024 ** 2, replicas: 1 };
const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const serve = async (...act: Parameters<typeof startTcpServer>) => {
  const server = await startTcpServer(...act);
  ends.push(() => server.close());
  return server;
};

const startNats = async (): Promise<NatsServer> => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  return nats;
};

const connectTo = (
  { url }: { readonly url: string },
  {
    up = () => undefined,
    fresh,
    ...settings
  }: Partial<ConnectionSettings> & { up?: () => void; fresh?: Fresh } = {},
) => {
  const connections: NatsConnection[] = [];
  const reasons: string[] = [];
  const lasting = new LastingConnection(
    { servers: [url], name: 'test', ...settings },
    {
      up: (connection) => {
        connections.push(connection);
        up();
      },
      down: (reason) => void reasons.push(reason),
      told: () => undefined,
    },
    fresh,
  );
  ends.push(() => lasting.close());
  lasting.open();
  return { lasting, connections, reasons };
};

/** What the proof that `check` makes fails with. */
const refusalOf = async ({ url }: { readonly url: string }, connectTimeout = 20_000): Promise<string> => {
  const proof = await proveClaims({ servers: [url], name: 'test', connectTimeout }, BUCKET);
  return proof.kind === 'failed' ? proof.error.message : 'a claim was made';
};

test.for([
  ['is read in time that grows with its length', `INFO {}${' '.repeat(250_000)}x\r\n`, /no JSON/],
  ['has an end', 'x'.repeat(300_000), /not a NATS server but something else/],
] as const)('the first line of a stranger %s', PATIENT, async ([_, line, why]) => {
  const stranger = await serve((socket) => socket.write(line));
  const { reasons } = connectTo(stranger, { connectTimeout: 20_000 });
  await vi.waitFor(() => expect(reasons[0]).toMatch(why), PATIENT);
  expect(await refusalOf(stranger)).toMatch(why);
});

test('an attempt at a server that says nothing leaves no socket', PATIENT, async () => {
  const silent = await serve();
  const open = () => silent.sockets.filter((socket) => !socket.destroyed);
  const { lasting, reasons } = connectTo(silent, { connectTimeout: 50 });
  await vi.waitFor(() => expect(silent.sockets.length).toBeGreaterThan(3), PATIENT);
  expect(reasons[0]).toContain('says nothing within 50 ms');
  await lasting.close();
  await vi.waitFor(() => expect(open()).toEqual([]), PATIENT);
  expect(await refusalOf(silent, 50)).toContain('says nothing within 50 ms');
  await vi.waitFor(() => expect(open()).toEqual([]), PATIENT);
});

test('closed while it connects, it ends the attempt', PATIENT, async () => {
  const silent = await serve();
  const { lasting, reasons } = connectTo(silent, { connectTimeout: 600_000 });
  await vi.waitFor(() => expect(silent.sockets).toHaveLength(1), PATIENT);
  const [socket] = silent.sockets;
  if (socket === undefined) throw new Error('nobody has come');
  const gone = once(socket, 'close');
  await lasting.close();
  await gone;
  expect(reasons).toEqual([]);
});

test('closed as soon as it is there, it has ended', PATIENT, async () => {
  const nats = await startNats();
  let closed: Promise<void> | undefined;
  const { lasting, connections } = connectTo(nats, {
    up: () => {
      closed = lasting.close();
    },
  });
  await vi.waitFor(() => expect(closed).toBeDefined(), PATIENT);
  await closed;
  expect(connections.map((connection) => connection.isClosed())).toEqual([true]);
});

test('a goodbye that takes for ever is not waited for', PATIENT, async () => {
  const nats = await startNats();
  const { lasting, connections } = connectTo(nats);
  await vi.waitFor(() => expect(connections).toHaveLength(1), PATIENT);
  const [connection] = connections;
  if (connection === undefined) throw new Error('there is no connection');
  const close = connection.close.bind(connection);
  connection.close = () => new Promise(() => undefined);
  await lasting.close();
  await close();
});

test('a connection that is gone is made again, and told of once each time', PATIENT, async () => {
  const nats = await startNats();
  const { connections, reasons } = connectTo(nats);
  await vi.waitFor(() => expect(connections).toHaveLength(1), PATIENT);
  await nats.kill();
  await vi.waitFor(() => expect(reasons.at(-1)).toContain('connection refused'), PATIENT);
  await nats.restart();
  await vi.waitFor(() => expect(connections).toHaveLength(2), PATIENT);
});

/** A server that takes clients whatever their password is, and what they have said it is. */
const listening = async () => {
  const said: unknown[] = [];
  const server = await serve((socket) => {
    socket.write('INFO {"version":"2.9.10","max_payload":1048576,"auth_required":true}\r\n');
    socket.on('data', (chunk: Buffer) => {
      const connect = /^CONNECT (\{.*\})\r$/m.exec(chunk.toString())?.[1];
      if (connect !== undefined) said.push(JSON.parse(connect).pass);
      if (chunk.includes('PING\r\n')) socket.write('PONG\r\n');
    });
  });
  return { server, said };
};

test(
  'each attempt is made with what the files hold by then, unless that leads elsewhere',
  PATIENT,
  async () => {
    const { server, said } = await listening();
    const first: ConnectionSettings = { servers: [server.url], name: 'test', user: 'u', password: 'first' };
    let now: ConnectionSettings | undefined = first;
    let times = 0;
    connectTo(server, { ...first, up: () => void times++, fresh: () => now });
    const cut = async (next: ConnectionSettings | undefined, after: number): Promise<void> => {
      await vi.waitFor(() => expect(times).toBe(after), PATIENT);
      now = next;
      for (const socket of server.sockets) socket.destroy();
    };
    await cut({ ...first, password: 'second', name: 'another' }, 1);
    await cut({ ...first, password: 'of another server', servers: ['nats://127.0.0.1:1'] }, 2);
    await cut(undefined, 3);
    await vi.waitFor(() => expect(times).toBe(4), PATIENT);
    expect(said).toEqual(['first', 'second', 'first', 'first']);
  },
);

test.for([
  ['nats-server', () => ({})],
  ['a newer nats-server', () => ({ program: newerNatsServer() })],
] as const)('a password that %s takes no more is followed', PATIENT, async ([, options]) => {
  const taking = (password: string): string => `authorization { user: u, password: "${password}" }`;
  const nats = await startNatsServer({ ...options(), extra: taking('first') });
  ends.push(() => nats.stop());
  const first: ConnectionSettings = { servers: [nats.url], name: 'test', user: 'u', password: 'first' };
  let now = first;
  let times = 0;
  const { reasons } = connectTo(nats, { ...first, up: () => void times++, fresh: () => now });
  await vi.waitFor(() => expect(times).toBe(1), PATIENT);
  await nats.reconfigure(taking('second'));
  await nats.restart();
  await vi.waitFor(() => expect(reasons.some((reason) => /login|auth/i.test(reason))).toBe(true), PATIENT);
  now = { ...first, password: 'second' };
  await vi.waitFor(() => expect(times).toBe(2), PATIENT);
});
