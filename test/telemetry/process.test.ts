import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeStats, type StatsDocument } from '../../src/adapters/choria/wire/stats.ts';
import { type BridgeProcess, launchBridge } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { type BridgeConfig, NODE1, NODE2, startWorld, type World } from '../support/world.ts';
import { fetchPage, fetchReady, health, object, rubyDocument, urlOf } from './pages.ts';
import { parseExposition } from './prometheus.ts';

const SUBJECT = 'choria.federation.production.stats';
const SOON = { timeout: 60_000, interval: 100 };

let world: World;
let alice: ChoriaClient;
let bridge: BridgeProcess;
const documents: string[] = [];

const often = (config: BridgeConfig) => ({ ...config, statistics: { interval: '1s' } });

const page = (path: string) => fetchPage(bridge, path);
const ready = () => fetchReady(bridge);

const latest = (): StatsDocument => {
  const last = documents.at(-1);
  if (last === undefined) throw new Error('no document yet');
  return decodeStats(Buffer.from(last));
};

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1, NODE2] });
  alice = await world.client();
  await alice.subscribe(SUBJECT, (payload) => documents.push(payload));
  bridge = await world.bridge(often);
});

afterAll(() => world?.stop());

const ask = (caller: ChoriaClient = alice, expected = 2) =>
  caller.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1, NODE2], expect: expected });

describe('the published document', () => {
  test('has every key of the Ruby broker’s, with values of the same kind, and one more', async () => {
    await ask();
    await vi.waitFor(() => expect(latest().federation.sent).toBe(2), SOON);
    const ours = object.parse(JSON.parse(documents.at(-1) ?? ''));
    const kinds = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([key, inner]) => [key, kinds(inner)])
        : typeof value;
    const { bridge: own, ...shared } = ours;
    expect(kinds(shared)).toEqual(kinds(rubyDocument(SUBJECT)));
    expect(own).toBeTypeOf('object');
  });

  test('counts what went by, from both sides’ point of view', async () => {
    const before = latest();
    await ask();
    await vi.waitFor(() => expect(latest().federation.received).toBe(before.federation.received + 1), SOON);
    const document = latest();
    expect(document).toMatchObject({
      cluster: 'production',
      instance: '1',
      status: 'OK',
      configFile: `${world.files.folder}/bridge1.yaml`,
      federation: {
        source: 'choria.federation.production.federation',
        sent: before.federation.sent + 2,
        connectedServer: world.nats.url,
        workQueue: 0,
      },
      collective: {
        sent: before.collective.sent + 2,
        received: before.collective.received + 2,
        workQueue: 0,
      },
    });
    expect(document.collective.source).toContain('/queue/mcollective.reply.production.>');
    expect(document.collective.connectedServer).toBe(`stomp://127.0.0.1:${world.activemq.port}`);
    const now = Date.now() / 1000;
    for (const side of [document.federation, document.collective])
      expect(Math.abs(now - (side.lastMessage ?? 0))).toBeLessThan(30);
    expect(document.bridge?.interval).toBe(1);
    expect(document.bridge?.routes[0]).toMatchObject({
      from: 'federation',
      to: 'legacy',
      requests: { received: document.federation.received, sent: document.federation.received },
    });
    expect(document.bridge?.links.map(({ name, up }) => [name, up])).toEqual([
      ['federation', true],
      ['legacy', true],
      ['legacy_yaml', true],
    ]);
  });

  test('tells why requests were refused', async () => {
    const boss = await world.client({ name: 'boss.mcollective' });
    await ask(boss, 1);
    await vi.waitFor(
      () => expect(latest().bridge?.rejected).toEqual(new Map([['privileged_mapping', 1]])),
      SOON,
    );
    expect(latest().bridge?.errors).toBe(1);
  });
});

describe('over HTTP', () => {
  test('the bridge is alive and ready', async () => {
    expect(await page('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await ready()).toEqual({ status: 200, ready: true, phase: 'running', troubles: [] });
  });

  test('/metrics is text that Prometheus reads, and agrees with the document', async () => {
    const response = await fetch(`${await urlOf(bridge)}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const { value } = parseExposition(await response.text());
    const { federation, collective } = latest();
    const received = 'choria_federation_received_msgs';
    const identity = 'bridge1.example.net';
    expect(value(received, { name: 'nats_ingest', connected_to: 'federation', identity })).toBe(
      federation.received,
    );
    expect(value(received, { name: 'nats_ingest', connected_to: 'collective' })).toBe(collective.received);
    const published = 'choria_federation_published_msgs';
    expect(value(published, { connected_to: 'federation', cluster: 'production' })).toBe(federation.sent);
    expect(value(published, { connected_to: 'collective' })).toBe(collective.sent);
    expect(value('choria_federation_errors', { name: 'choria_request_transformer' })).toBe(1);
    expect(
      value('choria_federation_time_sum', { name: 'choria_request_transformer' }),
      'signing takes time',
    ).toBeGreaterThan(0);
    expect(value('mcbridge_rejected_total', { reason: 'privileged_mapping' })).toBe(1);
    expect(value('mcbridge_link_up', { link: 'legacy' })).toBe(1);
    const answered = { route: 'federation → legacy' };
    expect(value('mcbridge_request_duration_seconds_count', answered)).toBe(federation.received - 1);
    expect(value('mcbridge_requests_in_flight')).toBe(0);
  });

  test('go-choria’s path for scrapers works too', async () => {
    const { status, text } = await page('/choria/prometheus');
    expect([status, parseExposition(text).types.get('choria_federation_time')]).toEqual([200, 'summary']);
  });

  test('/stats is the document and more, and counts how often it is asked for', async () => {
    await page('/stats');
    const { text } = await page('/stats');
    const more = object.parse(JSON.parse(text));
    expect(more['/stats']).toEqual({ requests: 2 });
    expect(decodeStats(Buffer.from(text)).federation).toEqual(latest().federation);
    expect(more['ready']).toEqual({ ready: true, phase: 'running', troubles: [] });
    expect(more['all_links']).toHaveLength(3);
  });
});

describe('while a broker is away', () => {
  const recovered = () => vi.waitFor(async () => expect((await ready()).status).toBe(200), SOON);

  test('ActiveMQ: it is alive, not ready, and says so on the federation network', async () => {
    await world.activemq.kill();
    await vi.waitFor(async () => {
      const { status, troubles } = await ready();
      expect([status, troubles.map(({ name, problem }) => [name, problem])]).toEqual([
        503,
        [
          ['legacy', 'not connected'],
          ['legacy_yaml', 'not connected'],
        ],
      ]);
      expect(troubles[0]?.reason).toContain(`127.0.0.1:${world.activemq.port}`);
    }, SOON);
    expect((await page('/healthz')).status).toBe(200);
    await vi.waitFor(() => expect(latest().status).toBe('CRITICAL'), SOON);
    expect(latest().collective.connectedServer).toBeUndefined();
    expect(latest().threads.get('collective_middleware_handler')?.alive).toBe(false);
    const { value } = parseExposition((await page('/metrics')).text);
    expect(value('mcbridge_link_up', { link: 'legacy' })).toBe(0);
    expect(value('mcbridge_ready')).toBe(0);
    await world.activemq.restart();
    await recovered();
    await vi.waitFor(() => expect(latest().status).toBe('OK'), SOON);
  });

  test('NATS: it is alive, not ready, and keeps no documents for later', async () => {
    await world.nats.kill();
    await vi.waitFor(async () => {
      const { status, troubles } = await ready();
      expect([status, troubles.map(({ name, problem }) => [name, problem])]).toEqual([
        503,
        [['federation', 'not connected']],
      ]);
    }, SOON);
    expect((await page('/healthz')).status).toBe(200);
    const { value } = parseExposition((await page('/metrics')).text);
    expect(value('mcbridge_buffered_messages', { link: 'federation' })).toBe(0);
    await world.nats.restart();
    await alice.reconnected();
    await recovered();
    const count = documents.length;
    await vi.waitFor(() => expect(documents.length).toBeGreaterThan(count), SOON);
    expect(parseExposition((await page('/metrics')).text).value('mcbridge_expired_total')).toBe(0);
  });
});

describe('starting and ending', () => {
  const occupied = async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { port, close: () => new Promise((resolve) => server.close(resolve)) };
  };

  test('a port that is taken ends the start, and the message names the place and the way out', async () => {
    const { port, close } = await occupied();
    const listen = `127.0.0.1:${port}`;
    const config = world.config((it) => ({ ...it, http: { listen } }));
    const failed = launchBridge(config);
    expect(await failed.child.exited).toBe(1);
    expect(failed.child.log()).toMatch(
      new RegExp(
        `bridge\\d+\\.yaml:\\d+:\\d+: http\\.listen: ${listen} is in use already: give another port`,
      ),
    );
    await close();
  });

  test('a second bridge on one machine, whose file says nothing of a port, runs without', async () => {
    const taken = await new Promise<{ readonly close: () => void }>((resolve) => {
      const server = createServer();
      // Somebody else has it: as good.
      server.once('error', () => resolve(server));
      server.listen(8222, '127.0.0.1', () => resolve(server));
    });
    const second = await world.bridge(({ http: _, ...it }) => it);
    const warned = await second.line(({ msg }) => msg.startsWith('no metrics'), 'that it has no HTTP');
    expect(warned.msg).toBe(
      'no metrics and health over http: 127.0.0.1:8222 is in use already: give another port, or off (http.listen)',
    );
    expect(await second.stop()).toBe(0);
    taken.close();
  });

  test('off is off', async () => {
    const quiet = await world.bridge((it) => ({ ...it, http: { listen: 'off' } }));
    expect(quiet.lines().some(({ url }) => url !== undefined)).toBe(false);
    expect(await quiet.stop()).toBe(0);
  });

  test('a bridge that cannot reach its brokers is alive, and says what it waits for', async () => {
    const waiting = world.launch((it) => ({
      ...it,
      egresses: { ...it.egresses, legacy: { ...it.egresses.legacy, servers: ['stomp://127.0.0.1:1'] } },
    }));
    const url = await urlOf(waiting);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const response = await fetch(`${url}/readyz`);
    const said = health.parse(await response.json());
    expect([response.status, said.phase]).toEqual([503, 'starting']);
    expect(said.troubles.map(({ name }) => name)).toContain('legacy');
    await waiting.stop();
  });

  test('a bridge that drains is alive and not ready', async () => {
    const slow = alice.rpc({
      agent: 'echo',
      action: 'slow',
      data: { seconds: 2 },
      targets: [NODE1],
      timeout: 60_000,
    });
    await vi.waitFor(async () => {
      const { value } = parseExposition((await page('/metrics')).text);
      expect(value('mcbridge_requests_in_flight')).toBe(1);
    }, SOON);
    bridge.child.signal('SIGTERM');
    await vi.waitFor(async () => expect(await ready()).toMatchObject({ status: 503, phase: 'draining' }), {
      interval: 20,
    });
    expect((await page('/healthz')).status).toBe(200);
    expect(await slow).toHaveLength(1);
    expect(await bridge.child.exited).toBe(0);
    await expect(page('/healthz')).rejects.toThrow();
  });
});
