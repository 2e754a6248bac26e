import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { statusDocument } from '../../src/telemetry/status/document.ts';
import { freePort } from '../../src/testing/ports.ts';
import { type BridgeProcess, launchBridge, untilReady } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { type Child, start } from '../support/process.ts';
import { program } from '../support/program.ts';
import { type BridgeConfig, NODE1, startWorld, type World } from '../support/world.ts';
import { openTerminal } from '../telemetry/observe/terminal.ts';
import { urlOf } from '../telemetry/pages.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SECRET = 'correct horse battery staple';
const ESCAPE = '\u001b';

let world: World;
let client: ChoriaClient;
let bridge: BridgeProcess;
let file: string;
const running: (BridgeProcess['child'] | Child)[] = [];

/** Starts a bridge that takes orders, and does not wait. */
const launch = (config: string): BridgeProcess => {
  const launched = launchBridge(config);
  running.push(launched.child);
  return launched;
};

const configured = (change: (config: BridgeConfig) => object = (it) => it): string =>
  world.config((it) => ({
    ...change(it),
    log: { level: 'info', format: 'json' },
    control_socket: `${it.instance}.sock`,
  }));

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
  client = await world.client({ dialect: 'go' });
  file = configured();
  bridge = launch(file);
  await untilReady(bridge);
});

afterAll(async () => {
  await Promise.all(running.map((child) => child.kill()));
  await world?.stop();
});

const ask = () =>
  client.rpc({
    agent: 'rpcutil',
    action: 'ping',
    targets: [NODE1],
    expect: 1,
    data: { password: SECRET },
  });

/** Nobody is told: the collective has no way home either. */
const askElsewhere = () =>
  client.rpc({ agent: 'rpcutil', action: 'ping', collective: 'elsewhere', expect: 1, timeout: 1 });

const jsonOf = async (...args: readonly string[]) =>
  statusDocument.parse(JSON.parse((await program('status', '--json', ...args)).stdout));

describe('mcbridge status', () => {
  test('shows a bridge that is ready, what went by it and whom it refused, and ends with 0', async () => {
    await ask();
    await askElsewhere();
    const status = await vi.waitFor(async () => {
      const document = await jsonOf('--config', file);
      expect(document.refusals).toHaveLength(1);
      return document;
    });
    expect(status).toMatchObject({
      cluster: 'production',
      health: { ready: true, phase: 'running', troubles: [] },
      configuration: { file, reload: null },
      claims: null,
    });
    expect(status.links.length).toBeGreaterThan(1);
    for (const { up, since, server } of status.links)
      expect({ up, since, server }).toEqual({
        up: true,
        since: expect.any(String),
        server: expect.any(String),
      });
    expect(status.routes[0]).toMatchObject({ from: 'federation', requests: { received: 1, sent: 1 } });
    expect(status.rates.requests.five_minutes).toBeGreaterThan(0);
    expect(status.nodes).toContainEqual({
      egress: 'legacy',
      type: 'mcollective-stomp',
      collective: 'mcollective',
      known: 1,
    });
    expect(status.certificates).toContainEqual({
      link: 'federation',
      file: expect.stringContaining(world.files.folder),
      expires: expect.any(String),
    });
    const [refused] = status.refusals;
    expect(refused).toMatchObject({ reason: 'collective_not_exported', count: 1 });
    expect(refused?.last).toMatchObject([{ caller: expect.stringContaining('choria=') }]);
    const shown = await program('status', '--config', file);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^Bridge production:\S+ on \S+, version .*\nready, up for /);
    expect(shown.stdout).toContain('collective_not_exported: 1, the last one');
    expect(shown.stdout).not.toContain(ESCAPE);
    expect(shown.stdout + JSON.stringify(status)).not.toContain(SECRET);
  });

  test('tells over HTTP the same, but not who asked what', async () => {
    const url = await urlOf(bridge);
    const [near, far] = [await jsonOf('--config', file), await jsonOf('--url', url)];
    const timeless = ({ routes, nodes, identity }: typeof near) => ({ routes, nodes, identity });
    expect(timeless(far)).toEqual(timeless(near));
    expect(far.refusals.map(({ reason, count, last }) => ({ reason, count, last }))).toEqual(
      near.refusals.map(({ reason, count }) => ({ reason, count, last: [] })),
    );
    expect(JSON.stringify(far)).not.toContain('choria=');
    expect((await program('status', '--url', url)).status).toBe(0);
  });

  test('ends with 1 for a bridge that is not ready, and says why', async () => {
    const port = await freePort();
    const other = configured((it) => ({
      ...it,
      egresses: { ...it.egresses, legacy: { ...it.egresses.legacy, servers: [`stomp://127.0.0.1:${port}`] } },
    }));
    const waiting = launch(other);
    await vi.waitFor(async () => {
      const { status, stdout } = await program('status', '--config', other);
      expect(status).toBe(1);
      expect(stdout).toMatch(/^NOT READY \(\w+\), up for /m);
      expect(stdout).toMatch(/^ {2}legacy \(collective\): not connected: .*refused/m);
    });
    await waiting.child.kill();
  });

  test('ends with 3 where nobody answers, and with 2 where nobody can be asked', async () => {
    const socket = join(world.files.folder, 'nobody.sock');
    const nobody = await program('status', '--socket', socket);
    expect(nobody).toMatchObject({ status: 3, stdout: '' });
    expect(nobody.stderr).toContain(`nobody answers at ${socket}`);
    const url = `http://127.0.0.1:${await freePort()}`;
    expect(await program('status', '--url', url)).toMatchObject({ status: 3, stdout: '' });
    for (const args of [
      [],
      ['--url', url, '--config', file],
      ['--url', 'ftp://x'],
      ['--watch', 'often', '--url', url],
    ])
      expect((await program('status', ...args)).status).toBe(2);
  });

  test('watches on while the bridge is started again, and ends with 0 on SIGINT', async () => {
    const own = configured();
    const first = launch(own);
    await untilReady(first);
    const args = ['status', '--config', own, '--watch', '0.2', '--json'];
    const watching = start(process.execPath, [MAIN, ...args]);
    running.push(watching);
    const said = (pid: string): readonly unknown[] =>
      watching
        .log()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .flatMap((line) => (statusDocument.parse(JSON.parse(line)).started === pid ? [line] : []));
    const startedOf = async () => (await jsonOf('--config', own)).started;
    const before = await startedOf();
    await vi.waitFor(() => expect(said(before).length).toBeGreaterThan(0));
    await first.stop();
    await vi.waitFor(() => expect(watching.log()).toMatch(/nobody answers/));
    const second = launch(own);
    await untilReady(second);
    const after = await startedOf();
    expect(after).not.toBe(before);
    await vi.waitFor(() => expect(said(after).length).toBeGreaterThan(0));
    watching.signal('SIGINT');
    expect(await watching.exited).toBe(0);
    // Else it would take requests of other tests.
    await second.stop();
  });
});

test('mcbridge status --watch redraws a terminal, and leaves it as it was', async () => {
  const command = [process.execPath, MAIN, 'status', '--config', file, '--watch', '0.2'];
  const terminal = openTerminal(command, { columns: 60, rows: 20 });
  const drawn = `${ESCAPE}[?1049h`;
  await terminal.until(/Bridge production[\s\S]*Bridge production[\s\S]* more lines: enlarge the terminal/);
  expect(terminal.output()).toContain(drawn);
  terminal.type('\u0003');
  expect(await terminal.exited).toBe(0);
  expect(terminal.output()).toContain(`${ESCAPE}[?1049l`);
});

describe('mcbridge log', () => {
  const levelOf = async (...args: readonly string[]) =>
    (await program('log', ...args, '--config', file)).stdout;
  const steps = () => bridge.lines().filter(({ event }) => event === 'request_routed').length;

  test('changes the level of the running bridge at once, for a while, and back', async () => {
    expect(await levelOf()).toBe('the log level is info\n');
    await ask();
    expect(steps()).toBe(0);
    expect(await levelOf('debug', '--for', '1h')).toBe(
      'the log level is debug, for 3600 s more, and then info\n',
    );
    await ask();
    await vi.waitFor(() => expect(steps()).toBe(1));
    expect(bridge.child.log()).not.toContain(SECRET);
    expect(await levelOf('debug', '--for', '1s')).toMatch(/and then info\n$/);
    await bridge.line(({ event, to }) => event === 'log_level' && to === 'info', 'that the time is over');
    await vi.waitFor(async () => expect(await levelOf()).toBe('the log level is info\n'));
    await ask();
    expect(steps()).toBe(1);
  });

  test('gives way to SIGUSR2', async () => {
    await levelOf('warn', '--for', '1h');
    bridge.child.signal('SIGUSR2');
    await vi.waitFor(async () => expect(await levelOf()).toBe('the log level is info\n'));
  });

  test('takes no other level, no time that is none, and no time alone', async () => {
    for (const args of [['loud'], ['debug', '--for', '25h'], ['debug', '--for', 'long'], ['--for', '1m']])
      expect((await program('log', ...args, '--config', file)).status).toBe(2);
    expect((await program('log', '--socket', join(world.files.folder, 'nobody.sock'))).status).toBe(3);
  });
});
