import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { freePort, onFreePort } from '../../../src/testing/ports.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { makeAuthority } from '../../support/pki.ts';
import { clientTls, closeLinks, linkErrorOf, linkTo, listen, message, serverTls } from './harness.ts';

const PATIENT = { timeout: 60_000 };
let server: NatsServer;
let folder: string;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-wss-'));
  for (const [name, text] of Object.entries(serverTls))
    writeFileSync(join(folder, `${name}.pem`), text, { mode: 0o600 });
  const tls = `cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem", ca_file: "${folder}/ca.pem", verify: true`;
  server = await onFreePort((port) => {
    url = `wss://127.0.0.1:${port}`;
    return startNatsServer({
      extra: `websocket { host: "127.0.0.1", port: ${port}, tls { ${tls} } }\nauthorization { user: bridge, password: "known" }`,
    });
  });
});
afterEach(closeLinks);
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const LOGIN = { user: 'bridge', password: 'known' };
const secure = { tls: clientTls, ...LOGIN };
const refusal = (options: Parameters<typeof linkTo>[1], to = url) =>
  linkErrorOf(() => linkTo([to], { failFast: true, ...options }).open());

test('a link by wss:// carries large and many messages in order, beside one by nats://, and both come back', async () => {
  const [link, beside] = [linkTo([url], secure), linkTo([server], LOGIN)];
  await link.open();
  await beside.open();
  expect(link.state()).toEqual({ up: true, server: url, buffered: 0 });
  const received: Buffer[] = [];
  await link.subscribe({ destination: 'a', onMessage: ({ body }) => received.push(body) });
  const heard = await listen(beside, 'a');
  const sent = Array.from({ length: 50 }, (_, n) => Buffer.alloc(500_000, n));
  for (const body of sent) link.send(message('a', body));
  await vi.waitFor(() => expect(received).toHaveLength(50), PATIENT);
  expect(received.every((body, n) => sent[n]?.equals(body))).toBe(true);
  await server.kill();
  await vi.waitFor(() => expect([link, beside].some((one) => one.state().up)).toBe(false), PATIENT);
  link.send(message('a', 'kept'));
  await server.restart();
  await vi.waitFor(() => {
    expect(received.at(-1)?.toString()).toBe('kept');
    expect(link.of('connected')).toHaveLength(2);
    expect(beside.of('connected')).toHaveLength(2);
  }, PATIENT);
  beside.send(message('a', 'both'));
  await vi.waitFor(
    () => expect([received.at(-1)?.toString(), heard.at(-1)]).toEqual(['both', 'both']),
    PATIENT,
  );
});

test('a server that stalls with megabytes on their way is left', async () => {
  const link = linkTo([url], { ...secure, pingInterval: 1_000 });
  await link.open();
  server.signal('SIGSTOP');
  try {
    for (let i = 0; i < 80; i++) link.send(message('a', Buffer.alloc(100_000)));
    await vi.waitFor(() => expect(link.of('disconnected')).toHaveLength(1), PATIENT);
    expect(link.of('disconnected')[0]?.reason).toContain('does not answer pings');
  } finally {
    server.signal('SIGCONT');
  }
});

test('what is wrong is told as with nats://', async () => {
  const { ca, verify } = clientTls;
  expect(await refusal(LOGIN)).toMatchObject({ code: 'tls' });
  expect(await refusal({ ...LOGIN, tls: { ca, verify } })).toMatchObject({ code: 'tls' });
  const stranger = makeAuthority('another CA').certificate;
  expect((await refusal({ ...secure, tls: { ...clientTls, ca: stranger } })).message).toContain(
    `${url}: its certificate is not signed by a CA of tls.ca`,
  );
  expect((await refusal({ ...secure, password: 'wrong' })).message).toContain('it refuses the credentials');
  expect((await refusal(secure, `wss://127.0.0.1:${await freePort()}`)).message).toContain(
    'connection refused',
  );
});

test('an HTTP server that has no WebSocket is told by name', async () => {
  const https = createServer({ key: serverTls.key, cert: serverTls.cert }, (_, response) => {
    response.writeHead(404).end();
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const address = https.address();
  try {
    const to = `wss://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    expect((await refusal(secure, to)).message).toContain('an HTTP server that has no WebSocket there (404)');
  } finally {
    https.closeAllConnections();
    https.close();
  }
});

test('a list is all wss://, or has none', async () => {
  const error = await linkErrorOf(() => linkTo([url, 'nats://127.0.0.1:4222']));
  expect(error).toMatchObject({ code: 'protocol', message: expect.stringContaining('all wss://, or none') });
});

/** The answer to an upgrade, with what follows in the same piece. */
const answering = async (then: Buffer) => {
  const { key, cert, ca } = serverTls;
  const http = createServer({ key, cert, ca, requestCert: true });
  http.on('upgrade', (request, socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    socket.on('error', () => undefined);
    socket.write(Buffer.concat([Buffer.from(head), then]));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `wss://127.0.0.1:${address.port}`, http };
};

/** A binary frame of less than 126 bytes. */
const frame = (text: string): Buffer => Buffer.from([0x82, text.length, ...Buffer.from(text)]);

test('what a server says together with its answer to the upgrade is heard', async () => {
  const said = 'INFO {"version":"2.9.10","max_payload":100}\r\n';
  const { url: to, http } = await answering(
    Buffer.concat([frame(said), frame("-ERR 'Authorization Violation'\r\n")]),
  );
  expect((await refusal(secure, to)).message).toContain('it refuses the credentials');
  http.close();
});

test('no frame together with the answer to the upgrade ends the attempt, and nothing else', async () => {
  const { url: to, http } = await answering(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  expect((await refusal(secure, to)).message).toContain(to);
  http.close();
});
