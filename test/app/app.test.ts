import { expect, test } from 'vitest';
import { startHttp } from '../../src/telemetry/http.ts';
import { CHORIA_NODES, configOf, LEGACY_NODES, makeAppWorld, memoryBrokers } from './world.ts';

test('an app is made, started, looked at and stopped, and nothing is connected before it is started', async () => {
  const world = await makeAppWorld();
  const app = world.app(configOf());
  expect(app.status().health).toMatchObject({ ready: false, phase: 'starting' });
  await app.start();
  expect(app.status()).toMatchObject({ health: { ready: true, phase: 'running' }, inFlight: 0 });
  expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
  expect((await world.mco(undefined, 2)).toSorted()).toEqual(CHORIA_NODES);
  expect(app.status().counts).toMatchObject({ requestsReceived: 2, repliesSent: 4, rejected: {} });
  expect(app.nodes.snapshot()['legacy']?.['mcollective']?.toSorted()).toEqual(LEGACY_NODES);
  await Promise.all([app.stop(), app.stop()]);
  expect(world.closed.toSorted()).toEqual(world.made.toSorted());
  expect(app.status().health).toMatchObject({ ready: false, phase: 'draining' });
});

test('one process runs several apps, each with what it is given: name, clock, log, address, counters', async () => {
  const worlds = [await makeAppWorld(), await makeAppWorld()];
  const apps = worlds.map((world, i) =>
    world.app(configOf({ http: '127.0.0.1:0' }), {
      instance: `worker-${i}`,
      http: startHttp,
      clock: () => Date.now() + i,
    }),
  );
  await Promise.all(apps.map((app) => app.start()));
  expect(await worlds[0]?.ask('mcollective', ['l1.example.net'], 1)).toEqual(['l1.example.net']);
  expect(apps.map((app) => app.status().counts.requestsReceived)).toEqual([1, 0]);
  const urls = worlds.map(({ log }) => log.find(({ fields }) => fields['event'] === 'http')?.fields['url']);
  expect(new Set(urls).size).toBe(2);
  const metrics = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  for (const [i, text] of metrics.entries()) {
    expect(text).toContain(`instance="worker-${i}"`);
    expect(text).toContain(`mcbridge_requests_total{route="federation → legacy",direction="sent"} ${1 - i}`);
  }
  await apps[0]?.stop();
  expect(await worlds[1]?.ask('mcollective', undefined, 2)).toHaveLength(2);
  await apps[1]?.stop();
});

test('a start that never gets there ends when the app is stopped', async () => {
  const brokers = memoryBrokers();
  const world = await makeAppWorld(brokers);
  const never: Promise<void>[] = [];
  let refuse: () => void = () => undefined;
  const app = world.app(configOf(), {
    transports: {
      open: ({ transport }) => {
        if (transport === 'stomp') return brokers.link('legacy');
        const link = brokers.link('federation');
        const opened = new Promise<void>((_, reject) => {
          refuse = () => reject(new Error('closed'));
        });
        // Whoever has not begun to open it is not told.
        opened.catch(() => undefined);
        never.push(opened);
        return { ...link, open: () => opened, close: async () => refuse() };
      },
    },
  });
  const ended = expect(app.start()).rejects.toThrow('closed');
  await app.stop();
  await ended;
  expect(never.length).toBeGreaterThan(0);
});
