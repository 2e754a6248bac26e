import { expect, test } from 'vitest';
import { until } from '../adapters/world.ts';
import { fiftyReloads, stormOf } from './storm.ts';
import { configOf, makeAppWorld, SECOND_NODES } from './world.ts';

test('fifty reloads in a row under load, some refused, some with a link more or less: nothing is lost, and nothing comes twice', async () => {
  const world = await makeAppWorld();
  await fiftyReloads({ storm: stormOf(world), apps: world });
});

test('a removed egress stays until the last ttl that went through it, however long that is', async () => {
  const world = await makeAppWorld();
  const clock = { ahead: 0 };
  let read = () => configOf();
  const app = world.app(configOf(), {
    load: async () => read(),
    clock: () => Date.now() + clock.ahead,
  });
  await app.start();
  const { held, letGo } = world.hold();
  const pending = world.ask('second', undefined, 1);
  await until('the answer', () => held.length === 1);
  read = () => configOf({ second: false });
  expect(await app.reload('a test')).toMatchObject({ changes: { links: { closed: ['egress second'] } } });
  // Its request had a minute to live: most of that is over.
  clock.ahead = 50_000;
  await app.reload('another');
  expect(world.closed).toEqual([]);
  letGo();
  expect(await pending).toEqual(SECOND_NODES);
  clock.ahead = 75_000;
  await world.whenClosed('second');
  expect(world.closed).toEqual(['second']);
  await app.stop();
});

test('an egress that comes back while the one before it is still there loses nothing when that one ends', async () => {
  const world = await makeAppWorld();
  let read = () => configOf({ second: false });
  const app = world.app(configOf(), { load: async () => read() });
  await app.start();
  await app.reload('it goes');
  read = () => configOf();
  await app.reload('it comes back');
  let isOver = false;
  const answers = new Set<string>();
  const ask = async (): Promise<void> => {
    while (!isOver) answers.add((await world.ask('second', undefined, 1)).join());
  };
  const asking = Promise.all([ask(), ask(), ask(), ask()]);
  // Both take the replies of their queue by turns, until this one is not needed any more.
  await world.whenClosed('second');
  isOver = true;
  await asking;
  expect(answers).toEqual(new Set(SECOND_NODES));
  await app.stop();
});

test('what is in flight is answered by the rules that it came in by, though they are gone', async () => {
  const world = await makeAppWorld();
  let read = () => configOf();
  const app = world.app(configOf(), { load: async () => read() });
  await app.start();
  const { held, letGo } = world.hold();
  const pending = world.ask('second', undefined, 1);
  await until('the answer', () => held.length === 1);
  // Neither is the collective exported any more, nor is its caller mapped.
  read = () =>
    configOf({
      second: false,
      change: (text) => text.replaceAll('exact: choria=alice.mcollective', 'exact: choria=other'),
    });
  expect(await app.reload('a test')).toMatchObject({ result: 'ok' });
  letGo();
  expect(await pending).toEqual(SECOND_NODES);
  const refusals: string[] = [];
  app.observe({ refused: ({ code }) => void refusals.push(code) });
  await world.ask('mcollective', undefined, 1);
  expect(refusals).toEqual(['no_mapping']);
  await app.stop();
});
