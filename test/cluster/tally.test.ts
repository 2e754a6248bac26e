import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Bucket, bucketName, claimLifetimeMs } from '../../src/cluster/bucket.ts';
import { createClaims, type SharedClaims, type SharedClaimsOptions } from '../../src/cluster/claims.ts';
import type { LastingBucket, OpenBucket } from '../../src/cluster/lasting-bucket.ts';
import { BucketTally } from '../../src/cluster/tally.ts';
import type { Addition, Counted } from '../../src/envelope/tally.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

const MOST = 60_000;
const NOW = 1_800_000_000_000;
/** Of a request that asks for one node, where ten are allowed. */
const ONE: Addition = { key: 'request', amount: 1, most: 9, now: NOW, expires: NOW + 60_000 };

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
beforeEach(() => {
  cluster = `tally${++clusters}`;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((claims) => claims.close()));
});
afterAll(async () => {
  await admin?.close();
  await nats?.stop();
});

const nothing = (): void => undefined;

const opened = async (changes: Partial<SharedClaimsOptions> = {}): Promise<SharedClaims> => {
  const claims = createClaims({
    connection: { servers: [nats.url], name: 'test' },
    bucket: { cluster, maxAge: claimLifetimeMs(60, 60), maxBytes: 16 * 1024 ** 2, replicas: 1 },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    patience: MOST,
    ...changes,
  });
  open.push(claims);
  claims.open();
  await claims.opened(MOST);
  expect(claims.state()).toEqual({ up: true });
  return claims;
};

const bucket = () => new Kvm(admin).open(bucketName(cluster));
const added = (all: readonly Counted[]) => all.filter(({ result }) => result === 'added').length;

test('three instances that count at once add exactly as much as is allowed', async () => {
  const three = await Promise.all([opened(), opened(), opened()]);
  for (let round = 0; round < 20; round++) {
    const all = Array.from({ length: 30 }, (_, index) =>
      three[index % 3]?.tally.add({ ...ONE, key: `round${round}` }),
    );
    const counted = (await Promise.all(all)).filter((it) => it !== undefined);
    expect(added(counted), `round ${round}`).toBe(10);
    expect(counted.filter(({ result }) => result === 'unknown')).toEqual([]);
  }
});

test('what was added is said to each, and to one that is started later', async () => {
  const [one, two] = [await opened(), await opened()];
  expect(await one.tally.add({ ...ONE, amount: 4, most: 6 })).toEqual({ result: 'added', before: 0 });
  expect(await two.tally.add({ ...ONE, amount: 4, most: 6 })).toEqual({ result: 'added', before: 4 });
  const three = await opened();
  expect(await three.tally.add({ ...ONE, amount: 4, most: 6 })).toEqual({ result: 'too_much', before: 8 });
  expect(await three.tally.add({ ...ONE, amount: 2, most: 8 })).toEqual({ result: 'added', before: 8 });
  expect(await one.tally.add(ONE)).toEqual({ result: 'too_much', before: 10 });
});

test('what is too much for one that has asked before is not asked again', async () => {
  const one = await opened();
  await one.tally.add({ ...ONE, amount: 10, most: 0 });
  const { state } = await (await jetstreamManager(admin)).streams.info(`KV_${bucketName(cluster)}`);
  nats.signal('SIGSTOP');
  try {
    expect(await one.tally.add(ONE)).toEqual({ result: 'too_much', before: 10 });
  } finally {
    nats.signal('SIGCONT');
  }
  expect(state.messages).toBe(1);
});

test('a request that has ended counts no more, and one that another message makes live longer does', async () => {
  const [one, two] = [await opened(), await opened()];
  await one.tally.add({ ...ONE, amount: 10, most: 0 });
  const later = { ...ONE, now: NOW + 60_000, expires: NOW + 120_000 };
  expect(await two.tally.add({ ...later, amount: 3 })).toEqual({ result: 'added', before: 0 });
  expect(await one.tally.add({ ...later, expires: NOW + 70_000 })).toEqual({ result: 'added', before: 3 });
  expect(await two.tally.add({ ...later, now: NOW + 80_000 })).toEqual({ result: 'added', before: 4 });
});

test('nobody knows while the bucket is away, or does not answer', async () => {
  const one = await opened({ patience: 100 });
  nats.signal('SIGSTOP');
  try {
    expect(await one.tally.add(ONE)).toEqual({
      result: 'unknown',
      reason: 'what counts for all instances does not answer',
    });
  } finally {
    nats.signal('SIGCONT');
  }
  await one.close();
  expect(await one.tally.add({ ...ONE, key: 'later' })).toEqual({
    result: 'unknown',
    reason: 'what counts for all instances cannot be reached',
  });
});

test('what comes to its turn too late asks for nothing', async () => {
  let asked = 0;
  const silent: Pick<OpenBucket, 'whileThere'> & { readonly bucket: Pick<Bucket, 'replace'> } = {
    bucket: {
      replace: () => {
        asked++;
        return new Promise<never>(() => undefined);
      },
    },
    whileThere: async (_, milliseconds) => {
      // By then it is late for all of them.
      await sleep(milliseconds + 500);
      throw new TimeoutError();
    },
  };
  const bucket = { ready: async () => silent };
  // Of a bucket no more is asked for here.
  const options = {
    bucket: () => bucket as unknown as LastingBucket,
    maxAge: claimLifetimeMs(60, 60),
    patience: 50,
  };
  const tally = new BucketTally(options);
  const late = await Promise.all(Array.from({ length: 5 }, () => tally.add(ONE)));
  const reason = 'what counts for all instances does not answer';
  expect(late).toEqual(late.map(() => ({ result: 'unknown', reason })));
  expect(asked).toBe(1);
});

test('counts outlive a crash of the server, and those that wait meanwhile are added', async () => {
  const [one, two] = [await opened(), await opened()];
  await one.tally.add({ ...ONE, amount: 8, most: 2 });
  await nats.kill();
  const meanwhile = [one.tally.add(ONE), two.tally.add(ONE), one.tally.add(ONE), two.tally.add(ONE)];
  await nats.restart();
  // What was sent and not confirmed may count twice, and never not at all.
  expect(added(await Promise.all(meanwhile))).toBeLessThanOrEqual(2);
  expect(await one.tally.add({ ...ONE, key: 'later' })).toEqual({ result: 'added', before: 0 });
});

test('a request that lives for longer than counts are kept is not counted', async () => {
  const one = await opened();
  const reason = "the sender's clock is so far ahead that it would be forgotten too early";
  expect(await one.tally.add({ ...ONE, expires: NOW + 120_000 })).toMatchObject({ result: 'added' });
  expect(await one.tally.add({ ...ONE, expires: NOW + 120_001 })).toEqual({ result: 'unknown', reason });
});

test('a bucket that somebody has made anew is not taken for the one before', async () => {
  const one = await opened();
  await one.tally.add(ONE);
  const manager = await jetstreamManager(admin);
  const { config } = await manager.streams.info(`KV_${bucketName(cluster)}`);
  await manager.streams.delete(config.name);
  await manager.streams.add(config);
  expect(await one.tally.add(ONE)).toEqual({
    result: 'unknown',
    reason: 'what counts for all instances has been made anew',
  });
});

test('a count that somebody has deleted begins again, and what is no count counts nothing', async () => {
  const one = await opened({ patience: 200 });
  await one.tally.add({ ...ONE, amount: 10, most: 0 });
  await (await bucket()).delete('count.request');
  const two = await opened();
  expect(await two.tally.add(ONE)).toEqual({ result: 'added', before: 0 });
  await (await bucket()).put('count.other', 'many');
  expect(await one.tally.add({ ...ONE, key: 'other' })).toMatchObject({ result: 'unknown' });
});

test('a count takes some 150 bytes of the bucket, however often it is added to', async () => {
  const one = await opened();
  const key = 'k'.repeat(43);
  for (let count = 0; count < 10; count++) await one.tally.add({ ...ONE, key });
  const { state } = await (await jetstreamManager(admin)).streams.info(`KV_${bucketName(cluster)}`);
  expect(state.messages).toBe(1);
  expect(state.bytes).toBeLessThan(200);
});
