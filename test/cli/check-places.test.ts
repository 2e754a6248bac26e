import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startControl } from '../../src/control/server.ts';
import { recordingLog } from '../adapters/world.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

const PLACES = /^(problem|warning|ok) (log|control_socket|record_socket)/;
const NOBODY = 65_534;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const given = (settings: string): CheckWorld => {
  const world = makeCheckWorld((config) => `${config}${settings}\n`);
  ends.push(() => world.end());
  return world;
};

const said = async (world: CheckWorld): Promise<readonly string[]> => {
  const findings = await world.findings();
  return findings
    .map(({ status, path, message }) => `${status} ${path}: ${message}`.replaceAll(world.folder, '.'))
    .filter((line) => PLACES.test(line));
};

/** For a user who is not root, and may write nothing there. */
const asNobody = async <T>(world: CheckWorld, ask: () => Promise<T>): Promise<T> => {
  for (const name of readdirSync(world.folder, { recursive: true }))
    chmodSync(join(world.folder, String(name)), 0o555);
  const isRoot = process.geteuid?.() === 0;
  chmodSync(world.folder, 0o555);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await ask();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(world.folder, 0o755);
  }
};

const listenAt = async (file: string): Promise<Server> => {
  const server = createServer((socket) => socket.destroy()).listen(file);
  await once(server, 'listening');
  ends.push(async () => {
    server.close();
    await once(server, 'close');
  });
  return server;
};

/** What a killed process leaves. */
const leaveAt = async (file: string): Promise<void> => {
  const server = createServer().listen(`${file}.other`);
  await once(server, 'listening');
  renameSync(`${file}.other`, file);
  server.close();
  await once(server, 'close');
};

test('a log that is not there can be made, and check does not make it', async () => {
  const world = given('log: { file: bridge.log }');
  const before = readdirSync(world.folder);
  expect(await said(world)).toEqual(['ok log.file: ./bridge.log can be made']);
  expect(readdirSync(world.folder)).toEqual(before);
});

test('a log that is there is left as it is', async () => {
  const world = given('log: { file: bridge.log }');
  world.write('bridge.log', 'a line\n');
  expect(await said(world)).toEqual(['ok log.file: ./bridge.log can be written']);
  expect(readFileSync(join(world.folder, 'bridge.log'), 'utf8')).toBe('a line\n');
});

test('a log in a folder that is not there cannot be made', async () => {
  const world = given('log: { file: logs/bridge.log }');
  expect(await said(world)).toEqual([
    'problem log.file: ./logs/bridge.log cannot be made: there is no folder ./logs',
  ]);
});

test('a folder is no log', async () => {
  const world = given('log: { file: bridge.log }');
  mkdirSync(join(world.folder, 'bridge.log'));
  expect(await said(world)).toEqual(['problem log.file: ./bridge.log cannot be written: it is a folder']);
});

test('a log and sockets in a folder that the user may not write to cannot be made', async () => {
  const world = given('log: { file: bridge.log }\ncontrol_socket: control.sock\nrecord_socket: record.sock');
  expect(await asNobody(world, () => said(world))).toEqual([
    'problem log.file: ./bridge.log cannot be made: .: permission denied',
    'problem control_socket: ./control.sock cannot be made: .: permission denied',
    'problem record_socket: ./record.sock cannot be made: .: permission denied',
  ]);
});

test("a log that is another user's cannot be written", async () => {
  const world = given('log: { file: bridge.log }');
  world.write('bridge.log', '');
  expect(await asNobody(world, () => said(world))).toEqual([
    'problem log.file: ./bridge.log cannot be written: permission denied',
  ]);
});

test('sockets of which nobody has the place are free, also where a killed process has left them', async () => {
  const world = given('control_socket: control.sock\nrecord_socket: record.sock');
  await leaveAt(join(world.folder, 'record.sock'));
  expect(await said(world)).toEqual([
    'ok control_socket: ./control.sock is free',
    'ok record_socket: ./record.sock is free',
  ]);
  expect(existsSync(join(world.folder, 'record.sock'))).toBe(true);
});

test('a place is not free where another process listens, or there is something else', async () => {
  const world = given('control_socket: control.sock\nrecord_socket: record.sock');
  await listenAt(join(world.folder, 'control.sock'));
  world.write('record.sock', 'a file');
  expect(await said(world)).toEqual([
    'problem control_socket: ./control.sock cannot be listened at: another process is there',
    'problem record_socket: ./record.sock cannot be listened at: there is a file of that name; give another name',
  ]);
});

test('the path of a socket may be too long', async () => {
  const world = given(`control_socket: ${'s'.repeat(120)}`);
  expect(await said(world)).toEqual([
    expect.stringMatching(/^problem control_socket: .* the path of a socket has at most 107 bytes$/),
  ]);
});

test.for([
  ['mcbridge.example.net', 'ok', 'is listened at by this bridge, which runs'],
  ['another', 'problem', 'cannot be listened at: another process is there'],
] as const)('of a running bridge %s the sockets are: %s', async ([instance, status, what]) => {
  const world = given('control_socket: control.sock\nrecord_socket: record.sock');
  const control = await startControl({
    file: join(world.folder, 'control.sock'),
    orders: new Map([['status', () => ({ cluster: 'mcollective', instance })]]),
    log: recordingLog([]),
  });
  ends.push(() => control.close());
  await listenAt(join(world.folder, 'record.sock'));
  expect(await said(world)).toEqual([
    `${status} control_socket: ./control.sock ${what}`,
    `${status} record_socket: ./record.sock ${what}`,
  ]);
});

test("a folder of systemd's takes the control socket of a configuration that names none", async () => {
  const world = given('');
  const before = process.env['RUNTIME_DIRECTORY'];
  ends.push(() => {
    if (before === undefined) delete process.env['RUNTIME_DIRECTORY'];
    else process.env['RUNTIME_DIRECTORY'] = before;
  });
  process.env['RUNTIME_DIRECTORY'] = join(world.folder, 'run');
  expect(await said(world)).toEqual([
    'warning control_socket: ./run/control.sock cannot be made: there is no folder ./run; the bridge runs, and takes no orders',
  ]);
});
