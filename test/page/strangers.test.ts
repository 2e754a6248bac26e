import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Strangers } from '../../src/page/strangers.ts';
import { makeTokenIssuer } from '../support/web-tokens.ts';
import { get, listen } from './client.ts';
import { authority, bearer, issuer, loginOf, over, SERVER_TLS, TOKENS } from './login-world.ts';
import { servePage } from './world.ts';

const stranger = makeTokenIssuer(issuer.issuer);

describe('guesses', () => {
  it('are twenty a minute of an address; who was let in goes on, and so do other addresses', async () => {
    const clock = { now: Date.now() };
    const { port, refused } = await servePage({ login: loginOf(), clock: () => clock.now });
    const good = bearer();
    const ask = async (headers: Record<string, string>, localAddress = '127.0.0.1') =>
      (await get(port, '/who', headers, 'GET', { localAddress })).status;
    expect(await ask(good)).toBe(200);
    for (let guess = 0; guess < 20; guess++) expect(await ask(bearer(stranger.token()))).toBe(401);
    const fresh = bearer(issuer.token({ jti: 'fresh' }));
    expect(await ask(bearer(stranger.token()))).toBe(429);
    expect(await ask(fresh)).toBe(429);
    expect(await ask(good)).toBe(200);
    expect(await ask(fresh, '127.0.0.2')).toBe(200);
    expect((await get(port, '/who', bearer(stranger.token()))).headers['retry-after']).toMatch(/^\d\d?$/);
    expect(refused).toEqual([
      { from: '127.0.0.1', sentence: 'The token is refused: its signature does not hold.' },
    ]);
    clock.now += 60_000;
    expect(await ask(bearer(issuer.token({ jti: 'later' })))).toBe(200);
  });

  it('are not what shows nothing', async () => {
    const { port, refused } = await servePage({ login: loginOf() });
    for (let time = 0; time < 25; time++) expect((await get(port, '/who')).status).toBe(401);
    expect((await get(port, '/who', bearer())).status).toBe(200);
    expect(refused).toEqual([]);
  });

  it('are remembered of so many addresses, and told of few', () => {
    const clock = { now: 1_800_000_000_000 };
    const strangers = new Strangers(() => clock.now);
    const told = Array.from({ length: 100_000 }, (_, at) =>
      strangers.failed(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`),
    );
    expect(told.filter(Boolean)).toHaveLength(10);
    expect(strangers.size).toBeLessThanOrEqual(1_024);
    clock.now += 60_000;
    expect(strangers.failed('192.0.2.1')).toBe(true);
  });

  it('of one network of IPv6 are one address’s', () => {
    const strangers = new Strangers(() => 0);
    for (let at = 0; at < 20; at++) strangers.failed(`2001:db8::${at.toString(16)}`);
    expect(strangers.barred('2001:db8:0:0:ffff::1', 'x')).toBe(60);
    for (const other of ['2001:db8:0:1::1', '2001:db9::1', '::1', '192.0.2.1'])
      expect(strangers.barred(other, 'x')).toBeUndefined();
    for (let at = 0; at < 20; at++) strangers.failed('::ffff:192.0.2.7');
    expect(strangers.barred('::ffff:192.0.2.8', 'x')).toBeUndefined();
    strangers.good('x');
    expect(strangers.barred('2001:db8::1', 'x')).toBeUndefined();
  });
});

describe('what strangers make a page spend', () => {
  it('is one question for keys, however many made-up tokens come', async () => {
    let asked = 0;
    const keys = createServer((_, response) => {
      asked++;
      response.end(issuer.jwks);
    }).listen(0, '127.0.0.1');
    await once(keys, 'listening');
    onTestFinished(() => void keys.close());
    const address = keys.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/jwks`;
    const { port } = await servePage({
      login: loginOf({ tokens: { ...TOKENS, keys: { kind: 'url', url } } }),
    });
    const made = Array.from({ length: 40 }, (_, at) =>
      get(port, '/events', bearer(issuer.token({}, { kid: `k${at}` })), 'GET', {
        localAddress: `127.0.0.${2 + (at % 4)}`,
      }),
    );
    for (const { status } of await Promise.all(made)) expect([401, 429]).toContain(status);
    expect(asked).toBe(1);
    expect((await get(port, '/who', bearer())).status).toBe(200);
    expect(asked).toBe(1);
  });

  it.each(['', 'GET /events HTTP/1.1\r\nHost: localhost\r\n', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'])(
    'takes no stream from who is in: %j on 300 connections',
    async (text) => {
      const tls = { ...SERVER_TLS, clientCa: authority.certificate };
      for (const way of [over('alice'), {}]) {
        const { port } = await servePage({ login: loginOf({ tls: way.ca === undefined ? undefined : tls }) });
        const { told, status } = await listen(port, bearer(), way);
        expect(status).toBe(200);
        const open: Socket[] = [];
        onTestFinished(() => {
          for (const socket of open) socket.destroy();
        });
        for (let at = 0; at < 300; at++) {
          const socket = connect({ host: '127.0.0.1', port });
          socket.on('error', () => undefined);
          socket.on('connect', () => void socket.write(text));
          open.push(socket);
        }
        expect((await get(port, '/who', bearer(), 'GET', way)).status).toBe(200);
        const seen = told.length;
        await vi.waitFor(() => expect(told.length).toBeGreaterThan(seen));
      }
    },
  );

  it('is 16 KiB of headers', async () => {
    const { port } = await servePage({ login: loginOf() });
    const answer = await get(port, '/who', { authorization: `Bearer ${'a'.repeat(17_000)}` }).catch(
      ({ code }) => ({ status: code }),
    );
    expect(answer.status).toBe(400);
  });
});
