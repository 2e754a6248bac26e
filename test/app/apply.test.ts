import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { About } from '../../src/envelope/observer.ts';
import { startHttp } from '../../src/telemetry/http.ts';
import { until } from '../adapters/world.ts';
import { load, mappings, some } from './load.ts';
import { configOf, LEGACY_NODES, makeAppWorld, memoryBrokers, SECOND_NODES } from './world.ts';

describe('another configuration, with another rule, another collective and one link less', () => {
  test('is taken over under load: each request in both directions is answered exactly once', async () => {
    const world = await makeAppWorld();
    const app = world.app(configOf());
    await app.start();
    // Learned from a reply, so that it can be asked alone.
    await world.mco(undefined, 2);
    await until('a directed request', () => app.nodes.snapshot()['choria']?.['office']?.length === 2);
    const mapped = mappings(app);
    const traffic = load(world);
    await some(traffic, 30);
    const { held, letGo } = world.hold();
    await until('an answer of the second collective', () => held.length === 1);
    traffic.leaveSecond();
    const before = mapped.length;
    await app.apply(configOf({ caller: 'bob', collectives: ['mcollective', 'extra'], second: false }));
    const since = mapped.length;
    expect(since).toBeGreaterThan(before);
    await some(traffic, 30);
    // Their request went by a link that the configuration has no more.
    letGo();
    expect((await world.ask('extra', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    expect(await traffic.end()).toEqual([]);
    expect(traffic.counts.toSecond).toBeGreaterThan(0);
    // Nobody has answered twice, and nothing came that was not asked for.
    expect(new Set(world.replies).size).toBe(world.replies.length);
    expect(world.replies).toHaveLength(traffic.counts.expected + 2 + 2);
    const legacy = (all: readonly About[]) =>
      new Set(all.filter(({ caller }) => caller?.startsWith('choria=')).map(({ callerOut }) => callerOut));
    expect(legacy(mapped.slice(0, before))).toEqual(new Set(['cert=alice']));
    expect(legacy(mapped.slice(since))).toEqual(new Set(['cert=bob']));
    expect(app.status().counts).toMatchObject({ rejected: {}, ignored: { another_instance: 0 } });
    await app.stop();
  });

  test('keeps the links whose settings stay the same, and closes the other when nothing can come by it', async () => {
    const world = await makeAppWorld();
    const clock = { ahead: 0 };
    const app = world.app(configOf(), { clock: () => Date.now() + clock.ahead });
    await app.start();
    await world.ask('second', undefined, 1);
    const made = [...world.made];
    await app.apply(configOf({ caller: 'bob', second: false }));
    expect(world.made).toEqual(made);
    expect(world.closed).toEqual([]);
    expect(app.status().links.map(({ name }) => name)).toEqual(['federation', 'clients', 'legacy', 'choria']);
    // The last ttl that went through it is over.
    clock.ahead = 120_000;
    await world.whenClosed('second');
    expect(world.closed).toEqual(['second']);
    await app.stop();
  });

  test('closes a link that no route leads to any more, also where it is still configured', async () => {
    const world = await makeAppWorld();
    const clock = { ahead: 0 };
    const app = world.app(configOf(), { clock: () => Date.now() + clock.ahead });
    await app.start();
    const routeless = (text: string): string =>
      text.replace(/ {2}- from: federation\n {4}to: second\n.*\n.*\n/, '');
    await app.apply(configOf({ change: routeless }));
    clock.ahead = 120_000;
    await world.whenClosed('second');
    // It comes back with its route.
    clock.ahead = 0;
    await app.apply(configOf());
    expect(await world.ask('second', undefined, 1)).toEqual(SECOND_NODES);
    await app.stop();
  });

  test('keeps what is counted, and the page that shows it', async () => {
    const world = await makeAppWorld();
    const app = world.app(configOf({ http: '127.0.0.1:0' }), { http: startHttp });
    await app.start();
    await world.ask('second', undefined, 1);
    await world.ask('mcollective', undefined, 2);
    const url = world.log.find(({ fields }) => fields['event'] === 'http')?.fields['url'];
    const page = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    await app.apply(configOf({ http: '127.0.0.1:0', second: false }));
    await world.ask('mcollective', undefined, 2);
    const text = await page();
    for (const line of [
      'mcbridge_requests_total{route="federation → legacy",direction="sent"} 2',
      'mcbridge_requests_total{route="federation → second",direction="sent"} 1',
      'mcbridge_link_up{link="legacy",side="collective"} 1',
      'mcbridge_ready 1',
    ])
      expect(text).toContain(line);
    expect(text).not.toContain('mcbridge_link_up{link="second"');
    const { all_links: all } = z
      .object({ all_links: z.unknown() })
      .parse(await (await fetch(`${url}/stats`)).json());
    expect(JSON.stringify(all)).not.toContain('second');
    await app.stop();
  });
});

test('a request is answered whose collective is exported no more since it came in', async () => {
  const world = await makeAppWorld();
  const app = world.app(configOf());
  await app.start();
  const { held, letGo } = world.hold();
  const pending = world.ask('second', undefined, 1);
  await until('the answer', () => held.length === 1);
  await app.apply(configOf({ second: false }));
  letGo();
  expect(await pending).toEqual(SECOND_NODES);
  await app.stop();
});

test('a broadcast of which each subscription gets a copy is handled once, whatever is exchanged meanwhile', async () => {
  const world = await makeAppWorld();
  const app = world.app(configOf({ topics: true }), { offline: true });
  await app.start();
  let isOver = false;
  let asked = 0;
  const asking = (async () => {
    while (!isOver) {
      asked++;
      await world.mco(undefined, 2, 'on its topic');
    }
  })();
  for (let i = 0; i < 5; i++)
    await app.apply(configOf({ topics: true, caller: i % 2 === 0 ? 'bob' : 'alice' }));
  isOver = true;
  await asking;
  expect(asked).toBeGreaterThan(5);
  await app.stop();
  expect(world.replies).toHaveLength(2 * asked);
  expect(app.status().counts).toMatchObject({ requestsReceived: asked, rejected: {} });
});

describe('a link that another configuration has elsewhere', () => {
  /** The app's links; those to the other server are open when the test says so. */
  const elsewhere = async () => {
    const brokers = memoryBrokers();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const world = await makeAppWorld({
      ...brokers,
      transports: {
        open: (spec, options) => {
          const link = brokers.transports.open(spec, options);
          return spec.servers.some((url) => url.includes('elsewhere'))
            ? { ...link, open: () => opened, state: () => ({ ...link.state(), up: false }) }
            : link;
        },
      },
    });
    const moved = (text: string): string => text.replace('nats://federation:4222', 'nats://elsewhere:4222');
    return { world, moved, open };
  };

  test('is waited for: the one before it takes requests until it is there, by the new rules already', async () => {
    const { world, moved, open } = await elsewhere();
    const app = world.app(configOf());
    await app.start();
    const mapped = mappings(app);
    const applied = app.apply(configOf({ caller: 'bob', change: moved }));
    await until('the new link', () => world.made.filter((name) => name === 'federation').length === 2);
    await until('the new rules', () => app.status().links.some(({ up }) => !up));
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    expect(mapped.map(({ callerOut }) => callerOut)).toEqual(['cert=bob']);
    open();
    await applied;
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    expect(app.status().counts.requestsReceived).toBe(2);
    await app.stop();
    expect(world.closed.toSorted()).toEqual(world.made.toSorted());
  });

  test('that cannot be reached at the start is exchanged for one that can', async () => {
    const { world, moved } = await elsewhere();
    const app = world.app(configOf({ change: moved }));
    const started = app.start();
    await until('the link', () => world.made.includes('federation'));
    await app.apply(configOf());
    await started;
    expect(app.status().health).toMatchObject({ ready: true, phase: 'running' });
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    await app.stop();
    expect(world.closed.toSorted()).toEqual(world.made.toSorted());
  });

  test('does not keep an app from being stopped', async () => {
    const { world, moved, open } = await elsewhere();
    const app = world.app(configOf());
    await app.start();
    const applied = app.apply(configOf({ change: moved }));
    await until('the new link', () => world.made.filter((name) => name === 'federation').length === 2);
    await app.stop();
    open();
    await applied;
    expect(world.closed.toSorted()).toEqual(world.made.toSorted());
  });
});

describe('a configuration that cannot be taken over', () => {
  test.each([
    [
      'another cluster',
      (text: string) => text.replace('cluster: prod', 'cluster: other'),
      /cluster: cannot be changed/,
    ],
    [
      'another key',
      (text: string) => text.replace(/cluster_key: .*/, `cluster_key: ${'f'.repeat(32)}`),
      /cluster_key: cannot become a key that is not known yet while the bridge runs/,
    ],
    [
      'a file that is not there',
      (text: string) => text.replace('keys_dir: callers', 'private_key: gone.pem, callerid: cert=x'),
      /gone.pem cannot be read: there is no such file/,
    ],
  ])('changes nothing: %s', async (_, changed, told) => {
    const world = await makeAppWorld();
    const app = world.app(configOf());
    await app.start();
    const made = [...world.made];
    await expect(app.apply(configOf({ caller: 'bob', change: changed }))).rejects.toThrow(told);
    const mapped = mappings(app);
    expect(await world.ask('mcollective', undefined, 2)).toHaveLength(2);
    expect(mapped.map(({ callerOut }) => callerOut)).toEqual(['cert=alice']);
    expect(world.made).toEqual(made);
    // The next one that can be used is.
    await app.apply(configOf({ caller: 'bob' }));
    expect(await world.ask('mcollective', undefined, 2)).toHaveLength(2);
    expect(mapped.at(-1)).toMatchObject({ callerOut: 'cert=bob' });
    await app.stop();
  });

  test('an app that does not run takes over none', async () => {
    const world = await makeAppWorld();
    const app = world.app(configOf());
    await expect(app.apply(configOf())).rejects.toThrow('the app does not run');
    await app.start();
    await app.stop();
    await expect(app.apply(configOf())).rejects.toThrow('the app does not run');
  });
});

test('a dozen configurations in a row, under load, lose nothing and leave no link behind', async () => {
  const world = await makeAppWorld();
  const app = world.app(configOf());
  await app.start();
  await world.mco(undefined, 2);
  await until('a directed request', () => app.nodes.snapshot()['choria']?.['office']?.length === 2);
  const traffic = load(world, false);
  for (let i = 0; i < 12; i++)
    await app.apply(
      configOf({
        caller: i % 2 === 0 ? 'bob' : 'alice',
        collectives: i % 3 === 0 ? ['mcollective', 'extra'] : ['mcollective'],
        second: i % 4 === 3,
      }),
    );
  expect(await traffic.end()).toEqual([]);
  expect(new Set(world.replies).size).toBe(world.replies.length);
  expect(world.replies).toHaveLength(traffic.counts.expected + 2);
  expect(app.status().counts.rejected).toEqual({});
  await app.stop();
  expect(world.closed.toSorted()).toEqual(world.made.toSorted());
});
