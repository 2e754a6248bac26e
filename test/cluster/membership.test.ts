import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Log } from '../../src/bridge/log.ts';
import { Stats } from '../../src/bridge/stats.ts';
import {
  createMembership,
  LONGEST_INTERVAL,
  type Membership,
  type MembershipOptions,
} from '../../src/cluster/membership.ts';
import { timingOf } from '../../src/cluster/timing.ts';
import { makeDocument } from '../../src/stats/document.ts';
import { type MeteredLink, meterLink } from '../../src/stats/meter.ts';
import type { Link } from '../../src/transport/link.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { decodeStats, type StatsDocument, statsSubject } from '../../src/wire/choria/stats.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { sourcesOf } from './sources.mjs';

const CLUSTER = 'production';
const KEY = createSecretKey(Buffer.alloc(32, 1));
const { interval, fence } = timingOf(1_000);

let nats: NatsServer;
const links: Link[] = [];
const memberships: Membership[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterEach(async () => {
  await Promise.all(memberships.splice(0).map((membership) => membership.stop()));
  await Promise.all(links.splice(0).map((link) => link.close()));
});
afterAll(() => nats.stop());

const openLink = async (): Promise<Link> => {
  const link = createNatsLink({ servers: [nats.url], name: 'test', onEvent: () => undefined });
  links.push(link);
  await link.open();
  return link;
};

const documentOf =
  (link: MeteredLink, instance: string) =>
  (member: NonNullable<StatsDocument['bridge']>['member']): StatsDocument =>
    makeDocument(sourcesOf(instance, link, new Stats()), CLUSTER, Date.now(), member);

/** An instance whose clocks stand still but for `pass`. */
const instance = async (name: string, key: KeyObject = KEY, { maxAge = 60_000, apart = 0 } = {}) => {
  const link = meterLink(await openLink(), {
    name: 'choria',
    side: 'collective',
    clusters: [CLUSTER],
    clock: Date.now,
  });
  const said: string[] = [];
  const say = (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void said.push(`${message}: ${fields['member'] ?? ''}`);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  let passed = 0;
  let hearsAll = true;
  const began = Date.now() + apart;
  const options: MembershipOptions = {
    link,
    cluster: CLUSTER,
    instance: name,
    key,
    interval,
    maxAge,
    hearsAll: () => hearsAll,
    clock: () => began + passed,
    steady: () => passed,
    log,
  };
  const membership = createMembership(options);
  memberships.push(membership);
  const started = membership.start(documentOf(link, name));
  started.catch(() => undefined);
  return {
    membership,
    started,
    link,
    said,
    pass: (ms: number): void => {
      passed += ms;
    },
    hear: (all: boolean): void => {
      hearsAll = all;
    },
    now: () => Math.floor((began + passed) / 1000),
    names: (): readonly string[] =>
      membership
        .members()
        .map((it) => it.instance)
        .toSorted(),
  };
};

type Instance = Awaited<ReturnType<typeof instance>>;

/** Lets time pass until they take their shares, slowly enough for them to hear each other meanwhile. */
const joinAll = (...them: readonly Instance[]): Promise<void> =>
  vi.waitFor(
    () => {
      for (const { pass } of them) pass(50);
      for (const { membership } of them) expect(membership.count()).toBe(them.length);
    },
    { timeout: 20_000, interval: 20 },
  );

const listen = async (): Promise<StatsDocument[]> => {
  const documents: StatsDocument[] = [];
  const link = await openLink();
  await link.subscribe({
    destination: statsSubject(CLUSTER),
    onMessage: ({ body }) => documents.push(decodeStats(body)),
  });
  return documents;
};

const publish = async (text: string): Promise<void> => {
  const link = await openLink();
  link.send({ destination: statsSubject(CLUSTER), body: Buffer.from(text), expires: Number.MAX_VALUE });
  await link.close();
};

test('a newcomer knows the others, and they know it, without waiting for an interval', async () => {
  const one = await instance('one');
  const documents = await listen();
  // Time stands still: whatever comes is no document of an interval.
  const two = await instance('two');
  await vi.waitFor(() => expect(two.names()).toEqual(['one', 'two']));
  await vi.waitFor(() => expect(one.names()).toEqual(['one', 'two']));
  const three = await instance('three');
  for (const it of [one, two, three])
    await vi.waitFor(() => expect(it.names()).toEqual(['one', 'three', 'two']));
  expect(documents.length).toBeLessThan(20);
  expect(one.membership.isMine('request', one.now())).toBe(false);
});

test('they share requests; one that stops hands its share over', async () => {
  const [one, two] = [await instance('one'), await instance('two')];
  await joinAll(one, two);
  const ids = Array.from({ length: 400 }, (_, index) => String(index));
  const time = Math.max(...one.membership.members().map(({ since }) => since)) / 1000;
  const ofOne = ids.filter((id) => one.membership.isMine(id, time));
  const ofTwo = ids.filter((id) => two.membership.isMine(id, time));
  expect([...ofOne, ...ofTwo].toSorted()).toEqual(ids.toSorted());
  expect(Math.min(ofOne.length, ofTwo.length)).toBeGreaterThan(100);

  const stopped = two.membership.stop();
  await vi.waitFor(() => expect(one.said).toContain('an instance leaves the cluster to the others: two'));
  const until = one.membership.members().find((it) => it.instance === 'two')?.until ?? 0;
  expect(until % 1000).toBe(0);
  const last = until / 1000;
  expect(ids.filter((id) => one.membership.isMine(id, last - 1))).toEqual(ofOne);
  expect(ids.filter((id) => two.membership.isMine(id, last - 1))).toEqual(ofTwo);
  expect(ids.filter((id) => one.membership.isMine(id, last))).toEqual(ids);
  expect(ids.filter((id) => two.membership.isMine(id, last))).toEqual([]);
  await stopped;
  expect(ids.filter((id) => two.membership.isMine(id, last - 1))).toEqual([]);
  await vi.waitFor(
    () => {
      one.pass(50);
      expect(one.names()).toEqual(['one']);
    },
    { timeout: 10_000 },
  );
  expect(one.membership.count()).toBe(1);
});

test('one that does not hear itself takes nothing, and begins anew when it does', async () => {
  const one = await instance('one');
  await joinAll(one);
  await vi.waitFor(() => expect(one.said).toHaveLength(1));
  expect(one.membership.isMine('request', one.now() + 1)).toBe(true);
  await nats.kill();
  await vi.waitFor(() => expect(one.link.uncounted.state().up).toBe(false));
  expect(one.membership.isMine('request', one.now() + 1)).toBe(true);
  one.pass(fence + 1);
  expect(one.membership.isMine('request', one.now())).toBe(false);
  expect(one.membership.count()).toBe(0);
  await vi.waitFor(() => expect(one.said).toHaveLength(2));
  await nats.restart();
  await vi.waitFor(() => expect(one.link.uncounted.state().up).toBe(true), { timeout: 20_000 });
  const back = one.now();
  await joinAll(one);
  await vi.waitFor(() => expect(one.said).toHaveLength(3));
  expect(one.said.map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
    'takes its share',
    'takes no legacy',
    'takes its share',
  ]);
  one.pass(1_000);
  expect(one.membership.isMine('request', one.now())).toBe(true);
  // What was sent meanwhile another may have taken.
  expect(one.membership.isMine('request', back)).toBe(false);
});

test('who does not have the key is no member, but is there for people to see', async () => {
  const one = await instance('one');
  const documents = await listen();
  await instance('stranger', createSecretKey(randomBytes(32)));
  const told = 'a document of another cluster key is ignored';
  await vi.waitFor(() => expect(one.said.join()).toContain(told));
  expect(one.names()).toEqual(['one']);
  await vi.waitFor(() => expect(documents.map((it) => it.instance)).toContain('stranger'));
  await joinAll(one);
  expect(one.said.filter((text) => text.startsWith(told))).toHaveLength(1);
  expect(one.membership.count()).toBe(1);
});

test('one that a broker does not reach hands its share over, and takes it again when it does', async () => {
  const [one, two] = [await instance('one'), await instance('two')];
  await joinAll(one, two);
  two.hear(false);
  // Not at once: it may be that the others do not hear either.
  await vi.waitFor(() => expect(one.membership.members().map((it) => it.hearsAll)).toContain(false));
  expect(one.said).not.toContain('an instance leaves the cluster to the others: two');
  for (const { pass } of [one, two]) pass(interval / 2);
  await vi.waitFor(() => expect(one.said).toContain('an instance leaves the cluster to the others: two'));
  const ids = Array.from({ length: 100 }, (_, index) => String(index));
  await vi.waitFor(
    () => {
      for (const { pass } of [one, two]) pass(50);
      expect(ids.filter((id) => one.membership.isMine(id, one.now()))).toEqual(ids);
    },
    { timeout: 20_000, interval: 20 },
  );
  expect(ids.filter((id) => two.membership.isMine(id, one.now()))).toEqual([]);
  await vi.waitFor(() => expect(two.said.join()).toContain('a broker that they come from is away'));

  two.hear(true);
  await vi.waitFor(() => expect(one.said).toContain('an instance takes part in the cluster again: two'));
  await joinAll(one, two);
  const later = Math.max(one.now(), two.now());
  for (const id of ids) expect(one.membership.isMine(id, later), id).toBe(!two.membership.isMine(id, later));
});

test('a recording of an instance that is gone brings it back to nobody', async () => {
  const documents: Buffer[] = [];
  const listener = await openLink();
  await listener.subscribe({
    destination: statsSubject(CLUSTER),
    onMessage: ({ body }) => documents.push(body),
  });
  const gone = await instance('gone');
  await vi.waitFor(() => expect(documents).not.toHaveLength(0));
  await gone.membership.stop();
  const recorded = documents.map(String);

  const one = await instance('one');
  one.pass(61_000);
  await joinAll(one);
  for (const text of recorded) await publish(text);
  const told = 'a document whose time is off by more than max_ttl is ignored';
  await vi.waitFor(() => expect(one.said.join()).toContain(told));
  expect(one.names()).toEqual(['one']);
  const ids = Array.from({ length: 100 }, (_, index) => String(index));
  expect(ids.filter((id) => one.membership.isMine(id, one.now() + 1))).toEqual(ids);
});

test('instances whose clocks are more than a minute apart still count each other', async () => {
  const maxAge = 3_600_000;
  const [one, two] = [
    await instance('one', KEY, { maxAge }),
    await instance('two', KEY, { maxAge, apart: 61_000 }),
  ];
  await vi.waitFor(
    () => {
      for (const { pass } of [one, two]) pass(50);
      for (const { membership, names } of [one, two])
        expect([membership.takesPart(), names()]).toEqual([true, ['one', 'two']]);
    },
    { timeout: 20_000, interval: 20 },
  );
  const time = Math.max(one.now(), two.now());
  const owners = Array.from({ length: 100 }, (_, index) =>
    [one, two].map(({ membership }) => membership.isMine(String(index), time)),
  );
  for (const [a, b] of owners) expect(a).toBe(!b);
  for (const { said } of [one, two])
    expect(said.join()).toContain('the time of a document is off by more than a minute');
});

test('documents of other brokers, or of nobody, change nothing', async () => {
  const one = await instance('one');
  await joinAll(one);
  const side = {};
  await publish('no document');
  await publish(JSON.stringify({ cluster: CLUSTER, instance: 'ruby', collective: side, federation: side }));
  const member = { process: 'x', sequence: 1, sent: 0, interval: 0, since: 0, seal: '' };
  await publish(
    JSON.stringify({
      cluster: CLUSTER,
      instance: 'x',
      collective: side,
      federation: side,
      bridge: { member },
    }),
  );
  const unread = 'statistics document that cannot be read: ';
  await vi.waitFor(() => expect(one.said.filter((text) => text === unread)).toHaveLength(2));
  expect(one.names()).toEqual(['one']);
  expect(one.membership.isMine('request', one.now() + 1)).toBe(true);
});

test('two processes of one name share as any two do, and it is told once', async () => {
  const [one, two] = [await instance('same'), await instance('same')];
  await joinAll(one, two);
  const time = Math.max(one.now(), two.now());
  const owners = Array.from({ length: 100 }, (_, index) =>
    [one, two].map(({ membership }) => membership.isMine(String(index), time)),
  );
  for (const [a, b] of owners) expect(a).toBe(!b);
  for (const { said } of [one, two])
    expect(said.filter((text) => text.startsWith('another process has the same instance name'))).toHaveLength(
      1,
    );
});

test('a start that is cut short fails; after a stop nothing is taken', async () => {
  const one = await instance('one');
  await one.membership.stop();
  await expect(one.started).rejects.toMatchObject({ name: 'LinkError', code: 'closed' });
  const two = await instance('two');
  await joinAll(two);
  await two.started;
  await two.membership.stop();
  expect(two.membership.isMine('request', two.now() + 1)).toBe(false);
  expect(two.membership.count()).toBe(0);
});

test('documents that are only for people may come less often than members need them', async () => {
  const link = meterLink(await openLink(), {
    name: 'choria',
    side: 'collective',
    clusters: [CLUSTER],
    clock: Date.now,
  });
  const silent = () => undefined;
  const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
  const options = {
    link,
    cluster: CLUSTER,
    instance: 'one',
    key: KEY,
    maxAge: 1,
    hearsAll: () => true,
    clock: Date.now,
    log,
  };
  expect(createMembership({ ...options, interval: 10_000 }).interval).toBe(LONGEST_INTERVAL);
  expect(createMembership({ ...options, interval: 1_000 }).interval).toBe(1_000);
});
