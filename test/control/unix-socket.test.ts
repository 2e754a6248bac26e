import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { listenPrivately, reach } from '../../src/control/unix-socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-socket-'));
const servers: Server[] = [];
let made = 0;

const path = (): string => join(folder, `${++made}.sock`);
const server = (): Server => {
  const one = createServer((socket) => socket.end());
  servers.push(one);
  return one;
};
/** What a killed process leaves. */
const left = async (): Promise<string> => {
  const [file, here] = [path(), path()];
  const one = createServer().listen(file);
  await once(one, 'listening');
  renameSync(file, here);
  one.close();
  await once(one, 'close');
  return here;
};

afterEach(() => {
  for (const one of servers.splice(0)) one.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a socket is for its owner only from the moment that it is there, whatever the umask is', async () => {
  const before = process.umask(0);
  try {
    const [file, one] = [path(), server()];
    const modes: number[] = [];
    const listen = one.listen.bind(one);
    Object.assign(one, {
      listen: (at: string) => {
        listen(at);
        modes.push(lstatSync(at).mode & 0o777);
      },
    });
    await listenPrivately(one, file);
    expect(modes).toEqual([0o600]);
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(before);
  }
});

test('one that nobody answers at is replaced', async () => {
  const file = await left();
  expect(await reach(file)).toBeUndefined();
  await listenPrivately(server(), file);
  const socket = await reach(file);
  expect(socket).toBeDefined();
  socket?.destroy();
});

test('one of another process stays its own', async () => {
  const file = path();
  await listenPrivately(server(), file);
  await expect(listenPrivately(server(), file)).rejects.toThrow(
    `${file} cannot be listened at: another bridge listens at it; give another name`,
  );
  const socket = await reach(file);
  expect(socket).toBeDefined();
  socket?.destroy();
});

test('one of another user stays, though nobody answers at it', async () => {
  const file = await left();
  const uid = lstatSync(file).uid;
  await expect(listenPrivately(server(), file, uid + 1)).rejects.toThrow(
    `${file} cannot be listened at: the socket there is of the user ${uid}`,
  );
  expect(existsSync(file)).toBe(true);
});

test('a file that is no socket stays', async () => {
  const file = path();
  writeFileSync(file, 'mine');
  await expect(listenPrivately(server(), file)).rejects.toThrow('there is a file of that name');
  expect(existsSync(file)).toBe(true);
});

test('a path that the system would cut is refused', async () => {
  const file = join(folder, 'x'.repeat(120));
  await expect(listenPrivately(server(), file)).rejects.toThrow('has at most 107 bytes');
});

test('a folder that is not there is told of', async () => {
  await expect(listenPrivately(server(), join(folder, 'none', 'a.sock'))).rejects.toThrow(
    /a\.sock cannot be listened at: .*(ENOENT|EACCES)/,
  );
});

test('one that was removed is made anew, and the one before takes nothing away when it ends', async () => {
  const [file, before] = [path(), server()];
  const first = await listenPrivately(before, file);
  expect(first.isThere()).toBe(true);
  rmSync(file);
  expect(first.isThere()).toBe(false);
  const second = await listenPrivately(server(), file);
  expect([first.isThere(), second.isThere()]).toEqual([false, true]);
  first.remove();
  before.close();
  await once(before, 'close');
  const socket = await reach(file);
  expect(socket).toBeDefined();
  socket?.destroy();
  second.remove();
  expect(existsSync(file)).toBe(false);
});

test('nothing else stays in its folder, whether it could be had or not', async () => {
  const own = mkdtempSync(join(folder, 'own-'));
  const file = join(own, 'a.sock');
  await listenPrivately(server(), file);
  await expect(listenPrivately(server(), file)).rejects.toThrow('another bridge listens at it');
  expect(readdirSync(own)).toEqual(['a.sock']);
});
