import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../adapters/world.ts';
import { load, mappings, some } from '../app/load.ts';
import { configOf, LEGACY_NODES } from '../app/world.ts';
import { type BrokersWorld, startBrokersWorld } from './brokers-world.ts';

let brokers: BrokersWorld;
beforeAll(async () => {
  brokers = await startBrokersWorld();
}, 120_000);
afterAll(() => brokers?.end());

it('another rule, another collective and one link less are taken over on real brokers under load, and nothing is lost', async () => {
  const { world, at } = brokers;
  const app = world.app(configOf({ at }));
  await app.start();
  await world.mco(undefined, 2);
  await until('both nodes', () => app.nodes.snapshot()['choria']?.['office']?.length === 2);
  const mapped = mappings(app);
  const traffic = load(world);
  await some(traffic, 50);
  const { held, letGo } = world.hold();
  await until('an answer of the second collective', () => held.length === 1);
  traffic.leaveSecond();
  const made = [...world.made];
  await app.apply(configOf({ at, caller: 'bob', collectives: ['mcollective', 'extra'], second: false }));
  const since = mapped.length;
  await some(traffic, 50);
  letGo();
  expect((await world.ask('extra', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
  // And back again, while the removed link is still there for its replies.
  await app.apply(configOf({ at, caller: 'alice' }));
  await some(traffic, 50);
  expect(await traffic.end()).toEqual([]);
  expect(new Set(world.replies).size).toBe(world.replies.length);
  expect(world.replies).toHaveLength(traffic.counts.expected + 2 + 2);
  expect(mapped.slice(since).map(({ callerOut }) => callerOut)).toContain('cert=bob');
  expect(app.status().counts).toMatchObject({ rejected: {}, expired: 0, ignored: { another_instance: 0 } });
  // All others stayed connected.
  expect(world.made).toEqual([...made, 'second']);
  await app.stop();
}, 120_000);
