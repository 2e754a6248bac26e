import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { type BridgeProcess, launchBridge, untilReady } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { run } from '../support/process.ts';
import { program } from '../support/program.ts';
import { type BridgeConfig, CLUSTER_KEY, NODE1, startWorld, type World } from '../support/world.ts';

let world: World;
let client: ChoriaClient;
const bridges: BridgeProcess[] = [];

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
  client = await world.client({ dialect: 'go' });
});

afterAll(async () => {
  await Promise.all(bridges.map(({ child }) => child.kill()));
  await world?.stop();
});

/** A bridge, and the file that it reads anew. */
const running = async (changes: (config: BridgeConfig) => object = (it) => it) => {
  let config: BridgeConfig | undefined;
  const file = world.config((it) => {
    config = it;
    return { ...changes(it), control_socket: `${it.instance}.sock` };
  });
  const base = config as BridgeConfig | undefined;
  if (base === undefined) throw new Error('no configuration was made');
  const socket = join(world.files.folder, `${base.instance}.sock`);
  const bridge = launchBridge(file);
  bridges.push(bridge);
  await untilReady(bridge);
  const write = (other: object): void =>
    writeFileSync(
      file,
      JSON.stringify({ ...base, control_socket: `${base.instance}.sock`, ...other }, null, 2),
    );
  const reloads = (event: 'config_reloaded' | 'config_refused') =>
    bridge.lines().filter((line) => line.event === event);
  return { bridge, file, socket, write, base, reloads };
};

const ping = () => client.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1], expect: 1 });
const ANSWERED = [{ sender: NODE1, rpc: { statuscode: 0 } }];

describe.concurrent('mcbridge reload', () => {
  test('says what would change, changes it, and the same again by SIGHUP; the pid stays', async () => {
    const { bridge, file, write, base, reloads } = await running();
    const { routes } = base;
    write({ routes: routes.slice(0, 1), egresses: { legacy: base.egresses.legacy } });
    const dry = await program('reload', '--config', file, '--dry-run');
    expect(dry).toMatchObject({ status: 0, stderr: '' });
    expect(dry.stdout).toMatch(/^the configuration can be used; nothing has been changed\n/);
    expect(dry.stdout).toContain('removed  egresses.legacy_yaml.type\n');
    expect(dry.stdout).toContain('closed   egress legacy_yaml\n2 links stay connected\n');
    expect(reloads('config_reloaded')).toEqual([]);
    expect(await program('reload', '--config', file)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^the configuration is in force\n/),
    });
    await vi.waitFor(() =>
      expect(reloads('config_reloaded')).toMatchObject([
        { cause: 'mcbridge reload', links: { closed: ['egress legacy_yaml'] } },
      ]),
    );
    write({ routes });
    bridge.child.signal('SIGHUP');
    await vi.waitFor(() => expect(reloads('config_reloaded')).toHaveLength(2));
    expect(reloads('config_reloaded')[1]).toMatchObject({
      cause: 'SIGHUP',
      links: { opened: ['egress legacy_yaml'] },
    });
    expect(await ping()).toMatchObject(ANSWERED);
    expect(await bridge.stop()).toBe(0);
  });

  test('of a file that cannot be used changes nothing, names the place, and ends with 2', async () => {
    const { bridge, file, write, reloads } = await running();
    write({ log: { level: 'loud' } });
    const { status, stdout, stderr } = await program('reload', '--config', file);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/bridge\d+\.yaml:\d+:\d+: log\.level: "loud" is not allowed/);
    expect(stderr).toContain('the configuration cannot be used; nothing has changed');
    const json = await program('reload', '--config', file, '--dry-run', '--json');
    expect(json.status).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ result: 'refused', problems: [expect.any(String)] });
    // The socket is found in what is no YAML at all.
    writeFileSync(file, `control_socket: ${bridge.lines()[0]?.['instance']}.sock\nroutes: [`);
    expect(await program('reload', '--config', file)).toMatchObject({ status: 2 });
    await vi.waitFor(() => expect(reloads('config_refused')).toHaveLength(2));
    expect(await ping()).toMatchObject(ANSWERED);
    expect(await bridge.stop()).toBe(0);
  });

  test('names the links that are not connected', async () => {
    const { bridge, file, write, base } = await running();
    const { legacy_yaml: other } = base.egresses;
    const servers = [`stomp://127.0.0.1:${await freePort()}`];
    write({ egresses: { ...base.egresses, legacy_yaml: { ...other, servers } } });
    const { status, stdout } = await program('reload', '--config', file);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^renewed {2}egress legacy_yaml\n2 links stay connected\n/m);
    expect(stdout).toMatch(/^not connected: egress legacy_yaml: \S/m);
    expect(await bridge.stop()).toBe(0);
  });

  test('names what takes a restart', async () => {
    const { bridge, file, write } = await running();
    write({ cluster: 'other', instance: 'other' });
    const { status, stderr } = await program('reload', '--config', file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/: cluster: cannot be changed while the bridge runs; restart it/);
    expect(stderr).toMatch(/: instance: cannot be changed while the bridge runs; restart it/);
    expect(await bridge.stop()).toBe(0);
  });

  test('shows no secret, whatever changes', async () => {
    const { bridge, file, socket, write, base } = await running();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const { legacy } = base.egresses;
    write({ egresses: { ...base.egresses, legacy: { ...legacy, password: 'another-secret-password' } } });
    const { stdout } = await program('reload', '--socket', socket, '--json', '--dry-run');
    expect(JSON.parse(stdout)).toMatchObject({
      changes: { keys: { changed: ['egresses.legacy.password'] }, links: { renewed: ['egress legacy'] } },
    });
    expect(stdout).not.toContain('another-secret-password');
    expect(stdout).not.toContain(CLUSTER_KEY);
    expect(bridge.child.log()).not.toContain(CLUSTER_KEY);
    write({ cluster_key: 'x'.repeat(40) });
    const refused = await program('reload', '--config', file);
    expect(refused.stderr).toContain('cluster_key');
    expect(refused.stderr).not.toContain('x'.repeat(40));
    await bridge.stop();
  });

  test('where no bridge is there ends with 3, and without a word of which bridge with 2', async () => {
    const file = world.config((it) => ({ ...it, control_socket: 'nobody.sock' }));
    const { status, stderr } = await program('reload', '--config', file);
    expect(status).toBe(3);
    expect(stderr).toMatch(/nobody answers at .*nobody\.sock: does the bridge run/);
    expect(await program('reload')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('which bridge?'),
    });
  });

  test('works by the folder that systemd makes', async () => {
    const folder = join(world.files.folder, 'runtime');
    world.files.write('runtime/.keep', '');
    const file = world.config();
    const env = { RUNTIME_DIRECTORY: folder };
    const bridge = launchBridge(file, env);
    bridges.push(bridge);
    await untilReady(bridge);
    const main = join(import.meta.dirname, '../../dist/cli/main.js');
    const done = await run(process.execPath, [main, 'reload', '--config', file], { env });
    expect(done).toMatchObject({ status: 0, stdout: expect.stringContaining('no key is another') });
    await bridge.stop();
  });
});

describe.concurrent('signals', () => {
  test('end nothing and open no inspector; each does what it is for', async () => {
    const { bridge, reloads } = await running((it) => ({ ...it, log: { level: 'info', format: 'json' } }));
    bridge.child.signal('SIGUSR1');
    await bridge.line(({ signal }) => signal === 'SIGUSR1', 'SIGUSR1');
    for (const [from, to] of [
      ['info', 'debug'],
      ['debug', 'trace'],
      ['trace', 'error'],
      ['error', 'warn'],
      ['warn', 'info'],
    ]) {
      bridge.child.signal('SIGUSR2');
      await bridge.line((it) => it.event === 'log_level' && it['from'] === from && it['to'] === to, `${to}`);
    }
    bridge.child.signal('SIGWINCH');
    bridge.child.signal('SIGHUP');
    await vi.waitFor(() => expect(reloads('config_reloaded')).toHaveLength(1));
    expect(await ping()).toMatchObject(ANSWERED);
    expect(await bridge.stop()).toBe(0);
    expect(bridge.child.log()).not.toContain('Debugger');
  });

  test('do not end it while it starts, reloads and drains, however many come', async () => {
    // A cluster of its own, so that no other bridge takes what holds up its end.
    const file = world.config((it) => ({ ...it, cluster: 'storm', log: { level: 'info', format: 'json' } }));
    const alice = await world.client({ cluster: 'storm', dialect: 'go' });
    const bridge = launchBridge(file);
    bridges.push(bridge);
    const storm = (): void => {
      for (const signal of ['SIGHUP', 'SIGWINCH', 'SIGUSR1'] as const) bridge.child.signal(signal);
    };
    await bridge.line(({ event }) => event === 'starting', 'that it starts');
    const going = setInterval(storm, 50);
    bridge.child.signal('SIGUSR2');
    await vi.waitFor(() =>
      expect(bridge.lines().filter(({ event }) => event === 'config_reloaded').length).toBeGreaterThan(2),
    );
    clearInterval(going);
    const slow = alice.rpc({
      agent: 'echo',
      action: 'slow',
      data: { seconds: 2 },
      targets: [NODE1],
      expect: 1,
    });
    await world.daemons[0]?.waitFor(/Handling message/, 90_000);
    bridge.child.signal('SIGTERM');
    await bridge.line(({ event }) => event === 'draining', 'that it drains');
    storm();
    bridge.child.signal('SIGUSR2');
    await bridge.line((it) => it['to'] === 'trace', 'the level after the next');
    await bridge.line(({ msg }) => msg.startsWith('the bridge is ending'), 'that there is nothing to reload');
    await slow;
    expect(await bridge.child.exited).toBe(0);
    expect(bridge.child.log()).not.toContain('Debugger');
  });

  test('open the log file anew, which somebody has moved away; one that cannot be opened keeps the old one', async () => {
    const { bridge, file, write } = await running();
    const at = (name: string): string => join(world.files.folder, name);
    const events = (name: string): readonly string[] =>
      readFileSync(at(name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event);
    write({ log: { level: 'info', format: 'json', file: 'a.log' } });
    expect(await program('reload', '--config', file)).toMatchObject({ status: 0 });
    await vi.waitFor(() => expect(events('a.log')).toContain('config_reloaded'));
    expect(statSync(at('a.log')).mode & 0o777 & ~0o640).toBe(0);
    for (const [signal, moved] of [
      ['SIGWINCH', 'a.log.1'],
      ['SIGHUP', 'a.log.2'],
    ] as const) {
      renameSync(at('a.log'), at(moved));
      bridge.child.signal(signal);
      await vi.waitFor(() => expect(events('a.log')).toContain('log_reopened'));
    }
    await vi.waitFor(() => expect(events('a.log')).toContain('config_reloaded'));
    renameSync(at('a.log'), at('a.log.3'));
    mkdirSync(at('a.log'));
    bridge.child.signal('SIGWINCH');
    await vi.waitFor(() =>
      expect(readFileSync(at('a.log.3'), 'utf8')).toContain('the log file cannot be opened anew'),
    );
    rmSync(at('a.log'), { recursive: true });
    write({ log: { level: 'info', format: 'json', file: 'nowhere/a.log' } });
    const { status, stderr } = await program('reload', '--config', file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/:\d+:\d+: log\.file: .*nowhere\/a\.log cannot be written: there is no such file/);
    await bridge.stop();
    expect(events('a.log.3').at(-1)).toBe('stopped');
  });
});
