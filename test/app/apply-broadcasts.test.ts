import { expect, test } from 'vitest';
import { startHttp } from '../../src/telemetry/http.ts';
import { settled, until } from '../adapters/world.ts';
import { networkOf } from './network.ts';
import { configOf, makeAppWorld } from './world.ts';

const TOPIC = '/topic/office.*.agent';

/** The ingress of legacy clients at the other broker of their network. */
const moved = (text: string): string => text.replace('stomp://clients:', 'stomp://elsewhere:');
const before = () => configOf({ topics: true });
const after = () => configOf({ topics: true, change: moved });

const start = async (network = networkOf()) => {
  const world = await makeAppWorld(network);
  const app = world.app(before());
  await app.start();
  const told = (event: string): readonly unknown[] =>
    world.log.filter(({ fields }) => fields['event'] === event);
  return { network, world, app, told };
};

test('an ingress whose servers change handles each broadcast once, while it is subscribed at both', async () => {
  const { network, world, app, told } = await start();
  await world.mco(undefined, 2, 'on its topic');
  const letGo = network.stall();
  const applied = app.apply(after());
  await until('the new link', () => network.done.includes(`elsewhere subscribe ${TOPIC}`));
  await until('the old one leaves', () => network.done.includes(`clients leave ${TOPIC}`));
  for (let n = 0; n < 5; n++) await world.mco(undefined, 2, 'on its topic');
  await settled();
  expect(app.status().counts).toMatchObject({ requestsReceived: 6, ignored: { another_instance: 5 } });
  letGo();
  await applied;
  await world.mco(undefined, 2, 'on its topic');
  await settled();
  expect(world.replies).toHaveLength(14);
  expect(new Set(world.replies).size).toBe(14);
  expect(app.status().counts).toMatchObject({ requestsReceived: 7, rejected: {} });
  expect(told('share_conflict')).toEqual([]);
  await app.stop();
});

test('a copy that comes by the new servers after the exchange is handled no second time', async () => {
  const { network, world, app } = await start();
  const letGo = network.lag();
  await world.mco(undefined, 2, 'on its topic');
  await app.apply(after());
  letGo();
  await world.mco(undefined, 2, 'on its topic');
  await settled();
  expect(world.replies).toHaveLength(4);
  expect(app.status().counts).toMatchObject({ requestsReceived: 2, ignored: { another_instance: 1 } });
  await app.stop();
});

test('the hello of an instance that comes late to its new place is no conflict', async () => {
  const network = networkOf();
  const letGo = network.lag();
  const { app, told } = await start(network);
  await app.apply(after());
  letGo();
  await settled();
  expect(told('share_conflict')).toEqual([]);
  expect(app.status().health.troubles).toEqual([]);
  await app.stop();
});

test('an app that is stopped while it changes leaves no subscription and says no hello', async () => {
  const { network, app } = await start();
  const letGo = network.stall();
  const applied = app.apply(after());
  await until('the old one leaves', () => network.done.includes(`clients leave ${TOPIC}`));
  const stopped = app.stop();
  letGo();
  await Promise.all([applied, stopped]);
  await settled();
  const standing = (host: string): readonly string[] => {
    const of = (what: string): readonly string[] =>
      network.done.flatMap((it) => (it.startsWith(`${host} ${what} `) ? [it.split(' ')[2] ?? ''] : []));
    return of('subscribe').filter((it) => !of('leave').includes(it));
  };
  const hello = '/topic/office.registration.agent';
  expect([...standing('clients'), ...standing('elsewhere')]).not.toContain(hello);
  expect(network.done).not.toContain(`elsewhere subscribe ${hello}`);
});

test('a change that comes before the start has got anywhere is made after it, and nothing is started twice', async () => {
  const network = networkOf();
  const world = await makeAppWorld(network);
  const app = world.app(configOf({ topics: true, http: '127.0.0.1:0' }), { http: startHttp });
  const started = app.start();
  await app.apply(configOf({ topics: true, http: '127.0.0.1:0', change: moved }));
  await started;
  await world.mco(undefined, 2, 'on its topic');
  for (const host of ['clients', 'elsewhere'])
    expect(network.done.filter((it) => it === `${host} subscribe ${TOPIC}`).length).toBeLessThan(2);
  expect(app.status().counts).toMatchObject({ requestsReceived: 1, ignored: { another_instance: 0 } });
  await app.stop();
});

test('an ingress that goes over from a queue to the topics handles what comes by both once', async () => {
  const network = networkOf((message) =>
    /^\/topic\/office\.\w+\.agent$/.test(message.destination)
      ? [{ ...message, destination: '/queue/bridge.office' }]
      : [],
  );
  const world = await makeAppWorld(network);
  const withHttp = { http: '127.0.0.1:0' };
  const app = world.app(configOf(withHttp), { http: startHttp });
  await app.start();
  const url = world.log.find(({ fields }) => fields['event'] === 'http')?.fields['url'];
  const conflicts = async (): Promise<readonly string[]> =>
    (await (await fetch(`${url}/metrics`)).text()).match(/^mcbridge_share_conflict .*$/gm) ?? [];
  expect(await conflicts()).toEqual([]);
  const letGo = network.stall();
  const onTopics = (text: string): string => text.replace(/ +broadcast_queue:.*\n/, '');
  const applied = app.apply(configOf({ ...withHttp, change: onTopics }));
  await until('the queue is left', () => network.done.includes('clients leave /queue/bridge.office'));
  for (let n = 0; n < 5; n++) await world.mco(undefined, 2, 'on its topic');
  await settled();
  expect(app.status().counts).toMatchObject({ requestsReceived: 5, ignored: { another_instance: 5 } });
  letGo();
  await applied;
  await world.mco(undefined, 2, 'on its topic');
  await settled();
  expect(world.replies).toHaveLength(12);
  // Since then it is to be the only one.
  expect(await conflicts()).toEqual(['mcbridge_share_conflict 0']);
  await app.stop();
});
