import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  BEARER_PREFIX,
  CALLER,
  FAULT,
  SESSION_OPENED,
  SUBPROTOCOL,
  UNTIL,
} from '../../../src/transport/websocket/places.ts';
import type { WebSocketSettings } from '../../../src/transport/websocket/settings.ts';
import { makeAuthority } from '../../support/pki.ts';
import { connectWebClient, refusedUpgrade, type WebClientOptions } from '../../support/web-client.ts';
import { makeTokenIssuer } from '../../support/web-tokens.ts';
import { authority, issuer, SERVER_TLS, type Stage, startStage, TOKENS } from './world.ts';

const stages: Stage[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const { link } of stages.splice(0)) await link.close();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A server of keys, and how often it was asked. */
const serving = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  let count = 0;
  const server = createServer((request, response) => {
    count++;
    answer(request, response);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a server has a port');
  return { url: `http://127.0.0.1:${address.port}/jwks`, asked: () => count };
};

const staged = async (settings: Partial<WebSocketSettings> = {}, clock?: () => number): Promise<Stage> => {
  const stage = await startStage(settings, clock);
  stages.push(stage);
  return stage;
};

/** Who a session is that opens. */
const callerOf = async (stage: Stage, options: WebClientOptions): Promise<string | undefined> => {
  const client = await connectWebClient(stage.url, options);
  expect(client.subprotocol).toBe(SUBPROTOCOL);
  const [opened] = stage.at(SESSION_OPENED);
  client.close();
  await client.closed;
  return opened?.headers[CALLER];
};

const withTls = { tls: { ...SERVER_TLS, clientCa: authority.certificate } };
const trusting = { ca: authority.certificate };
const certificateOf = (commonName: string, from = authority) => {
  const { certificate, privateKey } = from.issue({ commonName, usages: ['client'] });
  return { cert: certificate, key: privateKey };
};
const inSubprotocol = (token: string): string =>
  `${BEARER_PREFIX}${Buffer.from(token).toString('base64url')}`;

describe('who it is', () => {
  it('is the claim of a bearer token in the header', async () => {
    expect(await callerOf(await staged(), { token: issuer.token() })).toBe('oidc=alice@example.net');
  });

  it('is the claim of a token that a browser gives as a subprotocol, which is not sent back', async () => {
    const protocols = [inSubprotocol(issuer.token()), SUBPROTOCOL];
    expect(await callerOf(await staged(), { protocols, origin: 'https://ops.example.net' })).toBe(
      'oidc=alice@example.net',
    );
  });

  it('is the common name of a client certificate', async () => {
    const stage = await staged({ ...withTls, tokens: undefined });
    expect(await callerOf(stage, { ...trusting, ...certificateOf('bob') })).toBe('cert=bob');
  });

  it('is what the token says where there are both', async () => {
    const stage = await staged(withTls);
    const both = { ...trusting, ...certificateOf('bob'), token: issuer.token() };
    expect(await callerOf(stage, both)).toBe('oidc=alice@example.net');
  });
});

const stranger = makeTokenIssuer('https://login.example.net');
const elsewhere = makeTokenIssuer('https://elsewhere.example.net', 'other');
const HOUR_AGO = Math.floor(Date.now() / 1000) - 3600;

describe('an upgrade is refused', () => {
  it.each<[string, number, string, RegExp, () => WebClientOptions]>([
    ['without anything', 401, 'no_credentials', /bearer token is needed/, () => ({})],
    [
      'with a password',
      401,
      'no_credentials',
      /Bearer/,
      () => ({ headers: { authorization: 'Basic YTpi' } }),
    ],
    ['with what is no token', 401, 'invalid_token', /no signed JWT/, () => ({ token: 'abc' })],
    [
      'that another key has made',
      401,
      'invalid_token',
      /signature does not hold/,
      () => ({ token: stranger.token() }),
    ],
    ['of another issuer', 401, 'invalid_token', /names no key/, () => ({ token: elsewhere.token() })],
    [
      'that names another issuer',
      401,
      'invalid_token',
      /its iss/,
      () => ({ token: issuer.token({ iss: 'https://x' }) }),
    ],
    [
      'for another audience',
      401,
      'invalid_token',
      /its aud/,
      () => ({ token: issuer.token({ aud: 'mail' }) }),
    ],
    [
      'with alg none',
      401,
      'invalid_token',
      /not one of RS256/,
      () => ({ token: issuer.token({}, { alg: 'none' }) }),
    ],
    [
      'with an HMAC',
      401,
      'invalid_token',
      /not one of RS256/,
      () => ({ token: issuer.token({}, { alg: 'HS256' }) }),
    ],
    ['that has ended', 401, 'token_ended', /has ended/, () => ({ token: issuer.token({ exp: HOUR_AGO }) })],
    ['that never ends', 401, 'invalid_token', /no exp/, () => ({ token: issuer.token({ exp: undefined }) })],
    [
      'not valid yet',
      401,
      'invalid_token',
      /its nbf/,
      () => ({ token: issuer.token({ nbf: HOUR_AGO + 7200 + 600 }) }),
    ],
    [
      'without the claim',
      401,
      'invalid_token',
      /no email/,
      () => ({ token: issuer.token({ email: undefined }) }),
    ],
    ['whose claim is no text', 403, 'no_name', /no text/, () => ({ token: issuer.token({ email: ['a'] }) })],
    [
      'whose claim is no name',
      403,
      'no_name',
      /characters/,
      () => ({ token: issuer.token({ email: 'a b\nc' }) }),
    ],
    [
      'whose mail address nobody has proven',
      403,
      'no_name',
      /not verified/,
      () => ({ token: issuer.token({ email_verified: false }) }),
    ],
    [
      'with two tokens',
      400,
      'bad_upgrade',
      /more than one token/,
      () => ({ token: issuer.token(), protocols: [inSubprotocol(issuer.token()), SUBPROTOCOL] }),
    ],
    [
      'of a page of another origin',
      403,
      'wrong_origin',
      /origin/,
      () => ({ token: issuer.token(), origin: 'https://evil.example' }),
    ],
    [
      'of a page of no origin',
      403,
      'wrong_origin',
      /origin/,
      () => ({ token: issuer.token(), origin: 'null' }),
    ],
    [
      'for another host',
      421,
      'wrong_host',
      /Host/,
      () => ({ token: issuer.token(), headers: { host: 'rebound.example' } }),
    ],
  ])('%s', async (_, status, fault, sentence, options) => {
    const stage = await staged();
    const refused = await refusedUpgrade(stage.url, options());
    expect(refused).toEqual({ status, sentence: expect.stringMatching(sentence) });
    const counted = await stage.fault(fault);
    expect(counted.body.toString()).toMatch(sentence);
    expect(stage.at(SESSION_OPENED)).toEqual([]);
  });

  it('with a token in the query, whatever it is', async () => {
    const stage = await staged();
    const refused = await refusedUpgrade(`${stage.url}/?token=${issuer.token()}`, { token: issuer.token() });
    expect(refused).toEqual({ status: 404, sentence: expect.stringContaining('without a query') });
  });

  it('with the certificate of another CA', async () => {
    const stage = await staged({ ...withTls, tokens: undefined });
    const other = makeAuthority('another web CA');
    const refused = await refusedUpgrade(stage.url, { ...trusting, ...certificateOf('bob', other) });
    expect(refused).toEqual({ status: 401, sentence: expect.stringContaining('certificate is refused') });
    await stage.fault('untrusted_certificate');
  });

  it('with a certificate that has ended', async () => {
    const stage = await staged({ ...withTls, tokens: undefined });
    const day = 24 * 3600 * 1000;
    const { certificate, privateKey } = authority.issue({
      commonName: 'old',
      usages: ['client'],
      notBefore: new Date(Date.now() - 2 * day),
      notAfter: new Date(Date.now() - day),
    });
    const refused = await refusedUpgrade(stage.url, { ...trusting, cert: certificate, key: privateKey });
    expect(refused).toEqual({ status: 401, sentence: expect.stringContaining('CERT_HAS_EXPIRED') });
  });

  it('with a server’s certificate', async () => {
    const stage = await staged({ ...withTls, tokens: undefined });
    const { certificate, privateKey } = authority.issue({ commonName: 'web1', usages: ['server'] });
    const refused = await refusedUpgrade(stage.url, { ...trusting, cert: certificate, key: privateKey });
    expect(refused.status).toBe(401);
  });

  it('with a token where only certificates are taken', async () => {
    const stage = await staged({ ...withTls, tokens: undefined });
    const refused = await refusedUpgrade(stage.url, { ...trusting, token: issuer.token() });
    expect(refused).toEqual({ status: 401, sentence: 'Tokens are not taken here, certificates are.' });
  });

  it('where the keys of tokens cannot be had, for now', async () => {
    const keys = { kind: 'url', url: 'https://127.0.0.1:9/jwks' } as const;
    const stage = await staged({ tokens: { ...TOKENS, keys } });
    const refused = await refusedUpgrade(stage.url, { token: issuer.token() });
    expect(refused).toEqual({ status: 503, sentence: expect.stringContaining('not known now') });
    await stage.fault('keys_unknown');
  });
});

describe('the server of keys', () => {
  const withKeys = (url: string) => ({ tokens: { ...TOKENS, keys: { kind: 'url', url } as const } });

  it('is asked once for many tokens', async () => {
    const server = await serving((_, response) => response.end(issuer.jwks));
    const stage = await staged(withKeys(server.url));
    for (let n = 0; n < 5; n++) await connectWebClient(stage.url, { token: issuer.token() });
    expect(server.asked()).toBe(1);
  });

  it('is asked no oftener because strangers name keys that it does not have', async () => {
    const server = await serving((_, response) => response.end(issuer.jwks));
    const stage = await staged(withKeys(server.url));
    for (let n = 0; n < 5; n++)
      await refusedUpgrade(stage.url, { token: stranger.token({}, { kid: `made-up-${n}` }) });
    expect(server.asked()).toBe(1);
  });

  it.each<[string, RegExp, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['that fails', /status 500/, (_, response) => response.writeHead(500).end('no')],
    [
      'that sends elsewhere',
      /status 302/,
      ({ headers }, response) =>
        response.writeHead(302, { location: `http://${headers.host}/elsewhere` }).end(issuer.jwks),
    ],
    ['that says something else', /not JSON/, (_, response) => response.end('<html>')],
    ['that goes on and on', /longer than/, (_, response) => response.end('x'.repeat(1024 ** 2))],
    ['that hangs up', /no keys of tokens from http/, ({ socket }) => socket.destroy()],
  ])('%s is left alone for a while, and the log says why', async (_, reason, answer) => {
    const server = await serving(answer);
    let now = Date.now();
    const stage = await staged(withKeys(server.url), () => now);
    for (let n = 0; n < 5; n++) {
      const refused = await refusedUpgrade(stage.url, { token: issuer.token() });
      expect(refused.status).toBe(503);
      expect(refused.sentence).not.toContain('127.0.0.1');
    }
    expect(server.asked()).toBe(1);
    const reasons = stage.events.flatMap((it) => (it.kind === 'error' ? [it.error.message] : []));
    expect(reasons).toEqual([expect.stringMatching(reason)]);
    now += 5_000;
    await refusedUpgrade(stage.url, { token: issuer.token() });
    expect(server.asked()).toBe(2);
  });
});

it('a token that ends in no time that a date has ends at the last of them', async () => {
  const stage = await staged();
  await connectWebClient(stage.url, { token: issuer.token({ exp: 1e300 }) });
  expect(stage.at(SESSION_OPENED)[0]?.headers[UNTIL]).toBe('8640000000000000');
});

it('another subprotocol is told by a close, which a browser can read', async () => {
  const stage = await staged();
  const client = await connectWebClient(stage.url, { token: issuer.token(), protocols: [] });
  expect(client.subprotocol).toBe('');
  expect(await client.closed).toEqual({ code: 4406, reason: 'the subprotocol is mcbridge.v1.json' });
  const counted = await stage.fault('bad_subprotocol');
  expect(counted.headers[FAULT]).toBe('bad_subprotocol');
  expect(stage.at(SESSION_OPENED)).toEqual([]);
});

it('what is no WebSocket is told so', async () => {
  const stage = await staged();
  const status = await new Promise((resolve) =>
    get(stage.url.replace('ws:', 'http:'), ({ statusCode }) => resolve(statusCode)),
  );
  expect(status).toBe(426);
});
