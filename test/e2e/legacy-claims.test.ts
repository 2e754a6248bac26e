import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type MixedWorld, mixedConfig, startMixedWorld } from '../support/mixed-world.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { deliveries, startBroadcaster, withClaims } from './broadcasts.ts';

const MOST = 60_000;
let claims: NatsServer;
let mixed: MixedWorld;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  claims = await startNatsServer({ jetstream: true });
  mixed = await startMixedWorld({ legacy: [], changes: withClaims(claims) });
  await mixed.world.bridge((config) => withClaims(claims)(mixedConfig(config)));
}, 180_000);

afterAll(async () => {
  for (const close of closing) await close();
  await mixed?.stop();
  await claims?.stop();
});

test('two instances that claim legacy broadcasts hand each to the nodes once', {
  timeout: 120_000,
}, async () => {
  const client = await startBroadcaster(mixed.world.activemq, closing);
  for (let i = 0; i < 100; i++) client.send();
  await vi.waitFor(
    () => {
      const missing = client.sent.filter((one) => deliveries(mixed, one).includes(0));
      expect(missing).toEqual([]);
    },
    { timeout: MOST, interval: 200 },
  );
  for (const one of client.sent) expect(deliveries(mixed, one), one.id).toEqual([1, 1, 1]);
  expect(mixed.fleets.go.refused()).toEqual([]);
});
