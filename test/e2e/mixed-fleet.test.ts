import { createPrivateKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import { clientFrame } from '../adapters/mcollective/ingress-world.ts';
import { stopAndCount } from '../support/bridge.ts';
import { openRawLink, tally } from '../support/burst.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import {
  C1,
  C2,
  C3,
  type MixedConfig,
  type MixedWorld,
  mixedConfig,
  startMixedWorld,
} from '../support/mixed-world.ts';
import { keyPair } from '../support/pki.ts';
import { program } from '../support/program.ts';
import { NODE1, NODE2 } from '../support/world.ts';
import { parseExposition } from '../telemetry/prometheus.ts';

let mixed: MixedWorld;
let client: ChoriaClient;
const GO = [C1, C2, C3];

/** Legacy nodes are not forgotten for their silence alone; and some Choria nodes are known by a pattern. */
const rememberLegacy = (config: MixedConfig) => {
  const { legacy, choria } = config.egresses;
  const discovery = { ...legacy.discovery, expire: '10m' };
  const nodes = ['*.burst.example.net'];
  return {
    ...config,
    egresses: {
      ...config.egresses,
      legacy: { ...legacy, discovery },
      choria: { ...choria, nodes },
    },
  };
};

beforeAll(async () => {
  mixed = await startMixedWorld({ legacy: [NODE1, NODE2], changes: rememberLegacy });
  client = await mixed.world.client({ dialect: 'go', federated: false });
});

afterAll(() => mixed.stop());

/** Found once: a burst's lines push the first ones out of what is kept of a log. */
let url: string;

beforeAll(async () => {
  const line = await mixed.bridge.line(({ event }) => event === 'http', 'its address');
  url = String(line['url']);
});

/** What `mcbridge inventory` says of the first bridge, or of that one. */
const inventory = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await program('inventory', '--url', url, ...args);
  return stdout;
};

const untilInventory = async (pattern: RegExp, ...args: readonly string[]): Promise<void> => {
  for (const deadline = Date.now() + 20_000; ; await sleep(200)) {
    const shown = await inventory(...args);
    if (pattern.test(shown)) return;
    if (Date.now() > deadline) throw new Error(`the inventory does not show ${pattern}:\n${shown}`);
  }
};

/** Requests that have gone out beyond a route so far. */
const sentBy = async (route: string): Promise<number> => {
  const metrics = await (await fetch(new URL('/metrics', url))).text();
  return parseExposition(metrics).value('mcbridge_requests_total', { route, direction: 'sent' });
};

const ping = (node: string) =>
  client.rpc({ agent: 'rpcutil', action: 'ping', data: {}, targets: [node], expect: 1, timeout: 60_000 });

describe('a Choria client that is not federated', () => {
  test.concurrent('discovers nodes of both kinds, each once', async () => {
    expect(await client.discover({ timeout: 4_000 })).toEqual([...GO, NODE1, NODE2]);
  });

  test.concurrent('discovers by filters that each side understands', async () => {
    const filter = { fact: [{ fact: 'country', operator: '==', value: 'mt' }] };
    const compound = [[{ expr: 'with("country=uk") and not ("nginx" in classes)' }]];
    const [byFact, byExpression] = await Promise.all([
      client.discover({ filter, timeout: 4_000 }),
      client.discover({ filter: { compound }, timeout: 4_000 }),
    ]);
    expect(byFact).toEqual([C2, NODE2]);
    expect(byExpression).toEqual([C1, NODE1]);
  });

  test.each([NODE1, C1])('calls %s by its name', async (node) => {
    const [reply, ...more] = await ping(node);
    expect(more).toEqual([]);
    expect(reply).toMatchObject({ sender: node, rpc: { statuscode: 0 } });
  });

  test('calls several by their names, which come as one message a node and are one request beyond', async () => {
    const route = 'choria_clients → legacy';
    const before = await sentBy(route);
    const targets = [NODE1, NODE2, C1];
    const replies = await client.rpc({ agent: 'rpcutil', action: 'ping', data: {}, targets });
    expect(replies.map(({ sender }) => sender)).toEqual([C1, NODE1, NODE2]);
    expect((await sentBy(route)) - before).toBe(1);
  });

  test('calls all by a broadcast, once each', async () => {
    mixed.fleets.go.forget();
    const replies = await client.rpc({ agent: 'rpcutil', action: 'ping', data: {}, timeout: 4_000 });
    expect(replies.map(({ sender }) => sender)).toEqual([...GO, NODE1, NODE2]);
    expect([...mixed.fleets.go.executions('rpcutil#ping').values()]).toEqual([1, 1, 1]);
  });
});

describe('a burst of a legacy client', () => {
  test('75 requests of 200 targets each pass translated and whole', async () => {
    const { world } = mixed;
    const { certificate: cert, privateKey: key } = world.authority.issue({ commonName: 'burst.example.net' });
    const nodes = await openRawLink({
      url: world.nats.url,
      tls: { ca: world.authority.certificate, cert, key },
    });
    const delivered = await tally(nodes, 'mcollective.node.*.burst.example.net');
    const mco = createStompLink({
      servers: [{ host: world.activemq.host, port: world.activemq.port }],
      login: world.activemq.user,
      passcode: world.activemq.password,
      vhost: 'mcollective',
      clock: Date.now,
      onEvent: () => undefined,
    });
    await mco.open();
    const targets = Array.from({ length: 200 }, (_, i) => `b${i}.burst.example.net`);
    for (let n = 0; n < 75; n++) {
      const frame = clientFrame({
        node: targets[0] ?? '',
        key: createPrivateKey(keyPair('legacy alice').privateKey),
      });
      const expires = Date.now() + 60_000;
      mco.sendAll(
        targets.map((node) => ({ ...frame, headers: { ...frame.headers, mc_identity: node }, expires })),
      );
    }
    await vi.waitFor(() => expect(delivered.count).toBe(15_000), { timeout: 60_000, interval: 100 });
    expect(delivered.by.size).toBe(200);
    expect(new Set(delivered.by.values())).toEqual(new Set([75]));
    await Promise.all([mco.close(), nodes.close()]);
  }, 90_000);
});

describe('a burst of a Choria client', () => {
  test('75 requests of 200 targets each pass translated, and every reply comes home', async () => {
    const federated = await mixed.world.client({ dialect: 'go' });
    const silent = Array.from({ length: 198 }, (_, i) => `b${i}.legacy.example.net`);
    const answers = await Promise.all(
      Array.from({ length: 75 }, () =>
        federated.rpc({
          agent: 'rpcutil',
          action: 'ping',
          data: {},
          targets: [NODE1, NODE2, ...silent],
          expect: 2,
          timeout: 60_000,
        }),
      ),
    );
    for (const replies of answers)
      expect(replies.map(({ sender, rpc }) => [sender, rpc?.statuscode])).toEqual([
        [NODE1, 0],
        [NODE2, 0],
      ]);
  }, 90_000);
});

describe('mcbridge inventory', () => {
  test('shows who lives where', async () => {
    await untilInventory(new RegExp(`${C1.replaceAll('.', '\\.')}\\s+choria`));
    const shown: { nodes: readonly { identity: string; egress: string }[] } = JSON.parse(
      await inventory('--json'),
    );
    const living = shown.nodes.map(({ identity, egress }) => `${identity} ${egress}`);
    for (const node of GO) expect(living).toContain(`${node} choria`);
    for (const node of [NODE1, NODE2]) expect(living).toContain(`${node} legacy`);
  });
});

describe('a node that runs both agents', () => {
  beforeAll(async () => {
    await mixed.fleets.go.add({
      identity: NODE2,
      facts: { country: 'mt' },
      classes: [],
      agents: ['discovery', 'rpcutil'],
    });
    await untilInventory(/both/, '--node', NODE2);
  });

  afterAll(() => mixed.fleets.go.stop(NODE2));

  test.concurrent('answers a legacy client once', async () => {
    const { stdout } = await mixed.mco.marshal.run('ping');
    expect(stdout.split('\n').filter((line) => line.startsWith(NODE2))).toHaveLength(1);
    const rpc = await mixed.mco.marshal.run('rpc', 'rpcutil', 'ping', '-I', NODE2, '-j');
    expect(JSON.parse(rpc.stdout)).toHaveLength(1);
  });

  test.concurrent('answers a Choria client once', async () => {
    const replies = await client.rpc({ agent: 'rpcutil', action: 'ping', data: {}, timeout: 4_000 });
    expect(replies.filter(({ sender }) => sender === NODE2)).toHaveLength(1);
    const directed = await client.rpc({
      agent: 'rpcutil',
      action: 'ping',
      data: {},
      targets: [NODE2],
      expect: 0,
      timeout: 1_500,
    });
    expect(directed).toHaveLength(1);
  });
});

describe('two bridges of different clusters between the same sides', () => {
  test('do not pass to and fro what a bridge has put on a side', async () => {
    const other = await mixed.world.bridge((config) => {
      const changed: MixedConfig = mixedConfig(config);
      return {
        ...changed,
        cluster: 'staging',
        routes: changed.routes.filter(({ from }) => from !== 'federation'),
      };
    });
    mixed.fleets.go.forget();
    await mixed.mco.marshal.run('rpc', 'rpcutil', 'ping', '-j');
    await client.rpc({ agent: 'rpcutil', action: 'ping', data: {}, timeout: 4_000 });
    // Both clusters carry each request, each once: from the legacy client twice, and the Choria client's own.
    for (const count of mixed.fleets.go.executions('rpcutil#ping').values())
      expect(count).toBeLessThanOrEqual(3);
    const counts = await stopAndCount(other);
    expect(counts.ignored['bridged']).toBeGreaterThan(0);
    expect(counts.rejected).toEqual({});
    expect(counts.requestsReceived).toBeLessThan(20);
  });
});

// The last one: it takes a daemon away.
test('a node that has moved is back for legacy clients after the next discovery, long before it would expire', async () => {
  const daemon = mixed.world.daemons.find(({ identity }) => identity === NODE2);
  await mixed.fleets.go.add({
    identity: NODE2,
    facts: { country: 'mt' },
    classes: [],
    agents: ['discovery', 'rpcutil'],
  });
  const here = ['--node', NODE2, '--collective', 'mcollective'];
  await untilInventory(/both/, ...here);
  await daemon?.stop();
  await untilInventory(/^1 node: 0 on legacy, .* 1 on choria,/m, ...here);
  const { stdout } = await mixed.mco.marshal.run('rpc', 'rpcutil', 'ping', '-I', NODE2, '-j');
  expect(JSON.parse(stdout)).toMatchObject([{ sender: NODE2, statuscode: 0 }]);
  const all = await mixed.mco.marshal.run('ping');
  expect(all.stdout.split('\n').filter((line) => line.startsWith(NODE2))).toHaveLength(1);
});
