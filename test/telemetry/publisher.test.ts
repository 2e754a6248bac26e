import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { decodeStats, type StatsDocument } from '../../src/adapters/choria/wire/stats.ts';
import { Stats } from '../../src/bridge/stats.ts';
import type { Log } from '../../src/envelope/log.ts';
import { type MeteredLink, meterLink } from '../../src/telemetry/meter.ts';
import { Monitor } from '../../src/telemetry/monitor.ts';
import type { Link } from '../../src/transport/link.ts';
import { MemoryBroker, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

let nats: NatsServer;
const links: Link[] = [];
const monitors: Monitor[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
});
afterEach(async () => {
  for (const monitor of monitors.splice(0)) monitor.stopPublishing();
  await Promise.all(links.splice(0).map((link) => link.close()));
});
afterAll(() => nats.stop());

const unexpected: string[] = [];
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_, message) => unexpected.push(message),
  error: (_, message) => unexpected.push(message),
};

const toNats = (): Link => {
  const link = createNatsLink({ servers: [nats.url], name: 'test', onEvent: () => undefined });
  links.push(link);
  return link;
};

/** A link of the federation's side, subscribed as its ingress would. */
const federation = async (name: string, cluster: string): Promise<MeteredLink> => {
  const metered = meterLink(toNats(), { name, side: 'federation', clusters: [cluster], clock: Date.now });
  await metered.link.open();
  await metered.link.subscribe({
    destination: `choria.federation.${cluster}.federation`,
    onMessage: () => undefined,
  });
  return metered;
};

const collective = async (name: string, clusters: readonly string[]): Promise<MeteredLink> => {
  const link = new MemoryBroker(STOMP_RULES).link();
  const metered = meterLink(link, { name, side: 'collective', clusters, clock: Date.now });
  await metered.link.subscribe({ destination: `/queue/${name}.reply.>`, onMessage: () => undefined });
  return metered;
};

const message = (destination: string) => ({ destination, body: Buffer.from('x'), expires: Number.MAX_VALUE });

/** A bridge between two clusters and three collectives, as far as its monitor sees it. */
const start = async (interval: number) => {
  const documents: StatsDocument[] = [];
  const listener = toNats();
  await listener.open();
  await listener.subscribe({
    destination: 'choria.federation.*.stats',
    onMessage: ({ body }) => documents.push(decodeStats(body)),
  });
  const others: string[] = [];
  await listener.subscribe({
    destination: 'later',
    onMessage: ({ destination }) => others.push(destination),
  });
  const north = await federation('north', 'north');
  const south = await federation('south', 'south');
  const shared = await collective('shared', ['north', 'south']);
  const legacy = await collective('legacy', ['south']);
  const stats = new Stats();
  stats.route('north', 'shared').requestsReceived = 1;
  stats.route('south', 'shared').requestsReceived = 2;
  stats.route('south', 'legacy').requestsReceived = 3;
  const monitor = new Monitor({
    version: '1.2.3',
    identity: 'bridge1.example.net',
    cluster: 'north',
    instance: '1',
    configFile: '/etc/mcbridge/bridge.yaml',
    interval: () => interval,
    links: [north, south, shared, legacy],
    stats,
    observe: () => undefined,
    inFlight: () => 0,
    silentNodes: () => 0,
    log,
    clock: Date.now,
  });
  monitors.push(monitor);
  return { monitor, documents, others, north, south, shared, legacy };
};

test('a bridge that belongs to two clusters publishes for each what went through its links', async () => {
  const { monitor, documents, north, shared, legacy } = await start(60);
  for (const { link } of [north, shared, legacy, legacy]) link.send(message('a.b'));
  monitor.running();
  await vi.waitFor(() => expect(documents).toHaveLength(2));
  const byCluster = new Map(documents.map((document) => [document.cluster, document]));
  expect(byCluster.get('north')).toMatchObject({
    status: 'OK',
    federation: { source: 'choria.federation.north.federation', sent: 1 },
    collective: { source: '/queue/shared.reply.>', sent: 1 },
    bridge: { routes: [{ from: 'north', to: 'shared', requests: { received: 1 } }] },
  });
  expect(byCluster.get('south')).toMatchObject({
    federation: { source: 'choria.federation.south.federation', sent: 0 },
    collective: { source: '/queue/shared.reply.>, /queue/legacy.reply.>', sent: 3 },
    bridge: {
      routes: [
        { from: 'south', to: 'shared', requests: { received: 2 } },
        { from: 'south', to: 'legacy', requests: { received: 3 } },
      ],
    },
  });
  expect(unexpected).toEqual([]);
});

test('documents come at each interval, and do not count themselves', async () => {
  const { monitor, documents } = await start(1);
  monitor.running();
  await vi.waitFor(() => expect(documents.length).toBeGreaterThanOrEqual(6), { timeout: 60_000 });
  expect(documents.at(-1)?.federation).toMatchObject({ sent: 0, received: 0, lastMessage: undefined });
});

test('once it is over nothing is published, though the interval goes on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const { monitor, documents, others, north, south } = await start(1);
    // What the same connection sends later arrives later.
    const arrived = async (count: number): Promise<number> => {
      for (const { link } of [north, south]) link.send(message('later'));
      await vi.waitFor(() => expect(others).toHaveLength(count));
      return documents.length;
    };
    monitor.running();
    vi.advanceTimersByTime(1_000);
    monitor.stopPublishing();
    const before = await arrived(2);
    vi.advanceTimersByTime(5_000);
    expect(await arrived(4)).toBe(before);
    expect(before).toBeGreaterThanOrEqual(4);
  } finally {
    vi.useRealTimers();
  }
});

test('with the interval 0 nothing is published', async () => {
  const { monitor, documents, others, north } = await start(0);
  monitor.running();
  // What the same connection sends later arrives later.
  north.link.send(message('later'));
  await vi.waitFor(() => expect(others).toEqual(['later']));
  expect(documents).toEqual([]);
  expect(monitor.document().bridge?.interval).toBeUndefined();
});

test('a link that is down gets nothing to keep for later', async () => {
  const { monitor, north } = await start(60);
  await nats.kill();
  await vi.waitFor(() => expect(north.raw.state().up).toBe(false));
  monitor.running();
  expect(north.raw.state().buffered).toBe(0);
  await nats.restart();
});
