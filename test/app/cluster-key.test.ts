import { expect, test } from 'vitest';
import { until } from '../adapters/world.ts';
import { load, some } from './load.ts';
import { configOf, makeAppWorld, SECOND_NODES } from './world.ts';

const OLD = '0123456789abcdef0123456789abcdef';
const NEW = 'fedcba9876543210fedcba9876543210';

/** The configuration of an instance, with the keys of a step. */
const keysOf = (instance: string, [own, next]: readonly [string, string?]) =>
  configOf({
    instance,
    change: (text) =>
      text.replace(
        `cluster_key: ${OLD}`,
        `cluster_key: ${own}\n${next === undefined ? '' : `next_cluster_key: ${next}`}`,
      ),
  });

/** Learn the new one, sign with it, forget the old one. */
const STEPS = [[OLD, NEW], [NEW, OLD], [NEW]] as const;

test.each([{ orders: ['12', '21', '12'] }, { orders: ['21', '12', '21'] }])(
  'a cluster takes another key in three steps, its instances in any order ($orders): no reply is lost',
  async ({ orders }) => {
    const world = await makeAppWorld();
    const apps = ['1', '2'].map((instance) => world.app(keysOf(instance, [OLD])));
    for (const app of apps) await app.start();
    const traffic = load(world, false);
    await some(traffic, 20);
    for (const [at, step] of STEPS.entries()) {
      const { held, letGo } = world.hold();
      // Whichever instance asks, either may get the answer.
      const pending = Array.from({ length: 6 }, () => world.ask('second', undefined, 1));
      await until('answers from before the step', () => held.length === pending.length);
      for (const instance of orders[at] ?? '') {
        await apps[Number(instance) - 1]?.apply(keysOf(instance, step));
        await some(traffic, 10);
      }
      letGo();
      for (const answers of await Promise.all(pending)) expect(answers).toEqual(SECOND_NODES);
    }
    expect(await traffic.end()).toEqual([]);
    expect(new Set(world.replies).size).toBe(world.replies.length);
    for (const app of apps) expect(app.status().counts.rejected).toEqual({});
    for (const app of apps) await app.stop();
  },
);
