import type { LinkEvent } from 'mcbridge/adapter';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HttpLink } from '../../../examples/http-egress/link.js';
import type { HttpLinkSettings } from '../../../examples/http-egress/settings.js';
import { freePort } from '../../../src/testing/ports.ts';
import { startTcpServer } from '../../../src/testing/tcp-server.ts';
import { type Identity, makeAuthority } from '../../support/pki.ts';
import { SETTINGS } from './echo.ts';
import { type HttpServerOptions, startHttpServer } from './server.ts';

const authority = makeAuthority('HTTP CA');
const other = makeAuthority('another CA');
const server = authority.issue({ commonName: 'api.example.net', usages: ['server'] });
const client = authority.issue({ commonName: 'bridge.example.net', usages: ['client'] });

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const pem = ({ certificate, privateKey }: Identity) => ({ cert: certificate, key: privateKey });
const TRUSTING = { ca: authority.certificate, verify: true } as const;

/** What opening a link to a server comes to: the message and hint of its failure. */
const opened = async (settings: Partial<HttpLinkSettings> & Pick<HttpLinkSettings, 'servers'>) => {
  const events: LinkEvent[] = [];
  const link = new HttpLink(
    { ...SETTINGS, ...settings },
    { failFast: true, onEvent: (it) => events.push(it) },
  );
  ends.push(() => link.close());
  await link.open();
  return link.state();
};

const serving = async (options: Partial<HttpServerOptions>) => {
  const started = await startHttpServer({ onPost: () => undefined, ...options });
  ends.push(() => started.close());
  return started;
};

describe('a link to a server with TLS', () => {
  it('is up once the server has shown a certificate of the CA', async () => {
    const { url } = await serving({ tls: pem(server) });
    expect(await opened({ servers: [url], tls: TRUSTING })).toEqual({ up: true, server: url, buffered: 0 });
  });

  it('shows its own certificate where it is asked for one', async () => {
    const { url } = await serving({ tls: { ...pem(server), ca: authority.certificate } });
    const own = { ...TRUSTING, ...pem(client) };
    expect(await opened({ servers: [url], tls: own })).toMatchObject({ up: true });
    await expect(opened({ servers: [url], tls: TRUSTING })).rejects.toMatchObject({ code: 'tls' });
  });

  it('is not made where another CA has signed the server, and says so', async () => {
    const { url } = await serving({ tls: pem(server) });
    const opening = opened({ servers: [url], tls: { ...TRUSTING, ca: other.certificate } });
    await expect(opening).rejects.toMatchObject({
      code: 'tls',
      message: expect.stringContaining('its certificate is not signed by a CA of tls.ca'),
    });
    expect((await opening.catch((error) => error)).hint()).toContain('give the CA that signed');
  });

  it('is not made where the server is another, speaks no TLS, or wants no such token', async () => {
    const stranger = authority.issue({ commonName: 'x', ipAddresses: ['127.0.0.9'], usages: ['server'] });
    const wrongName = await serving({ tls: pem(stranger) });
    const plain = await serving({});
    const guarded = await serving({ tls: pem(server), token: 'right' });
    const failures = [
      [wrongName.url, 'tls', /for another host name/],
      [plain.url.replace('http:', 'https:'), 'tls', /does not speak TLS/],
      [guarded.url, 'refused', /refuses the credentials \(401 Unauthorized\)/],
    ] as const;
    for (const [url, code, sentence] of failures)
      await expect(opened({ servers: [url], tls: TRUSTING, token: 'wrong' })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(sentence),
      });
    await expect(opened({ servers: [guarded.url], tls: TRUSTING })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('wants credentials, and none are configured'),
    });
  });
});

describe('a link says what is wrong with', () => {
  const failure = async (servers: readonly string[], timeout = 10_000) =>
    opened({ servers, timeout }).then(
      () => 'nothing',
      (error) => `${error.code}: ${error.message}`,
    );

  it('a port where nobody listens', async () => {
    expect(await failure([`http://127.0.0.1:${await freePort()}/`])).toMatch(
      /^unreachable: .*connection refused/,
    );
  });

  it('a server that takes connections and says nothing', async () => {
    const silent = await startTcpServer();
    ends.push(() => silent.close());
    expect(await failure([`http://127.0.0.1:${silent.port}/`], 100)).toMatch(
      /^unreachable: .*says nothing within 100 ms/,
    );
  });

  it('one that speaks another protocol, or ends the connection', async () => {
    const smtp = await startTcpServer((socket) => void socket.write('220 mail.example.net ESMTP\r\n'));
    const rude = await startTcpServer((socket) => void socket.destroy());
    const other = await startTcpServer(
      (socket) =>
        void socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    );
    ends.push(
      () => other.close(),
      () => smtp.close(),
      () => rude.close(),
    );
    expect(await failure([`http://127.0.0.1:${smtp.port}/`])).toMatch(/^protocol: .*is not HTTP/);
    expect(await failure([`http://127.0.0.1:${rude.port}/`])).toMatch(/^unreachable: /);
    expect(await failure([`http://127.0.0.1:${other.port}/`])).toMatch(
      /^protocol: .*101 Switching Protocols/,
    );
  });

  it('nothing once it is closed, and waits for nothing more', async () => {
    const checkEvery = 3_599_999;
    const waits = vi.spyOn(globalThis, 'setTimeout');
    const link: HttpLink = new HttpLink(
      { ...SETTINGS, checkEvery, servers: [(await serving({})).url] },
      { onEvent: ({ kind }) => void (kind === 'connected' && link.close()) },
    );
    await expect(link.open()).rejects.toMatchObject({ code: 'closed' });
    expect(waits.mock.calls.filter(([, ms]) => ms === checkEvery)).toEqual([]);
    waits.mockRestore();
  });

  it('one that sends elsewhere, or that is away behind its proxy', async () => {
    const moved = await serving({ options: 308 });
    const away = await serving({ options: 502 });
    expect(await failure([moved.url])).toMatch(
      /^protocol: .*308 Permanent Redirect.*redirects are not followed/,
    );
    expect(await failure([away.url])).toMatch(/^unreachable: .*what is behind it is away/);
    // What it says of OPTIONS besides is no matter.
    expect(await failure([(await serving({ options: 405 })).url])).toBe('nothing');
  });
});
