import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { ask } from '../../src/control/client.ts';
import { MAX_ORDER_BYTES, OrderRefused } from '../../src/control/protocol.ts';
import { type ControlServer, type Order, startControl } from '../../src/control/server.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-control-'));
const servers: ControlServer[] = [];
let made = 0;

const start = async (
  orders: Readonly<Record<string, Order>>,
  log: LogLine[] = [],
): Promise<ControlServer> => {
  const server = await startControl({
    file: join(folder, `${++made}.sock`),
    orders: new Map(Object.entries(orders)),
    log: recordingLog(log),
  });
  servers.push(server);
  return server;
};

/** What comes at a connection until it is closed. */
const said = ({ file }: ControlServer, write: string | undefined, end = false): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ path: file, allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    if (write !== undefined) socket.write(write);
    if (end) socket.end();
  });

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

test('an order is carried out with what was said with it, lines first, and then the answer', async () => {
  const { file } = await start({
    add: ({ a, b }, { tell }) => {
      tell({ adding: [a, b] });
      return Number(a) + Number(b);
    },
  });
  const lines: unknown[] = [];
  const answer = await ask({ file, order: { order: 'add', a: 1, b: 2 }, onLine: (it) => lines.push(it) });
  expect(lines).toEqual([{ adding: [1, 2] }]);
  expect(answer).toBe(3);
});

test('who has nothing more to say is answered all the same', async () => {
  const server = await start({
    late: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return 'done';
    },
  });
  expect(await said(server, '{"order":"late"}\n', true)).toMatch(/^ *\{"answer":"done"\}\n$/);
});

/** Connections that have given an order, whose answer never comes. */
const waiting = async (count: number) => {
  const gone: boolean[] = [];
  const server = await start({
    wait: (_, asker) => {
      const place = gone.push(false) - 1;
      asker.gone.addEventListener('abort', () => {
        gone[place] = true;
      });
      return new Promise(() => undefined);
    },
    quick: () => 'done',
  });
  const askers = Array.from({ length: count }, () => {
    const socket = connect({ path: server.file, allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write('{"order":"wait"}\n');
    return socket;
  });
  await vi.waitFor(() => expect(gone).toHaveLength(count));
  return { server, askers, gone, quick: () => ask({ file: server.file, order: { order: 'quick' } }) };
};

test('who is gone frees the place at once, though the order goes on', async () => {
  const { askers, gone, quick } = await waiting(16);
  await expect(quick()).rejects.toThrow('too many ask at once');
  // As the system does with the connections of a process that is killed.
  for (const socket of askers) socket.destroy();
  await vi.waitFor(() => expect(gone).toEqual(Array.from({ length: 16 }, () => true)));
  expect(await quick()).toBe('done');
});

test('who has nothing more to say keeps the place for as long as it is there', async () => {
  const { askers, gone, quick } = await waiting(16);
  const heard = askers.map((socket) => once(socket, 'data'));
  for (const socket of askers) socket.end();
  // Each has been looked after by then.
  await Promise.all(heard);
  await expect(quick()).rejects.toThrow('too many ask at once');
  for (const socket of askers) socket.destroy();
  await vi.waitFor(() => expect(gone.every((one) => one)).toBe(true));
  expect(await quick()).toBe('done');
});

test('what cannot be done is refused in a sentence, and is no fault', async () => {
  const log: LogLine[] = [];
  const { file } = await start(
    {
      no: () => {
        throw new OrderRefused('not today');
      },
    },
    log,
  );
  await expect(ask({ file, order: { order: 'no' } })).rejects.toThrow(new OrderRefused('not today'));
  await expect(ask({ file, order: { order: 'yes' } })).rejects.toThrow(
    'there is no order "yes"; this bridge knows no',
  );
  expect(log.filter(({ level }) => level === 'error')).toEqual([]);
});

test('an order that fails by a fault is told of and logged', async () => {
  const log: LogLine[] = [];
  const { file } = await start(
    {
      broken: () => {
        throw new TypeError('x is undefined');
      },
    },
    log,
  );
  await expect(ask({ file, order: { order: 'broken' } })).rejects.toThrow('x is undefined');
  expect(log).toContainEqual(
    expect.objectContaining({ level: 'error', fields: expect.objectContaining({ event: 'control_error' }) }),
  );
});

test.each([
  ['no JSON', 'reload\n', 'one line of JSON'],
  ['no object', '"reload"\n', 'an object with a name'],
  ['no line in the end', '{"order":"reload"', 'no order came'],
  ['a line that does not end', 'x'.repeat(MAX_ORDER_BYTES + 1), 'no order came'],
])('%s is refused', async (_, text, why) => {
  const server = await start({ reload: () => 'done' });
  const answer = await said(server, text, !text.startsWith('x'));
  expect(answer).toContain('{"refused":');
  expect(answer).toContain(why);
});

test('who says nothing is not waited for', async () => {
  expect(await said(await start({}), undefined)).toContain('no order came');
});

test('more than sixteen at once are refused, and then there is room again', async () => {
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let waiting = 0;
  const { file } = await start({
    wait: async () => {
      waiting++;
      await finished;
      return 'done';
    },
  });
  const all = Array.from({ length: 16 }, () => ask({ file, order: { order: 'wait' } }));
  await vi.waitFor(() => expect(waiting).toBe(16));
  await expect(ask({ file, order: { order: 'wait' } })).rejects.toThrow('too many ask at once');
  finish();
  expect(new Set(await Promise.all(all))).toEqual(new Set(['done']));
  await vi.waitFor(async () => expect(await ask({ file, order: { order: 'wait' } })).toBe('done'));
});

test('who does not read is left, and the order hears of it', async () => {
  let gone = false;
  const server = await start({
    flood: async (_, asker) => {
      while (!asker.gone.aborted) {
        asker.tell('x'.repeat(100_000));
        await new Promise((resolve) => setImmediate(resolve));
      }
      gone = true;
    },
  });
  const socket: Socket = connect(server.file);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('{"order":"flood"}\n');
  await vi.waitFor(() => expect(gone).toBe(true));
  socket.destroy();
});

test('the end of the bridge is told to who still waits', async () => {
  let isAsked = false;
  const server = await start({
    wait: () => {
      isAsked = true;
      return new Promise(() => undefined);
    },
  });
  const answer = ask({ file: server.file, order: { order: 'wait' } }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(isAsked).toBe(true));
  servers.splice(0);
  await server.close();
  expect(await answer).toEqual(new OrderRefused('the bridge has ended'));
  await expect(ask({ file: server.file, order: { order: 'wait' } })).rejects.toThrow('nobody answers at');
});

test('a bridge that takes an order and says nothing more counts as one that does not answer', async () => {
  const { file } = await start({ hang: () => new Promise(() => undefined) });
  await expect(ask({ file, order: { order: 'hang' }, timeoutMs: 100 })).rejects.toThrow(
    'has not answered: nothing came for 0.1 s',
  );
});

test('who no longer waits for an answer is told so', async () => {
  const leaving = new AbortController();
  const { file } = await start({
    wait: () => {
      leaving.abort();
      return new Promise(() => undefined);
    },
  });
  await expect(ask({ file, order: { order: 'wait' }, signal: leaving.signal })).rejects.toThrow(
    'has not answered: the connection was closed',
  );
});

test('one that has another in its place still answers what it was asked', async () => {
  let finish: (() => void) | undefined;
  const server = await start({
    wait: () =>
      new Promise((resolve) => {
        finish = () => resolve('done');
      }),
  });
  servers.splice(0);
  const answer = ask({ file: server.file, order: { order: 'wait' } });
  await vi.waitFor(() => expect(finish).toBeDefined());
  server.retire();
  await expect(ask({ file: server.file, order: { order: 'wait' } })).rejects.toThrow('nobody answers at');
  finish?.();
  expect(await answer).toBe('done');
});
