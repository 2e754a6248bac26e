import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import forge from 'node-forge';
import { afterEach, describe, expect, test } from 'vitest';
import { LinkFailure } from '../../src/transport/failure/failure.ts';
import { FAILURES, type FailureKind } from '../../src/transport/failure/table.ts';
import type { Link } from '../../src/transport/link.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import type { TlsSettings } from '../../src/transport/tls/settings.ts';
import { makeAuthority } from '../support/pki.ts';
import { freePort } from '../support/ports.ts';

const ca = makeAuthority('CA');
const stranger = makeAuthority('Another CA');
const server = ca.issue({ commonName: 'broker', usages: ['server'] });
const client = ca.issue({ commonName: 'bridge', usages: ['client'] });
const HOUR = 3_600_000;

const servers: Server[] = [];
const sockets = new Set<Socket>();
const links: Link[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const one of servers.splice(0)) one.close();
});

const listening = async (one: Server): Promise<number> => {
  servers.push(one);
  one.on('connection', (socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
  });
  one.on('tlsClientError', () => undefined);
  one.listen(0, '127.0.0.1');
  await once(one, 'listening');
  const address = one.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  return address.port;
};

const says = (bytes: string): Server => createServer((socket) => socket.write(Buffer.from(bytes, 'latin1')));

const secure = (options: TlsOptions): Server =>
  createTlsServer(
    { key: server.privateKey, cert: server.certificate, ca: ca.certificate, ...options },
    (socket) =>
      socket
        .on('error', () => socket.destroy())
        .on('data', () => socket.write('CONNECTED\nversion:1.2\n\n\0')),
  );

const stompTo = (port: number, tls?: TlsSettings, host = '127.0.0.1'): Link => {
  const link = createStompLink({
    servers: [{ host, port, ...(tls === undefined ? {} : { tls }) }],
    vhost: 'mcollective',
    connectTimeout: 2_000,
    closeTimeout: 10,
    failFast: true,
    clock: Date.now,
    onEvent: () => undefined,
  });
  links.push(link);
  return link;
};

const natsTo = (port: number, host = '127.0.0.1'): Link => {
  const link = createNatsLink({
    servers: [`nats://${host}:${port}`],
    name: 'test',
    connectTimeout: 2_000,
    closeTimeout: 10,
    failFast: true,
    onEvent: () => undefined,
  });
  links.push(link);
  return link;
};

const kindOf = async (link: Link): Promise<FailureKind | 'open' | 'another error'> => {
  try {
    await link.open();
    return 'open';
  } catch (error) {
    return error instanceof LinkFailure ? error.kind : 'another error';
  }
};

const trusting: TlsSettings = { ca: ca.certificate, verify: true };

/** Signed by the CA with SHA-1, as brokers of 2012 have it. */
const sha1 = (): { readonly key: string; readonly cert: string } => {
  const certificate = forge.pki.certificateFromPem(server.certificate);
  certificate.sign(forge.pki.privateKeyFromPem(ca.privateKey), forge.md.sha1.create());
  return { key: server.privateKey, cert: forge.pki.certificateToPem(certificate) };
};

const issued = (options: Parameters<typeof ca.issue>[0]): TlsOptions => {
  const { privateKey: key, certificate: cert } = ca.issue({ usages: ['server'], ...options });
  return { key, cert };
};

const OLD = { ciphers: 'DEFAULT@SECLEVEL=0' };

describe('both kinds of link say the same of', () => {
  test('a port where nobody listens', async () => {
    const port = await freePort();
    expect(await kindOf(stompTo(port))).toBe('connection-refused');
    expect(await kindOf(natsTo(port))).toBe('connection-refused');
  });

  test('a name that is none', async () => {
    for (const kind of [
      await kindOf(stompTo(1, undefined, 'no-host.invalid')),
      await kindOf(natsTo(1, 'no-host.invalid')),
    ])
      expect(['unknown-name', 'no-name-service']).toContain(kind);
  });

  test('a connection that is reset at once: nothing of certificates', async () => {
    const port = await listening(createServer((socket) => socket.resetAndDestroy()));
    expect(['closed-early', 'closed-at-login']).toContain(await kindOf(stompTo(port)));
    expect(await kindOf(natsTo(port))).toBe('closed-early');
    expect(['closed-early', 'closed-before-handshake']).toContain(await kindOf(stompTo(port, trusting)));
    for (const kind of ['closed-early', 'closed-before-handshake'] as const)
      expect(FAILURES[kind].hint).not.toMatch(/cert|\{ca\}/);
  });

  test('another protocol', async () => {
    const web = await listening(createHttpServer((_, response) => response.end()));
    expect(await kindOf(stompTo(web))).toBe('another-protocol');
    const ssh = await listening(says('SSH-2.0-x\r\n'));
    expect(await kindOf(stompTo(ssh))).toBe('another-protocol');
    expect(await kindOf(natsTo(ssh))).toBe('another-protocol');
    const nats = await listening(says('INFO {}\r\n'));
    expect(await kindOf(stompTo(nats))).toBe('another-protocol');
    expect(await kindOf(stompTo(nats, trusting))).toBe('not-tls');
  });

  test('one that takes connections and says nothing', async () => {
    const port = await listening(createServer(() => undefined));
    expect(await kindOf(stompTo(port))).toBe('silent');
    expect(await kindOf(natsTo(port))).toBe('silent');
    expect(await kindOf(stompTo(port, trusting))).toBe('tls-silent');
  });
});

describe('TLS says which', () => {
  test.for<readonly [FailureKind, TlsOptions, Partial<TlsSettings>]>([
    ['unknown-ca', {}, { ca: stranger.certificate }],
    [
      'server-expired',
      issued({
        commonName: 'old',
        notBefore: new Date(Date.now() - 2 * HOUR),
        notAfter: new Date(Date.now() - HOUR),
      }),
      {},
    ],
    ['server-too-early', issued({ commonName: 'new', notBefore: new Date(Date.now() + HOUR) }), {}],
    ['other-name', issued({ commonName: 'b', ipAddresses: ['127.0.0.9'] }), {}],
    ['not-a-server', issued({ commonName: 'c', usages: ['client'], ipAddresses: ['127.0.0.1'] }), {}],
    ['tls-too-old', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ...OLD }, {}],
    ['tls-too-old', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ...OLD }, {}],
    ['tls-too-weak', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ...OLD }, { minVersion: 'TLSv1' }],
    ['tls-too-weak', { ...sha1(), ...OLD }, {}],
    [
      'handshake-refused',
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' },
      { ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' },
    ],
    ['client-certificate-missing', { requestCert: true, rejectUnauthorized: true }, {}],
    ['key-mismatch', {}, { cert: client.certificate, key: stranger.privateKey }],
    ['ca-unreadable', {}, { ca: 'no PEM' }],
    ['ca-unreadable', {}, { ca: client.privateKey }],
    ['certificate-unreadable', {}, { cert: client.privateKey, key: client.privateKey }],
    ['key-unreadable', {}, { cert: client.certificate, key: client.certificate }],
    ['own-too-weak', {}, sha1()],
    ['bad-ciphers', {}, { ciphers: 'NONSENSE' }],
  ])('%s', async ([kind, there, here]) => {
    const port = await listening(secure(there));
    expect(await kindOf(stompTo(port, { ...trusting, ...here }))).toBe(kind);
  });

  test.for<readonly [string, TlsOptions, Partial<TlsSettings>]>([
    ['TLS 1.0 alone', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ...OLD }, { minVersion: 'TLSv1', ...OLD }],
    ['a certificate with SHA-1', { ...sha1(), ...OLD }, OLD],
  ])('%s is connected to where the settings say so', async ([, there, here]) => {
    const port = await listening(secure(there));
    expect(await kindOf(stompTo(port, { ...trusting, ...here }))).toBe('open');
  });
});

test('docs/troubleshooting.md has each failure with its sentence and what to do', () => {
  const docs = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8');
  for (const [kind, { sentence, hint }] of Object.entries(FAILURES))
    expect(docs).toContain(`| \`${kind}\` | ${sentence} | ${hint} |`);
});
