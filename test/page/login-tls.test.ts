import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PeerLists } from '../../src/adapters/kit/peer-lists.ts';
import { makeAuthority } from '../support/pki.ts';
import { type ListOptions, revocationList } from '../support/revocation-list.ts';
import { get, listen } from './client.ts';
import { authority, bearer, issuer, loginOf, over, renewedTls, SERVER_TLS } from './login-world.ts';
import { servePage } from './world.ts';

const TLS = { ...SERVER_TLS, clientCa: authority.certificate };

/** The list of the clients' CA, as it is on disk. */
const listed = () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'crl.pem');
  const put = (options: Partial<ListOptions> = {}): void => {
    writeFileSync(`${file}.new`, revocationList({ issuer: authority, ...options }));
    renameSync(`${file}.new`, file);
  };
  put();
  return { put, revocation: new PeerLists({ files: [file], takesExpired: false }) };
};

const who = (port: number, way: ReturnType<typeof over>, headers = {}) =>
  get(port, '/who', headers, 'GET', way);

const connected = (port: number, session?: Buffer): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const { ca, cert, key } = over('alice');
    const socket = connect({ host: '127.0.0.1', port, ca, cert, key, session } as object, () =>
      resolve(socket),
    );
    socket.once('error', reject);
    onTestFinished(() => void socket.destroy());
  });

describe('a page with a login over TLS', () => {
  it('takes certificates of the CA, and no others, and tokens beside them', async () => {
    const { port, url, viewers } = await servePage({ login: loginOf({ tls: TLS }) });
    expect(url).toMatch(/^https:/);
    expect(await who(port, over('alice'))).toMatchObject({ status: 200 });
    expect(await who(port, over('bob'))).toMatchObject({ status: 403 });
    expect(await who(port, over())).toMatchObject({
      status: 401,
      body: 'Who is it? a bearer token or a client certificate is needed.\n',
    });
    expect(await who(port, over('alice', makeAuthority('another CA')))).toMatchObject({ status: 401 });
    expect(await who(port, over(), bearer())).toMatchObject({ status: 200 });
    // The token counts, which somebody has put there.
    const bob = bearer(issuer.token({ email: 'bob@example.net' }));
    expect(await who(port, over('alice'), bob)).toMatchObject({ status: 403 });
    expect((await get(port, '/', {}, 'GET', over())).status).toBe(200);
    await expect(get(port, '/')).rejects.toThrow();
    expect((await listen(port, {}, over('alice'))).status).toBe(200);
    expect(viewers).toEqual(['cert=alice']);
  });

  it('ends the stream of a certificate that is revoked, and opens no request for it', async () => {
    const { put, revocation } = listed();
    const { port } = await servePage({ login: loginOf({ tls: { ...TLS, revocation } }) });
    const alice = over('alice');
    const { ended, status } = await listen(port, {}, alice);
    expect(status).toBe(200);
    put({ revoked: [{ certificate: String(alice.cert) }] });
    await ended;
    for (const path of ['/events', '/request?id=1', '/who', '/consoles'])
      expect(await get(port, path, {}, 'GET', alice)).toMatchObject({
        status: 401,
        body: expect.stringContaining('revoked'),
      });
  });

  it('is told of a revocation on a connection that was made before', async () => {
    const { put, revocation } = listed();
    const { port } = await servePage({ login: loginOf({ tls: { ...TLS, revocation } }) });
    const alice = over('alice');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const kept = { ...alice, agent };
    const ask = () => get(port, '/who', { connection: 'keep-alive' }, 'GET', kept);
    expect((await ask()).status).toBe(200);
    put({ revoked: [{ certificate: String(alice.cert) }] });
    await vi.waitFor(async () => expect((await ask()).status).toBe(401));
  });

  it('takes up no session of TLS anew, which would bring an answer of another time', async () => {
    const { port } = await servePage({ login: loginOf({ tls: TLS }) });
    const first = await connected(port);
    const sessions: Buffer[] = [];
    first.on('session', (session: Buffer) => void sessions.push(session));
    first.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => first.resume().once('close', resolve));
    for (const session of [first.getSession(), ...sessions])
      expect((await connected(port, session)).isSessionReused()).toBe(false);
  });

  it('shows a renewed certificate to who comes, and keeps who is there', async () => {
    const page = await servePage({ login: loginOf({ tls: TLS }) });
    const { told, ended } = await listen(page.port, {}, over('alice'));
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    const nameAt = async () => (await connected(page.port)).getPeerCertificate().subject.CN;
    expect(await nameAt()).toBe('bridge.example.net');
    page.follow(loginOf({ tls: { ...TLS, ...renewedTls() } }));
    expect(await nameAt()).toBe('renewed.example.net');
    const seen = told.length;
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(seen));
    expect(isOver).toBe(false);
  });

  it('believes no certificate of a CA that counts no more, not even on a connection that stands', async () => {
    const page = await servePage({ login: loginOf({ tls: TLS }) });
    const { ended } = await listen(page.port, {}, over('alice'));
    const other = makeAuthority('the next CA');
    page.follow(loginOf({ tls: { ...TLS, clientCa: other.certificate } }));
    await ended;
    expect(await who(page.port, over('alice'))).toMatchObject({ status: 401 });
    expect(await who(page.port, over('alice', other))).toMatchObject({ status: 200 });
  });
});
