import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { launchBridge, untilReady } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { NODE1, startWorld, type World } from '../support/world.ts';

let world: World;
let alice: ChoriaClient;

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
  alice = await world.client();
});

afterAll(() => world.stop());

const ping = (timeout = 60_000) => alice.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1], timeout });

test('an egress that cannot be reached at the start does not keep the others from working', async () => {
  const dead = await freePort();
  const bridge = launchBridge(
    world.config((config) => ({
      ...config,
      egresses: {
        ...config.egresses,
        legacy_yaml: { ...config.egresses.legacy_yaml, servers: [`stomp://127.0.0.1:${dead}`] },
      },
    })),
  );
  await bridge.line(
    (it) => it.event === 'connected' && it['link'] === 'federation',
    'that it takes requests',
  );
  // What is asked between its connection and its subscription nobody hears.
  let replies = await ping(5_000);
  for (let more = 0; replies.length === 0 && more < 20; more++) replies = await ping(5_000);
  expect(replies.map(({ sender }) => sender)).toEqual([NODE1]);
  expect(bridge.lines().some(({ event }) => event === 'ready')).toBe(false);
  expect(await bridge.stop()).toBe(0);
});

test('a bridge goes on when nobody reads its log any more', async () => {
  const bridge = launchBridge(world.config());
  await untilReady(bridge);
  bridge.child.closeOutput();
  // Each request is a log line, which finds the pipe broken.
  for (let n = 0; n < 3; n++) expect(await ping()).toHaveLength(1);
  expect(await bridge.stop()).toBe(0);
});

test('a broker that has stalled does not hold up the end beyond the drain timeout', async () => {
  const bridge = launchBridge(world.config((config) => ({ ...config, drain_timeout: '1s' })));
  await untilReady(bridge);
  world.nats.signal('SIGSTOP');
  try {
    expect(await bridge.stop()).toBe(0);
  } finally {
    world.nats.signal('SIGCONT');
  }
  // It has not waited for pings that find the broker dead, which would be told.
  expect(bridge.lines().filter(({ event }) => event === 'disconnected')).toEqual([]);
}, 120_000);
