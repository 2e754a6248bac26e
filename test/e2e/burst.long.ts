import { afterAll, beforeAll, expect, test } from 'vitest';
import { pass } from '../../bench/burst.ts';
import { type BurstWorld, startBurstWorld } from '../../bench/burst-world.ts';
import { BURSTS } from '../../bench/bursts.ts';

/** MiB. What waits is bounded by `buffer.bytes`, 64 MiB as nothing else is told, for links and for signatures each. */
const MEMORY = 400;

let world: BurstWorld;

beforeAll(async () => {
  world = await startBurstWorld();
});

afterAll(() => world?.stop());

test.each(BURSTS)('all of it arrives, and memory is bounded: $label', async (burst) => {
  const { total, delivered, peak } = await pass(world, burst, false);
  expect(delivered).toBe(total);
  expect(peak).toBeLessThan(MEMORY);
});
