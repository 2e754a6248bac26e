import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../src/config/problem.ts';
import { ask } from '../../src/control/client.ts';
import { startControl } from '../../src/control/server.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';
import { startHttp } from '../../src/telemetry/http.ts';
import { delegateLink } from '../../src/transport/delegate-link.ts';
import { type Link, LinkError } from '../../src/transport/link.ts';
import type { Transports } from '../../src/transport/transports.ts';
import { until } from '../adapters/world.ts';
import { collect } from '../support/memory.ts';
import { mappings } from './load.ts';
import {
  type AppWorld,
  configOf,
  LEGACY_NODES,
  makeAppWorld,
  memoryBrokers,
  type Parts,
  SECOND_NODES,
} from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-reload-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** An app and the file that it reads anew. */
const running = async (parts: Parts = {}, brokers = memoryBrokers()) => {
  const world = await makeAppWorld(brokers);
  const file: { read: () => LoadedConfig } = { read: () => configOf(parts) };
  const app = world.app(configOf(parts), {
    load: async () => file.read(),
    http: startHttp,
    control: startControl,
  });
  await app.start();
  return { world, app, file };
};

const urls = (world: AppWorld): string[] =>
  world.log.filter(({ fields }) => fields['event'] === 'http').map(({ fields }) => String(fields['url']));

const page = async (url = ''): Promise<string> => (await fetch(`${url}/metrics`)).text();

const refusing = (message: string) => (): LoadedConfig => {
  throw new ConfigError([{ file: 'bridge.yaml', line: 3, column: 10, path: 'log.level', message }]);
};

describe('a reload', () => {
  test('leaves nothing of the configurations that are no longer in force', async () => {
    const { app, file } = await running();
    const read: WeakRef<object>[] = [];
    file.read = () => {
      const loaded = configOf();
      read.push(new WeakRef(loaded.config.ingresses));
      return loaded;
    };
    for (let n = 0; n < 8; n++) expect(await app.reload('a test')).toMatchObject({ result: 'ok' });
    await vi.waitFor(() => {
      collect();
      expect(read.filter((one) => one.deref() !== undefined).length).toBeLessThanOrEqual(2);
    });
  });

  test('takes over what the file says now, and says what is another', async () => {
    const { world, app, file } = await running();
    const mapped = mappings(app);
    file.read = () => configOf({ caller: 'bob', collectives: ['mcollective', 'extra'], second: false });
    const { loadedAt } = app.status().configuration;
    const done = await app.reload('a test');
    expect(done).toEqual({
      at: expect.any(Number),
      cause: 'a test',
      result: 'ok',
      problems: [],
      changes: {
        keys: {
          added: ['routes[0].collectives[1]'],
          removed: expect.arrayContaining(['egresses.second.type', 'routes[2].from']),
          changed: expect.arrayContaining(['routes[0].identities[0].to']),
        },
        links: {
          kept: ['egress legacy', 'egress choria', 'ingress federation', 'ingress clients'],
          renewed: [],
          opened: [],
          closed: ['egress second'],
        },
        down: [],
      },
    });
    expect((await world.ask('extra', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    expect(mapped.map(({ callerOut }) => callerOut)).toEqual(['cert=bob']);
    const { configuration } = app.status();
    expect(configuration).toMatchObject({
      file: '/app/bridge.yaml',
      reloads: { ok: 1, refused: 0 },
      last: { cause: 'a test', result: 'ok' },
    });
    expect(configuration.loadedAt).toBeGreaterThanOrEqual(loadedAt);
    expect(world.log.map(({ fields }) => fields['event'])).toContain('config_reloaded');
    await app.stop();
  });

  test('with an error changes nothing: it is logged with its place, and told by the status and the metrics', async () => {
    const { world, app, file } = await running({ http: '127.0.0.1:0' });
    const [url] = urls(world);
    const made = [...world.made];
    expect(await page(url)).toContain('mcbridge_config_last_reload_successful 1');
    file.read = refusing('"loud" is not allowed');
    const sentence = 'bridge.yaml:3:10: log.level: "loud" is not allowed';
    const { configuration: before } = app.status();
    expect(await app.reload('SIGHUP')).toMatchObject({ result: 'refused', problems: [sentence] });
    const { configuration } = app.status();
    expect(configuration).toMatchObject({ loadedAt: before.loadedAt, last: { problems: [sentence] } });
    expect(world.log).toContainEqual({
      level: 'error',
      fields: { event: 'config_refused', cause: 'SIGHUP', problems: [sentence] },
      message: expect.stringContaining(sentence),
    });
    const text = await page(url);
    expect(text).toContain('mcbridge_config_reloads_total{result="refused"} 1');
    expect(text).toContain('mcbridge_config_last_reload_successful 0');
    expect(text).toContain(`mcbridge_config_loaded_timestamp_seconds ${before.loadedAt / 1000}`);
    expect(world.made).toEqual(made);
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    file.read = () => configOf({ http: '127.0.0.1:0' });
    expect(await app.reload('SIGHUP')).toMatchObject({ result: 'ok' });
    expect(await page(url)).toContain('mcbridge_config_last_reload_successful 1');
    await app.stop();
  });

  test('that is asked for again and again while one goes on is done once more', async () => {
    const { app, file } = await running();
    let reads = 0;
    file.read = () => {
      reads++;
      return configOf();
    };
    const all = await Promise.all([1, 2, 3, 4, 5].map((i) => app.reload(`cause ${i}`)));
    expect(new Set(all).size).toBe(1);
    const later = app.reload('again');
    await Promise.all([later, app.reload('and again')]);
    expect(reads).toBeLessThanOrEqual(3);
    expect(app.status().configuration.reloads.ok).toBe(reads);
    await app.stop();
  });

  test('comes too late for an app that ends, and too early before it begins', async () => {
    const world = await makeAppWorld();
    const app = world.app(configOf(), { load: async () => configOf() });
    const late = { result: 'not_running', problems: ['the app does not run'] };
    expect(await app.reload('early')).toMatchObject(late);
    await app.start();
    await app.stop();
    expect(await app.reload('late')).toMatchObject(late);
    expect(world.closed.toSorted()).toEqual(world.made.toSorted());
  });
});

describe('a link that another configuration cannot reach', () => {
  /** Brokers of which one may be away: a link that is made meanwhile waits until it is closed. */
  const partly = () => {
    const brokers = memoryBrokers();
    const away = { is: false };
    const waiting = (): Link => {
      const waits: ((error: Error) => void)[] = [];
      const wait = (): Promise<never> => new Promise((_, reject) => void waits.push(reject));
      return {
        ...brokers.link('second'),
        open: wait,
        subscribe: wait,
        state: () => ({ up: false, reason: 'connection refused', buffered: 0 }),
        close: async () => {
          for (const end of waits.splice(0)) end(new LinkError('closed', 'the link is closed'));
        },
      };
    };
    const transports: Transports = {
      open: (spec, options) => {
        if (away.is && spec.name === 'second') return waiting();
        const link = brokers.transports.open(spec, options);
        const open = async (): Promise<void> => {
          await link.open();
          options.onEvent?.({ kind: 'connected', server: spec.name });
        };
        return { ...delegateLink(link), open };
      },
    };
    return { away, brokers: { ...brokers, transports } };
  };

  test('is named, down since then, and has not failed once it can be reached again', async () => {
    const { away, brokers } = partly();
    const world = await makeAppWorld(brokers);
    const clock = { ahead: 0 };
    const file = { read: () => configOf() };
    const now = (): number => Date.now() + clock.ahead;
    const app = world.app(configOf(), { load: async () => file.read(), clock: now });
    await app.start();
    const second = () => app.document().links.find(({ name }) => name === 'second');
    expect(second()).toMatchObject({ up: true });

    clock.ahead += 3 * 24 * 3_600_000;
    const asked = now();
    away.is = true;
    file.read = () =>
      configOf({ change: (text) => text.replace('stomp://second:61613', 'stomp://away:61613') });
    expect(await app.reload('a test')).toMatchObject({
      result: 'ok',
      changes: { down: [{ link: 'egress second', reason: 'connection refused' }] },
    });
    expect(world.log).toContainEqual(
      expect.objectContaining({
        fields: expect.objectContaining({
          event: 'config_reloaded',
          down: [{ link: 'egress second', reason: 'connection refused' }],
        }),
      }),
    );
    expect(second()).toMatchObject({ up: false, reason: 'connection refused' });
    expect(Date.parse(second()?.since ?? '')).toBeGreaterThanOrEqual(asked - 1);

    away.is = false;
    file.read = () => configOf();
    expect(await app.reload('a test')).toMatchObject({ result: 'ok', changes: { down: [] } });
    // The first one, and the one that never was there.
    clock.ahead += 120_000;
    await until('their end', () => world.closed.filter((name) => name === 'second').length === 2);
    clock.ahead = 0;
    expect(await world.ask('second', undefined, 1)).toEqual(SECOND_NODES);
    expect(second()).toMatchObject({ up: true });
    await app.stop();
    expect(world.log.filter(({ fields }) => fields['event'] === 'config_failed')).toEqual([]);
  });
});

describe('the address of metrics and health', () => {
  test('may be another: the counts go on there, and the one before is closed', async () => {
    const { world, app, file } = await running({ http: '127.0.0.1:0' });
    await world.ask('mcollective', undefined, 2);
    file.read = () => configOf({ http: '[::1]:0' });
    expect(await app.reload('a test')).toMatchObject({ result: 'ok' });
    const [before, now] = urls(world);
    expect(now).toMatch(/\[::1\]/);
    expect(await page(now)).toContain(
      'mcbridge_requests_total{route="federation → legacy",direction="sent"} 1',
    );
    await expect(page(before)).rejects.toThrow();
    await app.stop();
    await expect(page(now)).rejects.toThrow();
  });

  test('that cannot be had refuses all of the configuration', async () => {
    const { world, app, file } = await running({ http: '127.0.0.1:0' });
    const other = await startHttp({ host: '127.0.0.1', port: 0, pages: new Map(), onError: () => undefined });
    const taken = other.url.replace('http://', '');
    const control = join(folder, 'refused.sock');
    file.read = () =>
      configOf({
        http: taken,
        caller: 'bob',
        second: false,
        change: (text) => `control_socket: ${control}\n${text}`,
      });
    const { problems } = await app.reload('a test');
    expect(problems).toEqual([expect.stringMatching(/^\/app\/bridge\.yaml:\d+:\d+: http\.listen: /)]);
    expect(existsSync(control)).toBe(false);
    const mapped = mappings(app);
    await world.ask('second', undefined, 1);
    await world.ask('mcollective', undefined, 2);
    expect(mapped.map(({ callerOut }) => callerOut)).toEqual(['cert=alice', 'cert=alice']);
    expect(await page(urls(world)[0])).toContain('mcbridge_ready 1');
    await other.close();
    await app.stop();
  });
});

describe('the control socket', () => {
  const at = (name: string): Parts => ({
    change: (text) => `control_socket: ${join(folder, name)}\n${text}`,
  });

  test('tells what a reload would change, and changes nothing', async () => {
    const { world, app, file } = await running(at('dry.sock'));
    file.read = () => configOf({ ...at('dry.sock'), second: false });
    const order = { order: 'reload', dry_run: true };
    const answer = await ask({ file: join(folder, 'dry.sock'), order });
    expect(answer).toMatchObject({ result: 'ok', changes: { links: { closed: ['egress second'] } } });
    expect(app.status().configuration).toMatchObject({ last: undefined, reloads: { ok: 0, refused: 0 } });
    expect(await world.ask('second', undefined, 1)).toHaveLength(1);
    file.read = refusing('no');
    expect(await ask({ file: join(folder, 'dry.sock'), order })).toMatchObject({ result: 'refused' });
    expect(app.status().configuration.last).toBeUndefined();
    await app.stop();
    expect(existsSync(join(folder, 'dry.sock'))).toBe(false);
  });

  test('may be elsewhere after a reload, whose answer still comes', async () => {
    const { app, file } = await running(at('before.sock'));
    file.read = () => configOf(at('after.sock'));
    expect(await ask({ file: join(folder, 'before.sock'), order: { order: 'reload' } })).toMatchObject({
      result: 'ok',
      changes: { keys: { changed: ['control_socket'] } },
    });
    await until('the end of the first', () => !existsSync(join(folder, 'before.sock')));
    expect(await ask({ file: join(folder, 'after.sock'), order: { order: 'reload' } })).toMatchObject({
      result: 'ok',
    });
    await app.stop();
    expect(existsSync(join(folder, 'after.sock'))).toBe(false);
  });

  test.for(['SIGHUP', 'mcbridge reload'])('that somebody has removed is made anew by %s', async (cause) => {
    const { app, file } = await running(at('removed.sock'));
    file.read = () => configOf(at('removed.sock'));
    rmSync(join(folder, 'removed.sock'));
    expect(await app.reload(cause)).toMatchObject({ result: 'ok' });
    const order = { order: 'reload', dry_run: true };
    expect(await ask({ file: join(folder, 'removed.sock'), order })).toMatchObject({ result: 'ok' });
    await app.stop();
    expect(existsSync(join(folder, 'removed.sock'))).toBe(false);
  });

  test('that somebody else has by now refuses a reload, and stays as it is', async () => {
    const { app, file } = await running(at('moved.sock'));
    file.read = () => configOf(at('moved.sock'));
    rmSync(join(folder, 'moved.sock'));
    writeFileSync(join(folder, 'moved.sock'), 'mine');
    expect(await app.reload('a test')).toMatchObject({
      result: 'refused',
      problems: [expect.stringContaining('there is a file of that name')],
    });
    await app.stop();
    expect(readFileSync(join(folder, 'moved.sock'), 'utf8')).toBe('mine');
  });

  test('refuses a reload that waits when the bridge ends: nothing is wrong with its configuration', async () => {
    const world = await makeAppWorld();
    const config = configOf(at('ending.sock'));
    let isRead = false;
    let letGo: () => void = () => undefined;
    const read = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const load = async (): Promise<LoadedConfig> => {
      isRead = true;
      await read;
      return config;
    };
    const app = world.app(config, { load, control: startControl });
    await app.start();
    const answer = ask({ file: join(folder, 'ending.sock'), order: { order: 'reload' } });
    const refused = expect(answer).rejects.toThrow(/^the bridge (is ending|has ended)/);
    await vi.waitFor(() => expect(isRead).toBe(true));
    const stopped = app.stop();
    letGo();
    await refused;
    await stopped;
  });

  test('that cannot be had keeps an app from starting', async () => {
    const world = await makeAppWorld();
    const config = configOf({ change: (text) => `control_socket: ${folder}/none/c.sock\n${text}` });
    const app = world.app(config, { control: startControl });
    await expect(app.start()).rejects.toThrow(/\/app\/bridge\.yaml:1:17: control_socket: .*c\.sock/);
    await app.stop();
  });

  test('that only the surroundings name is done without', async () => {
    const world = await makeAppWorld();
    const app = world.app(configOf(), { control: startControl, controlSocket: `${folder}/none/c.sock` });
    await app.start();
    expect(world.log).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('no orders can be given') }),
    );
    await app.stop();
  });
});

test('documents are published once a reload says so', async () => {
  const brokers = memoryBrokers();
  const { app, file } = await running({}, brokers);
  const documents: Buffer[] = [];
  const listener = brokers.link('federation');
  await listener.open();
  await listener.subscribe({
    destination: 'choria.federation.prod.stats',
    onMessage: ({ body }) => documents.push(body),
  });
  file.read = () => configOf({ change: (text) => text.replace('interval: 0', 'interval: 1') });
  expect(await app.reload('a test')).toMatchObject({
    changes: { keys: { changed: ['statistics.interval'] } },
  });
  await until('two documents', () => documents.length >= 2);
  await listener.close();
  await app.stop();
});
