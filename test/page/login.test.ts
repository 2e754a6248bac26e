import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { makeTokenIssuer } from '../support/web-tokens.ts';
import { get, listen } from './client.ts';
import { bearer, issuer, loginOf, TOKENS } from './login-world.ts';
import { asking, decidedOn, flowOf, servePage } from './world.ts';

const DATA = ['/events', `/request?id=${flowOf(1)}`, '/request?id=2', '/consoles', '/who'];

/** All that a server says to what is written to it as it stands. */
const answerTo = (port: number, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(text));
    socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });

const seconds = () => Math.floor(Date.now() / 1000);

describe('a page with a login', () => {
  it('gives everybody the place where a token is pasted, and nothing that it knows', async () => {
    const { port, trail } = await servePage({ login: loginOf() });
    void trail.audit.record(decidedOn(asking(1)));
    expect(await get(port, '/')).toMatchObject({ status: 200, body: '<p>the page</p>' });
    expect(await get(port, '/app.js')).toMatchObject({ status: 200 });
    for (const path of DATA)
      for (const method of ['GET', 'HEAD'].filter((it) => path !== '/events' || it === 'GET')) {
        const { status, headers, body } = await get(port, path, {}, method);
        expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
        expect(body).toBe(method === 'HEAD' ? '' : 'Who is it? a bearer token is needed.\n');
      }
  });

  it('shows all to who may see it', async () => {
    const { port, trail, viewers } = await servePage({ login: loginOf() });
    void trail.audit.record(decidedOn(asking(1)));
    const { told } = await listen(port, bearer());
    await vi.waitFor(() => expect(told[0]).toMatchObject({ event: 'snapshot', data: { trail: [{}] } }));
    for (const path of DATA.slice(1).filter((it) => it !== '/request?id=2'))
      expect(await get(port, path, bearer())).toMatchObject({ status: 200 });
    expect(viewers).toEqual(['oidc=alice@example.net']);
  });

  it.each<[string, number, Record<string, string>]>([
    ['another issuer', 401, bearer(makeTokenIssuer('https://evil.example.net').token())],
    ['the right issuer, and a key of another', 401, bearer(makeTokenIssuer(issuer.issuer).token())],
    ['another audience', 401, bearer(issuer.token({ aud: 'other' }))],
    ['no signature', 401, bearer(issuer.token({}, { alg: 'none' }))],
    ['an end in the past', 401, bearer(issuer.token({ exp: seconds() - 60 }))],
    ['no end', 401, bearer(issuer.token({ exp: undefined }))],
    ['an address that nobody has verified', 403, bearer(issuer.token({ email_verified: false }))],
    ['the name of who may not see it', 403, bearer(issuer.token({ email: 'bob@example.net' }))],
    ['a name that is longer than one who may', 403, bearer(issuer.token({ email: 'alice@example.network' }))],
    ['nothing in it', 401, { authorization: 'Bearer ' }],
    ['another scheme', 401, { authorization: `Basic ${Buffer.from('alice:x').toString('base64')}` }],
  ])('shows nothing for a token with %s', async (_, status, headers) => {
    const { port, viewers } = await servePage({ login: loginOf() });
    for (const path of DATA) expect(await get(port, path, headers)).toMatchObject({ status });
    expect(viewers).toEqual([]);
  });

  it('takes no token in a URL, nor in a cookie, nor in a subprotocol, nor two', async () => {
    const { port } = await servePage({ login: loginOf() });
    const token = issuer.token();
    const { status } = await get(port, `/events?token=${token}`, bearer());
    expect(status).toBe(404);
    expect((await get(port, `/?token=${token}`)).status).toBe(404);
    for (const path of [`/request?id=${flowOf(1)}&access_token=${token}`, `/request?id=1&token=${token}`])
      expect(await get(port, path)).toMatchObject({ status: 401 });
    const encoded = Buffer.from(token).toString('base64url');
    for (const headers of [
      { cookie: `token=${token}; authorization=Bearer ${token}` },
      { 'sec-websocket-protocol': `base64url.bearer.authorization.mcbridge.${encoded}, mcbridge.v1.json` },
      { 'proxy-authorization': `Bearer ${token}` },
    ])
      expect(await get(port, '/who', headers)).toMatchObject({ status: 401 });
    const twice = `Authorization: Bearer ${token}\r\n`.repeat(2);
    const said = await answerTo(port, `GET /who HTTP/1.1\r\nHost: localhost\r\n${twice}\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('ends a stream with the token that it was opened by, and gives no other', async () => {
    const clock = { now: Date.now() };
    const { port } = await servePage({ login: loginOf(), clock: () => clock.now });
    const token = issuer.token({ exp: seconds() + 60 });
    const [short, long] = [await listen(port, bearer(token)), await listen(port, bearer())];
    expect([short.status, long.status]).toEqual([200, 200]);
    clock.now += 61_000;
    await short.ended;
    expect(await get(port, '/events', bearer(token))).toMatchObject({
      status: 401,
      body: 'The token has ended.\n',
    });
    const seen = long.told.length;
    await vi.waitFor(() => expect(long.told.length).toBeGreaterThan(seen));
  });

  it('is asked for by its own names alone, in whatever way they are said', async () => {
    const { port } = await servePage({ login: loginOf({}, { hosts: ['mcbridge.example.net'] }) });
    for (const host of ['mcbridge.example.net', 'MCbridge.example.net:8223'])
      expect(await get(port, '/who', { host, ...bearer() })).toMatchObject({ status: 200 });
    for (const host of ['127.0.0.1', 'localhost', 'evil.example.net', 'mcbridge.example.net.evil.net', ''])
      for (const path of ['/', ...DATA])
        expect(await get(port, path, { host, ...bearer() })).toMatchObject({ status: 421 });
    for (const head of [
      'GET / HTTP/1.0\r\n',
      'GET /who HTTP/1.0\r\n',
      'GET /who HTTP/1.1\r\nHost: mcbridge.example.net\r\nHost: evil.example.net\r\n',
    ]) {
      const { authorization } = bearer();
      const said = await answerTo(port, `${head}Authorization: ${authorization}\r\n\r\n`);
      expect(said).toMatch(/^HTTP\/1\.1 (421|400) /);
    }
  });

  it('gives way to no spelling of a path, and answers one request at a time', async () => {
    const { port } = await servePage({ login: loginOf() });
    for (const path of [
      ...['//events', '/events/', '/%65vents', '/EVENTS', '/events;x', '/./events', '/app.js/../events'],
      ...['/request', '/request/?id=1', '/who#x', 'http://127.0.0.1/events', '*', '/app.js?/../events'],
    ])
      expect([401, 404, 400]).toContain((await get(port, path)).status);
    const one = 'GET / HTTP/1.1\r\nHost: localhost\r\n';
    const two = `${one}\r\nGET /who HTTP/1.1\r\nHost: localhost\r\n`;
    const { authorization } = bearer();
    // The first is let in, and what comes behind it is not taken for its own.
    const said = await answerTo(
      port,
      `GET /who HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n${two}\r\n`,
    );
    expect((said.match(/HTTP\/1\.1/g) ?? []).length).toBeLessThanOrEqual(1);
    expect(said).not.toContain('the page');
  });

  it('tells nothing to pages of others, though a browser would send along what proves who it is', async () => {
    const { port } = await servePage({ login: loginOf() });
    const own = { host: 'localhost:8223', ...bearer() };
    for (const origin of ['http://localhost:8223', 'https://localhost:8223'])
      expect(await get(port, '/who', { ...own, origin })).toMatchObject({ status: 200 });
    for (const headers of [
      { origin: 'https://evil.example.net' },
      { origin: 'null' },
      { origin: 'http://localhost:8224' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ])
      for (const path of DATA) {
        const answer = await get(port, path, { ...own, ...headers });
        expect(answer.status).toBe(403);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    expect(await get(port, '/who', own, 'OPTIONS')).toMatchObject({ status: 405 });
  });
});

describe('another login at the same page', () => {
  it('keeps those who may still see it, and puts out others', async () => {
    const page = await servePage({ login: loginOf({}, { allow: { has: () => true } }) });
    const bob = bearer(issuer.token({ email: 'bob@example.net' }));
    const [his, hers] = [await listen(page.port, bob), await listen(page.port, bearer())];
    page.follow(loginOf());
    await his.ended;
    expect(await get(page.port, '/events', bob)).toMatchObject({ status: 403 });
    const seen = hers.told.length;
    await vi.waitFor(() => expect(hers.told.length).toBeGreaterThan(seen));
  });

  it('puts out all whose proof counts no more', async () => {
    const page = await servePage({ login: loginOf() });
    const { ended } = await listen(page.port, bearer());
    const other = makeTokenIssuer('https://other.example.net');
    const keys = { kind: 'text', json: other.jwks } as const;
    page.follow(loginOf({ tokens: { ...TOKENS, keys, issuer: other.issuer } }));
    await ended;
    expect(await get(page.port, '/events', bearer())).toMatchObject({ status: 401 });
    expect((await listen(page.port, bearer(other.token()))).status).toBe(200);
  });

  it('where there was none before, puts out who has not said who he is', async () => {
    const page = await servePage();
    const { ended, status } = await listen(page.port);
    expect(status).toBe(200);
    page.follow(loginOf());
    await ended;
    expect(await get(page.port, '/events')).toMatchObject({ status: 401 });
  });
});
