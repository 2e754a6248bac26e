import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PeerLists } from '../../../src/adapters/kit/peer-lists.ts';
import { DISK } from '../../../src/config/key-files.ts';
import { NATS_WORDS } from '../../../src/transport/nats/errors.ts';
import { watchPeer } from '../../../src/transport/tls/peer.ts';
import { makeAuthority } from '../../support/pki.ts';
import { type ListOptions, revocationList } from '../../support/revocation-list.ts';

const HOUR = 3_600_000;
const LOOK_MS = 5_000;
const ca = makeAuthority('a CA of brokers');
const broker = ca.issue({ commonName: 'nats1.example.net', dnsNames: ['nats1.example.net'] });
const other = ca.issue({ commonName: 'nats2.example.net' });

let folder: string;
let file: string;
let server: Server;
const sockets: TLSSocket[] = [];

const put = (options: Partial<ListOptions> = {}): void => {
  writeFileSync(`${file}.new`, revocationList({ issuer: ca, ...options }));
  renameSync(`${file}.new`, file);
};

const lists = (): PeerLists => new PeerLists({ files: [file], takesExpired: false });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-peers-'));
  file = join(folder, 'crl.pem');
  put();
  server = createServer({ cert: broker.certificate, key: broker.privateKey }, (socket) => {
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

/** A connection that stands, and why it was ended. */
const standing = async () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const socket = connect({
    port: port ?? 0,
    host: '127.0.0.1',
    servername: 'nats1.example.net',
    ca: ca.certificate,
  });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  const reasons: string[] = [];
  const tls = { ca: ca.certificate, revocation: lists() };
  watchPeer(socket, tls, { words: NATS_WORDS, server: 'tls://nats1.example.net:4222' }, ({ message }) => {
    reasons.push(message);
  });
  return { socket, reasons };
};

test('a connection is ended once its server is revoked, once', async () => {
  const { reasons } = await standing();
  vi.advanceTimersByTime(LOOK_MS);
  put({ revoked: [{ certificate: other.certificate }] });
  vi.advanceTimersByTime(LOOK_MS);
  expect(reasons).toEqual([]);
  put({ revoked: [{ certificate: broker.certificate }] });
  vi.advanceTimersByTime(3 * LOOK_MS);
  expect(reasons).toEqual([
    expect.stringMatching(/nats1\.example\.net was revoked at .* by "a CA of brokers"/),
  ]);
});

test.for([
  [
    'has expired',
    () => put({ thisUpdate: new Date(Date.now() - 2 * HOUR), nextUpdate: new Date(Date.now() - HOUR) }),
  ],
  ['is gone', () => rmSync(file)],
  ['is of another CA', () => writeFileSync(file, revocationList({ issuer: makeAuthority('another CA') }))],
] as const)('a connection goes on whose list %s: it keeps new ones away only', async ([, change]) => {
  const { reasons } = await standing();
  change();
  vi.advanceTimersByTime(LOOK_MS);
  expect(reasons).toEqual([]);
});

test('nobody looks any more once it is closed', async () => {
  const { socket, reasons } = await standing();
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
  expect(vi.getTimerCount()).toBe(0);
  put({ revoked: [{ certificate: broker.certificate }] });
  vi.advanceTimersByTime(LOOK_MS);
  expect(reasons).toEqual([]);
});

test('a file of lists is read once for all links', async () => {
  const read = vi.spyOn(DISK, 'read');
  const [one, two] = [await standing(), await standing()];
  vi.advanceTimersByTime(LOOK_MS);
  expect(read.mock.calls.filter(([name]) => name === file)).toHaveLength(1);
  put({ revoked: [{ certificate: broker.certificate }] });
  vi.advanceTimersByTime(LOOK_MS);
  expect([one.reasons.length, two.reasons.length]).toEqual([1, 1]);
  expect(read.mock.calls.filter(([name]) => name === file)).toHaveLength(2);
  read.mockRestore();
});
