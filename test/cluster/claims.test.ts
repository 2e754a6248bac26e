import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection, nkeys } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { bucketName, claimLifetimeMs } from '../../src/cluster/bucket.ts';
import { createClaims, type SharedClaims, type SharedClaimsOptions } from '../../src/cluster/claims.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { type Identity, makeAuthority } from '../support/pki.ts';

const MOST = 20_000;
let nats: NatsServer;
let admin: NatsConnection;
const open: SharedClaims[] = [];
let clusters = 0;
/** One for each test. */
let cluster: string;

beforeAll(async () => {
  nats = await startNatsServer({ jetstream: true });
  admin = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((claims) => claims.close()));
});
afterAll(async () => {
  await admin?.close();
  await nats?.stop();
});

interface Instance extends SharedClaims {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

const instance = (changes: Partial<SharedClaimsOptions> = {}): Instance => {
  const events: Readonly<Record<string, unknown>>[] = [];
  const log = (fields: Readonly<Record<string, unknown>>): void => void events.push(fields);
  const claims = createClaims({
    connection: { servers: [nats.url], name: 'test' },
    bucket: { cluster, maxAge: claimLifetimeMs(60, 60), maxBytes: 16 * 1024 ** 2, replicas: 1 },
    log: { debug: log, info: log, warn: log, error: log },
    ...changes,
  });
  open.push(claims);
  claims.open();
  return Object.assign(claims, { events });
};
const opened = async (changes?: Partial<SharedClaimsOptions>): Promise<Instance> => {
  const claims = instance(changes);
  await claims.opened(MOST);
  expect(claims.state()).toEqual({ up: true });
  return claims;
};
const until = (claims: Instance, event: string, count = 1): Promise<void> =>
  vi.waitFor(
    () => expect(claims.events.filter((it) => it['event'] === event).length).toBeGreaterThanOrEqual(count),
    {
      timeout: MOST,
    },
  );
const bucket = () => new Kvm(admin).open(bucketName(cluster));

const fresh = (): void => {
  cluster = `test${++clusters}`;
};
beforeAll(fresh);
afterEach(fresh);

test('of three instances that claim a key at once one wins', async () => {
  const three = [instance(), instance(), instance()];
  await Promise.all(three.map((claims) => claims.opened(MOST)));
  for (let round = 0; round < 200; round++) {
    const results = await Promise.all(three.map((claims) => claims.claim(`key${round}`, 1)));
    expect(results.map(({ result }) => result).toSorted(), `round ${round}`).toEqual(['lost', 'lost', 'won']);
  }
});

test('the value of a claim is the nonce of the instance that has won', async () => {
  const [one, two] = [await opened(), await opened()];
  expect(one.nonce).not.toBe(two.nonce);
  await one.claim('key', 1);
  await two.claim('key', 1);
  expect((await (await bucket()).get('key'))?.string()).toBe(one.nonce);
});

test('a create that fails because of its own key, whose answer was lost, has won', async () => {
  const one = await opened();
  await (await bucket()).create('key', one.nonce);
  expect(await one.claim('key', 1)).toEqual({ result: 'won' });
});

test('a second copy that comes to the instance that has won is lost', async () => {
  const one = await opened();
  const [first, second] = await Promise.all([one.claim('key', 1), one.claim('key', 1)]);
  expect([first, second]).toEqual([{ result: 'won' }, { result: 'lost' }]);
  expect(await one.claim('key', 1)).toEqual({ result: 'lost' });
});

test('claims outlive a crash of the server, and those that wait meanwhile are decided', async () => {
  const [one, two] = [await opened({ patience: MOST }), await opened({ patience: MOST })];
  expect((await one.claim('before', 1)).result).toBe('won');
  await nats.kill();
  await Promise.all([until(one, 'claims_away'), until(two, 'claims_away')]);
  expect(one.state()).toMatchObject({ up: false });
  const meanwhile = Promise.all([one.claim('meanwhile', 1), two.claim('meanwhile', 1)]);
  await nats.restart();
  expect((await meanwhile).map(({ result }) => result).toSorted()).toEqual(['lost', 'won']);
  expect((await two.claim('before', 1)).result).toBe('lost');
});

test('while the bucket is away a claim is unknown, and says why', async () => {
  const one = await opened({ patience: 50 });
  await nats.kill();
  await until(one, 'claims_away');
  expect(await one.claim('key', 1)).toMatchObject({ result: 'unknown', reason: expect.stringMatching(/\w/) });
  await nats.restart();
  let again = 0;
  await vi.waitFor(async () => expect((await one.claim(`another${again++}`, 1)).result).toBe('won'), {
    timeout: MOST,
  });
});

test('a server that does not answer is given up, and the claim is unknown', async () => {
  const one = await opened();
  nats.signal('SIGSTOP');
  try {
    expect(await one.claim('key', 1)).toMatchObject({ result: 'unknown' });
  } finally {
    nats.signal('SIGCONT');
  }
});

test('the patience of a claim bounds all that it waits for, also the answers', async () => {
  const [patient, hasty] = [await opened(), await opened({ patience: 100 })];
  nats.signal('SIGSTOP');
  try {
    const order: string[] = [];
    const claim = async (name: string, claims: SharedClaims): Promise<void> => {
      expect(await claims.claim('key', 1)).toMatchObject({ result: 'unknown' });
      order.push(name);
    };
    await Promise.all([claim('patient', patient), claim('hasty', hasty)]);
    expect(order).toEqual(['hasty', 'patient']);
  } finally {
    nats.signal('SIGCONT');
  }
});

test('a bucket that is younger than the request decides nothing', async () => {
  const one = await opened();
  await (await jetstreamManager(admin)).streams.delete(`KV_${bucketName(cluster)}`);
  expect(await one.claim('key', 1)).toEqual({
    result: 'unknown',
    reason: 'the bucket is younger than the request',
  });
  expect((await one.claim('later', 1)).result).toBe('won');
});

test('a bucket that somebody has made anew is not taken for the one before', async () => {
  const one = await opened();
  const manager = await jetstreamManager(admin);
  const { config } = await manager.streams.info(`KV_${bucketName(cluster)}`);
  await manager.streams.delete(config.name);
  await manager.streams.add(config);
  expect(await one.claim('key', 1)).toEqual({
    result: 'unknown',
    reason: 'the bucket is younger than the request',
  });
  await until(one, 'claims_open', 2);
  expect((await one.claim('later', 1)).result).toBe('won');
});

test.each([
  ['forgets too early', { ttl: 60_000 }, /forgets claims after 60 s, before 180 s/],
  ['is kept in memory', { storage: 'memory', ttl: claimLifetimeMs(60, 60) }, /is kept in memory/],
] as const)('a bucket that %s is not used', async (_, settings, reason) => {
  await new Kvm(admin).create(bucketName(cluster), {
    ...settings,
    storage: 'storage' in settings ? 'memory' : 'file',
  });
  const one = instance({ patience: 1 });
  await until(one, 'claims_away');
  expect(one.state()).toMatchObject({ up: false, reason: expect.stringMatching(reason) });
  expect(await one.claim('key', 1)).toMatchObject({ result: 'unknown' });
});

test('the bucket is made on files, with its ttl and its size', async () => {
  await opened();
  const { config } = await (await jetstreamManager(admin)).streams.info(`KV_${bucketName(cluster)}`);
  expect(config).toMatchObject({
    storage: 'file',
    max_age: 180e9,
    max_bytes: 16 * 1024 ** 2,
    discard: 'new',
    max_msgs_per_subject: 1,
  });
});

test('a full bucket takes no more claims, and forgets none', async () => {
  const small = { cluster, maxAge: claimLifetimeMs(60, 60), maxBytes: 10_000, replicas: 1 };
  const one = await opened({ bucket: small });
  const won: string[] = [];
  for (let i = 0; one.state().up; i++)
    if ((await one.claim(`key${i}`, 1)).result === 'won') won.push(`key${i}`);
  expect(won.length).toBeGreaterThan(10);
  const full = { result: 'unknown', reason: 'the bucket is full (claims.max_bytes)' };
  const two = instance({ bucket: small, patience: 1 });
  await until(two, 'claims_away');
  expect(await two.claim('more', 1)).toEqual(full);
  const stored: string[] = [];
  for await (const key of await (await bucket()).keys()) stored.push(key);
  expect(stored.toSorted()).toEqual(won.toSorted());
});

test('what waits for a claim is bounded in number and in bytes', async () => {
  const one = await opened({ limits: { claims: 2, bytes: 100 } });
  const results = await Promise.all([
    one.claim('a', 60),
    one.claim('b', 60),
    one.claim('c', 40),
    one.claim('d', 0),
  ]);
  expect(results.map(({ result }) => result)).toEqual(['won', 'unknown', 'won', 'unknown']);
  expect((await one.claim('e', 100)).result).toBe('won');
  // However large, one has room where none waits.
  expect((await one.claim('f', 10_000)).result).toBe('won');
});

test('the connection is encrypted and logged in, and a server that is not the one meant is left', async () => {
  const authority = makeAuthority('claims CA');
  const identity = (address: string) =>
    authority.issue({ commonName: 'nats', dnsNames: ['localhost'], ipAddresses: [address] });
  const start = ({ certificate: cert, privateKey: key }: Identity): Promise<NatsServer> =>
    startNatsServer({
      jetstream: true,
      tls: { ca: authority.certificate, cert, key, verify: false },
      extra: 'authorization { user: bridge, password: secret }',
    });
  const [good, other] = await Promise.all([start(identity('127.0.0.1')), start(identity('127.0.0.9'))]);
  try {
    const settings = (server: NatsServer, password = 'secret') => ({
      connection: {
        servers: [`tls://127.0.0.1:${server.port}`],
        name: 'test',
        tls: { ca: authority.certificate, verify: true },
        user: 'bridge',
        password,
      },
    });
    const one = await opened(settings(good));
    expect((await one.claim('key', 1)).result).toBe('won');
    for (const wrong of [settings(other), settings(good, 'wrong')]) {
      const two = instance(wrong);
      await until(two, 'claims_away');
      expect(two.state().up).toBe(false);
    }
  } finally {
    await Promise.all([good.stop(), other.stop()]);
  }
});

test('it logs in with an NKey, as links do', async () => {
  const user = nkeys.createUser();
  const server = await startNatsServer({
    jetstream: true,
    extra: `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`,
  });
  try {
    const settings = { servers: [server.url], name: 'test' };
    const nkeySeed = Buffer.from(user.getSeed()).toString();
    const one = await opened({ connection: { ...settings, nkeySeed } });
    expect((await one.claim('key', 1)).result).toBe('won');
    const nobody = instance({ connection: settings });
    await until(nobody, 'claims_away');
    expect(nobody.state().up).toBe(false);
  } finally {
    await server.stop();
  }
});

test('another connection is used once the bucket is open there, and until then the one before', async () => {
  const [one, other] = [await opened(), await opened()];
  one.follow({ servers: ['nats://127.0.0.1:1'], name: 'elsewhere' });
  await until(one, 'claims_away');
  expect(await one.claim('meanwhile', 1)).toEqual({ result: 'won' });
  expect(await other.claim('meanwhile', 1)).toEqual({ result: 'lost' });
  one.follow({ servers: [nats.url], name: 'again' });
  await until(one, 'claims_open', 2);
  expect(await one.claim('afterwards', 1)).toEqual({ result: 'won' });
  expect(await other.claim('afterwards', 1)).toEqual({ result: 'lost' });
  expect(one.state()).toEqual({ up: true });
});

test('a claim that is under way while the connection becomes another one is decided', async () => {
  const [one, other] = [await opened(), await opened()];
  let isOver = false;
  const both = (async () => {
    const results: string[] = [];
    for (let i = 0; !isOver; i++)
      results.push(
        (await Promise.all([one, other].map((it) => it.claim(`key${i}`, 1))))
          .map(({ result }) => result)
          .toSorted()
          .join(),
      );
    return results;
  })();
  for (let i = 0; i < 3; i++) {
    one.follow({ servers: [nats.url], name: `connection ${i}` });
    await until(one, 'claims_open', 2 + i);
  }
  isOver = true;
  expect(new Set(await both)).toEqual(new Set(['lost,won']));
});
