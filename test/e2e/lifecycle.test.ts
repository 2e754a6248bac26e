import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePorts } from '../../src/testing/ports.ts';
import { type BridgeProcess, launchBridge, mcbridge, stopAndCount, untilReady } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { newRequestId } from '../support/choria-messages.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { program } from '../support/program.ts';
import { expectNoSecrets } from '../support/secrets.ts';
import { type BridgeConfig, CLUSTER_KEY, NODE1, startWorld, type World } from '../support/world.ts';
import { fetchPage } from '../telemetry/pages.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
});

afterAll(() => world?.stop());

const traced = (config: BridgeConfig) => ({ ...config, log: { level: 'trace', format: 'json' } });

const messages = (bridge: BridgeProcess): readonly string[] => bridge.lines().map(({ msg }) => msg);

/** A cluster of a test's own, so that tests can run side by side. */
interface Cluster {
  /** The configuration of one of its bridges. */
  of(config: BridgeConfig): BridgeConfig;
  /** Starts a bridge of it, which logs all. */
  start(changes?: object): Promise<BridgeProcess>;
  /** Asks the node for something that takes so many seconds; resolves once it is at work. */
  slow(
    seconds: number,
    timeout?: number,
  ): Promise<{ readonly requestId: string; readonly replies: ReturnType<ChoriaClient['rpc']> }>;
  ping(timeout?: number): ReturnType<ChoriaClient['rpc']>;
}

let clusters = 0;

const makeCluster = async (): Promise<Cluster> => {
  const cluster = `cluster${++clusters}`;
  const alice = await world.client({ cluster });
  const of = (config: BridgeConfig): BridgeConfig => ({ ...config, cluster });
  return {
    of,
    start: (changes) => world.bridge((config) => ({ ...traced(of(config)), ...changes })),
    slow: async (seconds, timeout) => {
      const requestId = newRequestId();
      const replies = alice.rpc({
        agent: 'echo',
        action: 'slow',
        data: { seconds },
        targets: [NODE1],
        requestId,
        ...(timeout === undefined ? {} : { timeout }),
      });
      await world.daemons[0]?.waitFor(new RegExp(`Handling message ${requestId}`), 90_000);
      return { requestId, replies };
    },
    ping: (timeout) =>
      alice.rpc({
        agent: 'rpcutil',
        action: 'ping',
        targets: [NODE1],
        ...(timeout === undefined ? {} : { timeout }),
      }),
  };
};

describe.concurrent('SIGTERM', () => {
  test('carries home what is in flight, takes nothing new, and ends with 0', async () => {
    const { start, slow, ping } = await makeCluster();
    const bridge = await start();
    const inFlight = await Promise.all([slow(2), slow(2), slow(2)]);
    bridge.child.signal('SIGTERM');
    await bridge.line(({ event }) => event === 'draining', 'that it drains');
    // What comes before NATS knows is told that the bridge drains; no node hears of it in any case.
    expect((await ping(1_000)).filter(({ sender }) => sender === NODE1)).toEqual([]);
    for (const { replies } of inFlight)
      expect(await replies).toMatchObject([{ sender: NODE1, rpc: { statuscode: 0, data: { slept: 2 } } }]);
    expect(await bridge.child.exited).toBe(0);
    expect(messages(bridge).at(-1)).toBe('stopped');
    const taken = bridge.lines().flatMap((line) => (line.event === 'request' ? [line['action']] : []));
    expect(taken).toEqual(['slow', 'slow', 'slow']);
    // The certificates of these tests last for a day, which the bridge warns of.
    const troubles = bridge.lines().filter(({ level }) => level === 'warn' || level === 'error');
    expect(troubles.filter(({ event }) => event !== 'certificate_expires')).toEqual([]);
  });

  test('leaves new requests to other instances', async () => {
    const { start, slow, ping } = await makeCluster();
    const bridge = await start();
    const { replies } = await slow(3);
    bridge.child.signal('SIGTERM');
    await bridge.line(({ event }) => event === 'draining', 'that it drains');
    const other = await start({ drain_timeout: '1s' });
    expect(await ping()).toMatchObject([{ sender: NODE1, rpc: { statuscode: 0 } }]);
    expect(await replies).toMatchObject([{ sender: NODE1, rpc: { statuscode: 0 } }]);
    expect(await stopAndCount(other)).toMatchObject({ requestsReceived: 1, requestsSent: 1 });
    expect(await bridge.child.exited).toBe(0);
  });

  test('gives up on what does not come within drain_timeout, and says what is missing', async () => {
    const { start, slow } = await makeCluster();
    const bridge = await start({ drain_timeout: '1s' });
    const { requestId, replies } = await slow(4, 5_000);
    expect(await bridge.stop()).toBe(0);
    expect(await replies).toEqual([]);
    const line = bridge.lines().find(({ event }) => event === 'request');
    expect(line).toMatchObject({ request_id: requestId, replies: 0, unheard: 1 });
  });

  test('for a second time ends it at once with 1', async () => {
    const { start, slow } = await makeCluster();
    const bridge = await start({ drain_timeout: '1m' });
    await slow(10, 500);
    bridge.child.signal('SIGTERM');
    await bridge.line(({ event }) => event === 'draining', 'that it drains');
    // Until one comes more than a second after the first: earlier ones are the same order.
    const again = setInterval(() => bridge.child.signal('SIGTERM'), 100);
    expect(await bridge.child.exited).toBe(1);
    clearInterval(again);
    expect(messages(bridge).at(-1)).toBe('second signal, ending at once');
  });

  test('twice in a row, as process managers and npm deliver it, is one order', async () => {
    const { start, slow } = await makeCluster();
    const bridge = await start();
    const { replies } = await slow(2);
    bridge.child.signal('SIGTERM');
    bridge.child.signal('SIGINT');
    expect(await replies).toMatchObject([{ sender: NODE1, rpc: { statuscode: 0 } }]);
    expect(await bridge.child.exited).toBe(0);
    expect(messages(bridge)).not.toContain('second signal, ending at once');
  });

  test('ends a start that cannot reach its brokers, with 0', async () => {
    const [stomp, nats] = await freePorts(2);
    const bridge = world.launch((config) => ({
      ...traced(config),
      drain_timeout: '1m',
      ingresses: {
        federation: { ...config.ingresses.federation, servers: [`nats://127.0.0.1:${nats}`] },
      },
      egresses: {
        ...config.egresses,
        legacy: { ...config.egresses.legacy, servers: [`stomp://127.0.0.1:${stomp}`] },
      },
    }));
    const line = await bridge.line(({ event }) => event === 'connection_failed', 'a failed attempt');
    expect(line).toMatchObject({ link: 'legacy', reason: expect.stringContaining('connection refused') });
    expect(await bridge.stop()).toBe(0);
    expect(messages(bridge)).not.toContain('ready');
    expect(messages(bridge).at(-1)).toBe('stopped');
  });
});

describe.concurrent('another bridge of the cluster with other ingresses', () => {
  test('is heard by check before it is started', async () => {
    const { start, of } = await makeCluster();
    const bridge = await start({ statistics: { interval: '1s' } });
    const heard = (changes: (config: BridgeConfig) => object) =>
      mcbridge(
        'check',
        '--config',
        world.config((config) => changes(of(config))),
        '--listen',
        '4',
      );
    const [fits, other] = await Promise.all([
      heard((config) => config),
      heard((config) => ({
        ...config,
        ingresses: { partners: config.ingresses.federation },
        routes: config.routes.map((route) => ({ ...route, from: 'partners' })),
      })),
    ]);
    expect(fits.stdout).toContain('no bridge was heard that this one does not go with, in 4 s');
    expect(other.status).toBe(1);
    expect(other.stdout).toContain('has other ingresses (federation) than this one (partners)');
    await bridge.stop();
  });
});

describe.concurrent('a bridge that cannot start', () => {
  /** Runs to its end: a configuration that it should not run with. */
  const failed = async (changes: (config: BridgeConfig) => object) => {
    const bridge = world.launch(changes);
    const status = await bridge.child.exited;
    expect(bridge.child.log()).not.toMatch(/^\s+at /m);
    expect(bridge.child.log()).not.toContain('bug');
    return { status, log: bridge.child.log() };
  };

  test('tells what is wrong with the configuration by file, line and column', async () => {
    const { status, log } = await failed((config) => ({ ...config, max_ttl: 'for ever', clutser: 'x' }));
    expect(status).toBe(2);
    expect(log).toMatch(/bridge\d+\.yaml:\d+:\d+: max_ttl: "for ever" is not allowed/);
    expect(log).toMatch(/bridge\d+\.yaml:\d+:\d+: clutser: unknown key; did you mean "cluster"/);
  });

  test('says that there is no such file', async () => {
    const bridge = launchBridge('nowhere.yaml');
    expect(await bridge.child.exited).toBe(2);
    expect(bridge.child.log()).toBe(
      'mcbridge: cannot read the configuration nowhere.yaml: there is no such file\n',
    );
  });

  const withLegacy = (legacy: object) => (config: BridgeConfig) => ({
    ...config,
    egresses: { ...config.egresses, legacy: { ...config.egresses.legacy, ...legacy } },
  });
  test.each<[string, (config: BridgeConfig) => object, RegExp]>([
    [
      'a key that is not there',
      withLegacy({ signing: { callerid: 'cert=mcbridge', private_key: 'gone.pem' } }),
      /bridge\d+\.yaml:\d+:\d+: egresses\.legacy\.signing\.private_key: .*gone\.pem cannot be read: there is no such file/,
    ],
    [
      'a public key that is a folder',
      withLegacy({ server_public_key: 'keys' }),
      /bridge\d+\.yaml:\d+:\d+: egresses\.legacy\.server_public_key.*keys cannot be read: it is a folder/,
    ],
    [
      'a key that is none',
      withLegacy({ signing: { callerid: 'cert=mcbridge', private_key: 'ca.pem' } }),
      /bridge\d+\.yaml:\d+:\d+: egresses\.legacy\.signing\.private_key: .*ca\.pem /,
    ],
    [
      'a certificate that is not there',
      (config) => ({
        ...config,
        ingresses: {
          federation: {
            ...config.ingresses.federation,
            tls: { ...config.ingresses.federation.tls, cert: 'gone.pem' },
          },
        },
      }),
      /bridge\d+\.yaml:\d+:\d+: ingresses\.federation\.tls\.cert: .*gone\.pem cannot be read: there is no such file/,
    ],
  ])('names the key of the configuration for %s', async (_, changes, says) => {
    const { status, log } = await failed(changes);
    expect(status).toBe(2);
    expect(log).toMatch(says);
  });

  test('tries on when NATS does not let it subscribe, says so once and by /readyz, and works once it is granted', async () => {
    const users = (subscribe: string) => `authorization { users: [ {
      user: bridge, password: "known to both", permissions: { subscribe: "${subscribe}" } } ] }`;
    const strict = await startNatsServer({ extra: users('nothing') });
    const bridge = launchBridge(
      world.config((config) => ({
        ...traced(config),
        http: { listen: '127.0.0.1:0' },
        ingresses: {
          federation: {
            type: 'choria-federation',
            servers: [strict.url],
            insecure_plaintext: true,
            callers: { ca: 'ca.pem' },
            user: 'bridge',
            password: 'known to both',
          },
        },
      })),
    );
    let kinder: NatsServer | undefined;
    try {
      await bridge.child.waitFor(/"event":"not_permitted"/, 90_000);
      const { status, text } = await fetchPage(bridge, '/readyz');
      expect(status).toBe(503);
      expect(text).toContain('no right to subscribe to \\"choria.federation.production.federation\\"');
      expect(text).toContain('it is needed to hear requests');
      await strict.stop();
      kinder = await startNatsServer({ port: strict.port, extra: users('>') });
      await untilReady(bridge);
      await vi.waitFor(async () => expect((await fetchPage(bridge, '/readyz')).status).toBe(200), {
        timeout: 60_000,
      });
      const told = bridge.lines().filter(({ event }) => event === 'not_permitted');
      expect(told).toHaveLength(1);
      expect(bridge.lines().some(({ event }) => event === 'permitted')).toBe(true);
    } finally {
      await bridge.stop();
      await kinder?.stop();
      await strict.stop();
    }
  });
});

describe.concurrent('the environment', () => {
  test('gives secrets that no log shows', async () => {
    const { of, ping } = await makeCluster();
    const config = world.config((it) => ({ ...traced(of(it)), cluster_key: '$' + '{MCBRIDGE_TEST_KEY}' }));
    const unset = launchBridge(config);
    expect(await unset.child.exited).toBe(2);
    expect(unset.child.log()).toMatch(
      /:\d+:\d+: cluster_key: the environment variable MCBRIDGE_TEST_KEY is not set/,
    );
    const bridge = launchBridge(config, { MCBRIDGE_TEST_KEY: CLUSTER_KEY });
    await untilReady(bridge);
    const [pong] = await ping();
    expect(pong?.rpc?.statuscode).toBe(0);
    expect(await bridge.stop()).toBe(0);
    expect(bridge.child.log()).not.toContain(CLUSTER_KEY);
  });
});

describe.concurrent('mcbridge demo', () => {
  test('shows the bridge at work', async () => {
    const { status, stdout, stderr } = await mcbridge('demo');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const summary =
      /(\d+) requests to 5 legacy nodes, (\d+) replies carried home, 2 refused, in ([\d.]+) s\./;
    const [, requests, replies, seconds] = summary.exec(stdout)?.map(Number) ?? [];
    expect(requests).toBeGreaterThan(4);
    expect(replies).toBeGreaterThan(10);
    expect(seconds).toBeGreaterThan(0);
    for (const part of ['Discovery', 'Broadcast', 'Directed', 'One message, step by step'])
      expect(stdout).toContain(part);
    expect(stdout).toMatch(
      /status 1 mcbridge\.example\.net +You are not authorized to call this agent or action: inventories are read of databases/,
    );
    expect(stdout).toMatch(/passed over demo\.yaml:\d+ \(inventories\): nodes: /);
    expect(stdout).toContain('no-other-inventories: deny, "inventories are read of databases');
  });

  test('prints JSON', async () => {
    const { status, stdout } = await mcbridge('demo', '--json');
    expect(status).toBe(0);
    const told: unknown = JSON.parse(stdout);
    expect(told).toMatchObject({
      acts: expect.arrayContaining([expect.objectContaining({ title: expect.any(String) })]),
      translation: expect.arrayContaining([expect.objectContaining({ title: expect.any(String) })]),
      summary: { nodes: 5, refused: 2, seconds: expect.any(Number) },
    });
  });
});

test.concurrent.each([['run'], ['check'], ['demo']])('mcbridge %s --help has examples', async (command) => {
  const { status, stdout } = await program(command, '--help');
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`Examples:\\n(  .*\\n)*  .*mcbridge ${command}`));
  expect(stdout).toMatch(/Exit (codes|status): 0/);
});

test('no log has a secret', () => {
  expectNoSecrets(world, ['known to both']);
});
