import { expect } from 'vitest';
import { CLUSTER_KEY, type World } from './world.ts';

/** No log of the world's bridges, at whatever level, has a secret of its configuration. */
export const expectNoSecrets = (world: World, more: readonly string[] = []): void => {
  const logs = world.bridges().map(({ child }) => child.log());
  expect(logs.join('').length).toBeGreaterThan(0);
  for (const secret of [world.activemq.password, CLUSTER_KEY, 'PRIVATE KEY-----', ...more])
    for (const log of logs) expect(log).not.toContain(secret);
};
