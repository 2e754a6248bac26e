import { once } from 'node:events';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, expect, test, vi } from 'vitest';
import { keptFor } from '../../src/cluster/bucket.ts';
import { type ConnectionSettings, LastingConnection } from '../../src/cluster/connection.ts';
import { proveClaims } from '../../src/cluster/proof.ts';
import { startTcpServer } from '../../src/testing/tcp-server.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

/** For a machine that is busy with other things. */
const PATIENT = { timeout: 60_000 };
const BUCKET = { cluster: 'test', maxAge: keptFor(60, 60), maxBytes: 16 * 1024 ** 2, replicas: 1 };
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
  { up = () => undefined, ...settings }: Partial<ConnectionSettings> & { up?: () => void } = {},
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
