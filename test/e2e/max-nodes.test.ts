import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BridgeProcess, stopAndCount } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { newRequestId } from '../support/choria-messages.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { type BridgeConfig, NODE1, NODE2, startWorld, type World } from '../support/world.ts';

// Two instances of one cluster, and a nats-server with JetStream in which they count together what a request reaches.

const NOT_AUTHORIZED = 'You are not authorized to call this agent or action';
const FIVE = `${NOT_AUTHORIZED}: five nodes at once (mcbridge: denied_by_policy)`;
const NOBODY_KNOWS = `${NOT_AUTHORIZED}: nobody knows how many nodes this request reaches by other instances: what counts for all instances cannot be reached (mcbridge: denied_by_policy)`;
const MESSAGES = 24;

let claims: NatsServer;
let world: World;
let bridges: readonly BridgeProcess[];
let alice: ChoriaClient;

const withPolicy = (config: BridgeConfig) => ({
  ...config,
  drain_timeout: '1s',
  claims: { servers: [claims.url], insecure_plaintext: true },
  policies: {
    ops: {
      rules: [
        {
          name: 'pings',
          agents: ['rpcutil.ping'],
          max_nodes: 5,
          reason: 'five nodes at once',
          verdict: 'allow',
        },
        { name: 'others', verdict: 'allow' },
      ],
    },
  },
  routes: config.routes.map((route) => ({ ...route, policy: 'ops' })),
});

beforeAll(async () => {
  [claims, world] = await Promise.all([
    startNatsServer({ jetstream: true }),
    startWorld({ nodes: [NODE1, NODE2] }),
  ]);
  bridges = await Promise.all([world.bridge(withPolicy), world.bridge(withPolicy)]);
  alice = await world.client();
});

afterAll(async () => {
  await world?.stop();
  await claims?.stop();
});

const ask = async (requestId: string, action = 'ping', data = {}) => {
  const targets = [NODE1];
  const [reply] = await alice.rpc({ requestId, agent: 'rpcutil', action, data, targets, timeout: 60_000 });
  return reply?.rpc?.statusmsg;
};

test('together they let through exactly max_nodes of one request, by however many messages it comes', async () => {
  for (let round = 0; round < 5; round++) {
    const requestId = newRequestId();
    const told = await Promise.all(Array.from({ length: MESSAGES }, () => ask(requestId)));
    expect(
      told.filter((text) => text === 'OK'),
      `round ${round}`,
    ).toHaveLength(5);
    expect(
      told.filter((text) => text === FIVE),
      `round ${round}`,
    ).toHaveLength(MESSAGES - 5);
  }
});

test('while the claims are away what max_nodes limits is refused, and says why; nothing else is', async () => {
  await claims.kill();
  await Promise.all(
    bridges.map((bridge) =>
      bridge.line(({ event }) => event === 'claims_away', 'that they are away', 60_000),
    ),
  );
  expect(await ask(newRequestId())).toBe(NOBODY_KNOWS);
  expect(await ask(newRequestId(), 'get_fact', { fact: 'country' })).toBe('OK');
  await claims.restart();
  await Promise.all(
    bridges.map((bridge) =>
      bridge.line(
        ({ event }) => event === 'claims_open' && bridge.lines().some((line) => line.event === 'claims_away'),
        'that they are back',
        60_000,
      ),
    ),
  );
  await expect.poll(() => ask(newRequestId()), { timeout: 60_000 }).toBe('OK');
});

test('both have let through some of it', async () => {
  for (const counts of await Promise.all(bridges.map(stopAndCount)))
    expect(counts.requestsSent).toBeGreaterThan(0);
});
