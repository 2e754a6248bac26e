import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { headVerifier } from '../../src/audit/head.ts';
import { freePort } from '../../src/testing/ports.ts';
import { linesIn, makeKey, verified } from '../audit/world.ts';
import { type BridgeProcess, launchBridge, makeBridgeFolder, mcbridge } from '../support/bridge.ts';
import { makeAuthority } from '../support/pki.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const key = makeKey();
const authority = makeAuthority('Choria CA');

/** A folder with an audit, and bridges of it whose brokers are not there: they write to it, and wait. */
const makeWorld = async () => {
  const folder = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'key.pem': authority.issue({ commonName: 'bridge.example.net' }).privateKey,
    'cert.pem': authority.certificate,
    'audit.pem': key.secret.toString(),
  });
  ends.push(() => folder.remove());
  const nats = { servers: [`nats://127.0.0.1:${await freePort()}`], insecure_plaintext: true };
  const configure = (name: string): string =>
    folder.configure(
      {
        identity: 'bridge.example.net',
        cluster: 'production',
        cluster_key: '0123456789abcdef0123456789abcdef',
        instance: 'one',
        http: { listen: 'off' },
        log: { level: 'info', format: 'json' },
        control_socket: `${name}.sock`,
        audit: { key_file: 'audit.pem', sinks: [{ file: 'audit.log', on_failure: 'stop' }] },
        ingresses: { federation: { type: 'choria-federation', ...nats, callers: { ca: 'ca.pem' } } },
        egresses: { nodes: { type: 'choria-collective', ...nats } },
        routes: [{ from: 'federation', to: 'nodes', collectives: ['east'], verify: true }],
      },
      `${name}.yaml`,
    );
  const file = join(folder.folder, 'audit.log');
  const starts = (): number =>
    existsSync(file) ? linesIn(file).filter((line) => line.includes('"kind":"start"')).length : 0;
  const launch = (config: string): BridgeProcess => {
    const bridge = launchBridge(config);
    ends.push(() => bridge.child.kill());
    return bridge;
  };
  return {
    ...folder,
    file,
    configure,
    launch,
    starts,
    running: async (config: string): Promise<BridgeProcess> => {
      const before = starts();
      const bridge = launch(config);
      await vi.waitFor(() => expect(starts()).toBe(before + 1));
      return bridge;
    },
    locks: () => readdirSync(folder.folder).filter((name) => name.endsWith('.lock')),
  };
};

test('a second bridge does not start at the audit file of one that runs, and writes nothing to it', async () => {
  const world = await makeWorld();
  const config = world.configure('one');
  const first = await world.running(config);
  const before = readFileSync(world.file);
  const second = world.launch(world.configure('two'));
  expect(await second.child.exited).toBe(2);
  expect(second.child.log()).toMatch(
    new RegExp(
      `audit\\.sinks\\[0\\]\\.file: \\S*audit\\.log cannot be written: another bridge has it, the process ${first.child.pid} on `,
    ),
  );
  expect(readFileSync(world.file)).toEqual(before);
  // The name of the file is free once it has been moved; the audit is not.
  renameSync(world.file, `${world.file}.1`);
  expect(await world.launch(world.configure('two')).child.exited).toBe(2);
  expect(existsSync(world.file)).toBe(false);
  expect(await first.stop()).toBe(0);
  expect(world.locks()).toEqual([]);
});

test('a bridge that was killed leaves its audit file to the next one, and one that was stopped does not', async () => {
  const world = await makeWorld();
  const config = world.configure('one');
  const first = await world.running(config);
  first.child.signal('SIGSTOP');
  const second = world.launch(world.configure('two'));
  expect(await second.child.exited).toBe(2);
  expect(second.child.log()).toContain('cannot be written: another bridge has it');
  await first.child.kill();
  expect(world.locks()).toHaveLength(1);
  const next = await world.running(config);
  expect(world.locks()).toHaveLength(1);
  expect(await next.stop()).toBe(0);
  expect(world.locks()).toEqual([]);
  expect((await verified([world.file], headVerifier(key.open))).findings).toEqual([]);
});

test('of bridges that start at the same moment one gets the file', async () => {
  const world = await makeWorld();
  const all = Array.from({ length: 3 }, (_, index) => world.launch(world.configure(`b${index}`)));
  const ended = new Set<BridgeProcess>();
  for (const one of all) void one.child.exited.then(() => ended.add(one));
  await vi.waitFor(() => expect(ended.size).toBe(2));
  await vi.waitFor(() => expect(world.starts()).toBe(1));
  const [left] = all.filter((one) => !ended.has(one));
  for (const one of ended) expect(await one.child.exited).toBe(2);
  expect(await left?.stop()).toBe(0);
  expect((await verified([world.file], headVerifier(key.open))).findings).toEqual([]);
});

test('check knows its own bridge at the file by its control socket, and names another', async () => {
  const world = await makeWorld();
  const config = world.configure('one');
  const bridge = await world.running(config);
  await bridge.line(({ event }) => event === 'control', 'that it takes orders');
  const own = await mcbridge('check', '--offline', '--config', config);
  expect(own.stdout).toContain(`${world.file} is written by this bridge, which runs`);
  const other = await mcbridge('check', '--offline', '--config', world.configure('two'), '--json');
  expect(other.status).toBe(1);
  expect(JSON.parse(other.stdout).findings).toContainEqual(
    expect.objectContaining({
      status: 'problem',
      path: 'audit.sinks[0].file',
      message: expect.stringContaining(`another bridge has it, the process ${bridge.child.pid} on `),
    }),
  );
  expect(await bridge.stop()).toBe(0);
  expect((await mcbridge('check', '--offline', '--config', world.configure('two'))).stdout).not.toContain(
    'another bridge has it',
  );
});
