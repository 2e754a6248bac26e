import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { check } from '../../src/cli/check.ts';
import { type BridgeFolder, makeBridgeFolder } from '../support/bridge.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

const USERS = `authorization { users: [
  { user: bridge, password: p, permissions: { publish: ["$JS.API.>", "$KV.mcbridge_full.>"], subscribe: ["_INBOX.>"] } }
  { user: admin, password: p }
] }`;

let nats: NatsServer;
let plain: NatsServer;
let files: BridgeFolder;

beforeAll(async () => {
  [nats, plain] = await Promise.all([startNatsServer({ jetstream: true, extra: USERS }), startNatsServer()]);
  files = makeBridgeFolder({});
});
afterAll(async () => {
  files?.remove();
  await Promise.all([nats?.stop(), plain?.stop()]);
});

/** What `check` says of claims, of a configuration whose brokers are not there. */
const said = async (claims: object, cluster = 'full', callers: object = {}) => {
  const nowhere = { servers: ['stomp://127.0.0.1:1'] };
  const config = files.configure({
    cluster,
    cluster_key: 'k'.repeat(32),
    max_ttl: 60,
    http: { listen: 'off' },
    claims: { insecure_plaintext: true, user: 'bridge', password: 'p', ...claims },
    ingresses: {
      mco: {
        type: 'mcollective-stomp',
        ...nowhere,
        callers: { keys_dir: 'clients', ...callers },
        server_private_key: 'server.pem',
      },
    },
    egresses: {
      legacy: {
        type: 'mcollective-stomp',
        ...nowhere,
        signing: { keys_dir: 'keys' },
        server_public_key: 'server.pem',
      },
    },
    routes: [
      {
        from: 'mco',
        to: 'legacy',
        collectives: ['mcollective'],
        identities: [{ exact: 'cert=alice', to: 'cert=alice' }],
      },
    ],
  });
  const findings = await check({ config });
  return findings
    .filter(({ path }) => path.startsWith('claims.servers'))
    .map(({ status, message, mend }) => ({ status, message, mend }));
};

test('a server that lets the bridge claim is all right: a key was made, in a bucket with the right settings', async () => {
  expect(await said({ servers: [nats.url] })).toEqual([
    {
      status: 'ok',
      message: `${nats.url} lets the bridge in, and a claim was made in the bucket mcbridge_full, whose settings are right`,
      mend: undefined,
    },
  ]);
  const connection = await connect({ servers: nats.url, user: 'admin', pass: 'p' });
  const keys: string[] = [];
  for await (const key of await (await new Kvm(connection).open('mcbridge_full')).keys()) keys.push(key);
  await connection.close();
  expect(keys).toEqual([expect.stringMatching(/^check\./)]);
});

test('a right that is missing is named', async () => {
  const [finding] = await said({ servers: [nats.url] }, 'other');
  expect(finding).toMatchObject({
    status: 'problem',
    message: expect.stringMatching(/it is needed to claim broadcasts$/),
    mend: expect.stringContaining('$KV.mcbridge_other.>'),
  });
});

test('so is a server without JetStream, one that does not let the bridge in, and one that is not there', async () => {
  const findings = await said({ servers: [plain.url, 'nats://127.0.0.1:1'] });
  expect(findings).toMatchObject([
    {
      status: 'problem',
      message: expect.stringContaining(plain.url),
      mend: expect.stringContaining('jetstream'),
    },
    { status: 'problem', message: expect.stringContaining('nats://127.0.0.1:1') },
  ]);
  expect(await said({ servers: [nats.url], password: 'wrong' })).toMatchObject([
    { status: 'problem', message: expect.stringMatching(/authorization violation/i) },
  ]);
});

test('a bucket that was there with other settings is told of', async () => {
  const admin = { servers: [nats.url], user: 'admin' };
  const connection = await connect({ servers: nats.url, user: 'admin', pass: 'p' });
  await new Kvm(connection).create('mcbridge_short', { ttl: 60_000, max_bytes: 1024 ** 2 });
  await connection.close();
  expect(await said(admin, 'short')).toMatchObject([
    {
      status: 'problem',
      message: expect.stringMatching(/forgets claims after 60 s, before 180 s .* does not use it$/),
    },
    { status: 'warning', message: expect.stringMatching(/takes 1048576 bytes, not 134217728/) },
  ]);
});

test('a bucket that forgets before the last copy of a client whose clock is fast could come is told of', async () => {
  const admin = { servers: [nats.url], user: 'admin' };
  expect(await said(admin, 'fast')).toMatchObject([{ status: 'ok' }]);
  expect(await said(admin, 'fast', { max_ahead: '2h' })).toMatchObject([
    {
      status: 'problem',
      message: expect.stringMatching(
        /forgets claims after 180 s, before 7320 s \(max_ttl, max_ahead and 1 minute\); the bridge does not use it$/,
      ),
    },
  ]);
});
