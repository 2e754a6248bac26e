import { afterAll, beforeAll, expect, it } from 'vitest';
import { BROKERS } from '../../src/transport/transports.ts';
import { makeApps } from '../app/apps.ts';
import { fiftyReloads } from '../app/storm.ts';
import { sitesAt, startBrokers } from './brokers-world.ts';
import { type GeneratorProcess, startGenerator } from './generator-process.ts';

let brokers: Awaited<ReturnType<typeof startBrokers>>;
let generator: GeneratorProcess;
beforeAll(async () => {
  brokers = await startBrokers();
  generator = await startGenerator(brokers);
}, 240_000);
afterAll(async () => {
  await generator?.stop();
  await brokers?.stop();
});

/** So many requests for each reload: a fifth of a second of them, where the machine makes 500 a second. */
const EACH = 100;

it('fifty reloads in a row under load on nats-server and ActiveMQ lose nothing, and nothing comes twice', async () => {
  const apps = makeApps(BROKERS, generator.keys);
  const { asked, came, seconds } = await fiftyReloads({
    storm: generator,
    apps,
    at: { at: sitesAt(brokers) },
    each: EACH,
  });
  console.log(
    `${asked} requests and ${came} replies in ${seconds.toFixed(1)} s: ${(asked / seconds).toFixed(0)} requests a second`,
  );
  expect(asked).toBeGreaterThanOrEqual(50 * EACH);
  expect(apps.made.filter((name) => name !== 'second')).toHaveLength(4);
});
