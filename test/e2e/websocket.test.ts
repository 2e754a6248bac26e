import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import {
  C1,
  C2,
  C3,
  type MixedConfig,
  type MixedWorld,
  mixedConfig,
  startMixedWorld,
} from '../support/mixed-world.ts';
import { connectWebClient, type WebClient } from '../support/web-client.ts';
import { AUDIENCE, makeTokenIssuer } from '../support/web-tokens.ts';
import { NODE1, YAML_COLLECTIVE } from '../support/world.ts';

// A real mcollectived and Choria nodes, asked by clients of the WebSocket ingress.

const issuer = makeTokenIssuer('https://login.example.net');
let port: number;

const withWeb = (config: MixedConfig, at = port) => ({
  ...config,
  ingresses: {
    ...config.ingresses,
    web: {
      type: 'websocket',
      listen: `127.0.0.1:${at}`,
      tls: { cert: 'bridge-cert.pem', key: 'bridge-key.pem' },
      clients: { ca: 'ca.pem' },
      tokens: { issuer: issuer.issuer, audience: AUDIENCE, claim: 'email', jwks_file: 'jwks.json' },
      max_calls: 3,
    },
  },
  policies: {
    web: {
      rules: [
        { name: 'looks', agents: ['rpcutil.ping', 'rpcutil.get_fact'], verdict: 'allow' },
        {
          name: 'no-echo',
          agents: ['echo'],
          verdict: 'deny',
          reason: 'echo is for the owners of the machines',
        },
      ],
    },
  },
  routes: [
    ...config.routes,
    {
      from: 'web',
      to: 'legacy',
      collectives: ['mcollective'],
      identities: [
        { regex: 'oidc=([a-z]+)@example\\.net', to: 'cert=$1' },
        { exact: 'cert=alice', to: 'cert=alice' },
      ],
      policy: 'web',
    },
    {
      from: 'web',
      to: 'choria',
      collectives: [YAML_COLLECTIVE],
      identities: [{ regex: '(?:oidc|cert)=([a-z]+)(?:@example\\.net)?', to: 'choria=$1.mcollective' }],
      policy: 'web',
    },
  ],
});

let mixed: MixedWorld;
let client: WebClient;

const connect = (options = {}): Promise<WebClient> =>
  connectWebClient(`wss://127.0.0.1:${port}`, { ca: mixed.world.authority.certificate, ...options });

const resultOf = async (
  method: string,
  params?: object,
  by: WebClient = client,
): Promise<Readonly<Record<string, unknown>>> => {
  const answered = await by.call(method, params);
  if ('error' in answered) throw new Error(JSON.stringify(answered.error));
  return answered.result;
};

const errorOf = async (method: string, params?: object, by: WebClient = client) => {
  const answered = await by.call(method, params);
  if ('result' in answered) throw new Error(JSON.stringify(answered.result));
  return answered.error;
};

/** A call to its end: who has answered what, and what the bridge says at its end. */
const callOf = async (params: object, by: WebClient = client) => {
  const { id, nodes } = await resultOf('rpc.call', params, by);
  const done = await by.notice('rpc.done', (it) => it['id'] === id);
  const replies = by.notices.filter((it) => it.method === 'rpc.reply' && it.params['id'] === id);
  return { nodes, done, replies: replies.map(({ params: it }) => it) };
};

const LEGACY = { collective: 'mcollective', agent: 'rpcutil', action: 'ping' };
const CHORIA = { collective: YAML_COLLECTIVE, agent: 'rpcutil', action: 'ping' };

beforeAll(async () => {
  port = await freePort();
  mixed = await startMixedWorld({
    legacy: [NODE1],
    files: { 'jwks.json': issuer.jwks },
    changes: withWeb,
  });
  client = await connect({ token: issuer.token() });
});

afterAll(async () => {
  client?.close();
  await mixed?.stop();
});

describe('a client with a token', () => {
  test('is told who it is, and what it can reach', async () => {
    expect(await resultOf('session.info')).toMatchObject({
      caller: 'oidc=alice@example.net',
      collectives: ['mcollective', YAML_COLLECTIVE],
      until: expect.stringMatching(/^20/),
      limits: { calls: 3, targets: 1000, message_bytes: 262144 },
    });
  });

  test('asks a legacy node by its name', async () => {
    const { done, replies, nodes } = await callOf({ ...LEGACY, targets: [NODE1] });
    expect(nodes).toEqual([NODE1]);
    expect(replies).toMatchObject([
      { seq: 1, sender: NODE1, statuscode: 0, statusmsg: 'OK', data: { pong: expect.any(Number) } },
    ]);
    expect(done).toMatchObject({ end: 'complete', stats: { replies: 1, ok: 1, missed: 0 }, unheard: [] });
  });

  test('asks Choria nodes that are found, two at a time', async () => {
    const asked = { ...CHORIA, discover: 10, limit: 3, batch: 2, ttl: 30 };
    const { done, replies, nodes } = await callOf(asked);
    expect(nodes).toEqual([C1, C2, C3]);
    expect(replies.map(({ sender }) => sender).toSorted()).toEqual([C1, C2, C3]);
    expect(replies.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(done).toMatchObject({ end: 'complete', stats: { replies: 3 }, unheard: [] });
  });

  test('asks all whom a filter matches, until the ttl ends', async () => {
    const filter = { fact: [{ fact: 'country', operator: '==', value: 'uk' }], compound: ['with("apache")'] };
    const { done, replies, nodes } = await callOf({ ...CHORIA, filter, ttl: 3 });
    expect(nodes).toBeUndefined();
    expect(replies.map(({ sender }) => sender)).toEqual([C1]);
    expect(done).toMatchObject({ end: 'ttl', stats: { replies: 1 } });
    expect(done).not.toHaveProperty('unheard');
  });

  test('is told who did not answer', async () => {
    const { done } = await callOf({ ...CHORIA, targets: [C1, 'away.example.net'], ttl: 3 });
    expect(done).toMatchObject({ end: 'ttl', stats: { replies: 1 }, unheard: ['away.example.net'] });
  });

  test('discovers nodes, and lists those that have answered', async () => {
    const found = await resultOf('discover', { collective: YAML_COLLECTIVE, agent: 'rpcutil' });
    expect(found).toEqual({ nodes: [C1, C2, C3] });
    expect(await resultOf('nodes.list', { collective: YAML_COLLECTIVE })).toEqual({ nodes: [C1, C2, C3] });
  });

  test('takes replies as it has credit for them', async () => {
    const { id } = await resultOf('rpc.call', { ...CHORIA, targets: [C1, C2, C3], credit: 1 });
    const replies = () => client.notices.filter((it) => it.method === 'rpc.reply' && it.params['id'] === id);
    await vi.waitFor(() => expect(replies()).toHaveLength(1));
    await resultOf('session.info');
    expect(replies()).toHaveLength(1);
    await resultOf('rpc.credit', { id, n: 10 });
    await client.notice('rpc.done', (it) => it['id'] === id);
    expect(replies()).toHaveLength(3);
  });

  test('cancels a call, and has no more calls than it may', async () => {
    const slow = { ...CHORIA, targets: ['away.example.net'], ttl: 600 };
    const ids: unknown[] = [];
    for (let n = 0; n < 3; n++) ids.push((await resultOf('rpc.call', slow))['id']);
    expect(await errorOf('rpc.call', slow)).toMatchObject({ code: -32004, data: { code: 'overloaded' } });
    for (const id of ids) {
      await resultOf('rpc.cancel', { id });
      const done = await client.notice('rpc.done', (it) => it['id'] === id);
      expect(done).toMatchObject({ end: 'cancelled', unheard: ['away.example.net'] });
    }
    expect(await errorOf('rpc.cancel', { id: ids[0] })).toMatchObject({ code: -32006 });
  });
});

describe('what is refused is told as an error, with its reason', () => {
  test.each<[string, string, object, object]>([
    [
      'by the policy',
      'rpc.call',
      { ...LEGACY, agent: 'echo', action: 'echo', targets: [NODE1] },
      { code: -32001, message: /echo is for the owners/, data: { code: 'denied_by_policy' } },
    ],
    [
      'of a collective that is not exported',
      'rpc.call',
      { ...LEGACY, collective: 'elsewhere' },
      { code: -32003, message: /elsewhere/, data: { code: 'collective_not_exported' } },
    ],
    [
      'discovery of a collective that is not exported',
      'discover',
      { collective: 'elsewhere' },
      { code: -32003, message: /elsewhere/, data: { code: 'collective_not_exported' } },
    ],
    [
      'a filter that nobody understands',
      'rpc.call',
      { ...LEGACY, filter: { compound: ['country ==='] } },
      { code: -32602, message: /./, data: { code: 'unsupported_filter' } },
    ],
    [
      'a method that there is not',
      'rpc.evil',
      {},
      { code: -32601, message: /no method "rpc.evil"/, data: { code: 'invalid_field' } },
    ],
    [
      'params that are wrong',
      'rpc.call',
      { ...LEGACY, targets: ['a b'] },
      { code: -32602, message: /targets\.0/, data: { code: 'invalid_field' } },
    ],
  ])('%s', async (_, method, params, wanted) => {
    const { message, ...error } = await errorOf(method, params);
    const { message: sentence, ...rest } = wanted as { message: RegExp };
    expect(error).toEqual(rest);
    expect(message).toMatch(sentence);
  });

  test('by the identity rules', async () => {
    const mallory = await connect({ token: issuer.token({ email: 'mallory@elsewhere.example' }) });
    const error = await errorOf('rpc.call', { ...LEGACY, targets: [NODE1] }, mallory);
    expect(error).toMatchObject({
      code: -32002,
      message: expect.stringContaining('oidc=mallory@elsewhere.example'),
      data: { code: 'no_mapping' },
    });
    mallory.close();
  });
});

test('a client with a certificate asks in its name', async () => {
  const { certificate, privateKey } = mixed.world.authority.issue({
    commonName: 'alice',
    usages: ['client'],
  });
  const alice = await connect({ cert: certificate, key: privateKey });
  expect(await resultOf('session.info', {}, alice)).toMatchObject({ caller: 'cert=alice' });
  const { replies } = await callOf({ ...LEGACY, targets: [NODE1] }, alice);
  expect(replies).toMatchObject([{ sender: NODE1, statuscode: 0 }]);
  alice.close();
});

test('replies come to the instance that has the session, whatever others the cluster has', async () => {
  const at = await freePort();
  const other = await mixed.world.bridge((config) => withWeb(mixedConfig(config), at));
  for (let n = 0; n < 10; n++)
    for (const asked of [
      { ...LEGACY, targets: [NODE1] },
      { ...CHORIA, targets: [C1, C2, C3] },
    ]) {
      const { done } = await callOf({ ...asked, ttl: 20 });
      expect(done).toMatchObject({ end: 'complete', unheard: [] });
    }
  await other.stop();
});

test('a call outlives a reload of the configuration, and so does its session', async () => {
  const { id } = await resultOf('rpc.call', { ...CHORIA, targets: [C1, 'away.example.net'], ttl: 600 });
  await client.notice('rpc.reply', (it) => it['id'] === id);
  mixed.bridge.child.signal('SIGHUP');
  await mixed.bridge.line(({ event }) => event === 'config_reloaded', 'the reload');
  await resultOf('rpc.cancel', { id });
  expect(await client.notice('rpc.done', (it) => it['id'] === id)).toMatchObject({ end: 'cancelled' });
  const { done } = await callOf({ ...LEGACY, targets: [NODE1] });
  expect(done).toMatchObject({ end: 'complete' });
});

test('a reload with other settings has another listener, and the sessions of the one before go on until they end', async () => {
  const file = join(mixed.world.files.folder, 'bridge1.yaml');
  const config: ReturnType<typeof withWeb> = JSON.parse(readFileSync(file, 'utf8'));
  const { web } = config.ingresses;
  const changed = {
    ...config,
    ingresses: { ...config.ingresses, web: { ...web, max_calls: 5, ping: '20s' } },
  };
  mixed.world.files.write('bridge1.yaml', JSON.stringify(changed));
  const before = mixed.bridge.lines().length;
  mixed.bridge.child.signal('SIGHUP');
  await vi.waitFor(() =>
    expect(mixed.bridge.lines().slice(before)).toContainEqual(
      expect.objectContaining({ event: 'config_reloaded' }),
    ),
  );
  const next = await vi.waitFor(() => connect({ token: issuer.token() }));
  expect(await resultOf('session.info', {}, next)).toMatchObject({ limits: { calls: 5 } });
  for (const by of [client, next]) {
    const { done } = await callOf({ ...LEGACY, targets: [NODE1] }, by);
    expect(done).toMatchObject({ end: 'complete' });
  }
  next.close();
});

test('a bridge that stops ends sessions with 1012', async () => {
  const stopped = mixed.bridge.stop();
  expect(await client.closed).toMatchObject({ code: 1012 });
  await stopped;
});
