import { execFileSync, spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { expect, vi } from 'vitest';
import { freePort, onFreePort } from '../../../src/testing/ports.ts';
import { startNatsServer } from '../../support/nats-server.ts';
import { admitting, atEnd, endOf, refusalOf, scripted, securely, serving, thread } from './bench.ts';
import { both, type Maker, type Makers } from './makers.ts';

/** What a name service answers; a real one answers differently on each machine. */
const nameServiceSays =
  (code: string): Maker =>
  (side) => {
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation((...given: readonly unknown[]) => {
      const answer = given.at(-1);
      if (typeof answer === 'function')
        answer(Object.assign(new Error(`getaddrinfo ${code}`), { code, syscall: 'getaddrinfo' }));
    });
    atEnd(() => lookup.mockRestore());
    return refusalOf(side.to(1, { host: 'broker.invalid' }));
  };

const RESETS = `const { parentPort, workerData } = require('node:worker_threads');
const flag = new Int32Array(workerData);
const server = require('node:net').createServer((socket) => {
  socket.resetAndDestroy();
  setImmediate(() => { Atomics.store(flag, 0, 1); Atomics.notify(flag, 0); });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

/** The reset is there before the client looks whether it is connected. */
const resetAtOnce: Maker = async (side) => {
  const shared = new SharedArrayBuffer(4);
  const tried = side.to(await thread(RESETS, shared));
  const refused = refusalOf(tried);
  // The attempt begins, and nothing is read before the other side has had its say.
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => process.nextTick(resolve));
  Atomics.wait(new Int32Array(shared), 0, 0, 20_000);
  return refused;
};

const ACCEPTS_NOBODY = `const { parentPort, workerData } = require('node:worker_threads');
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(workerData), 0, 0);
});`;

/** Linux drops whoever knocks at a port whose queue is full. */
const fullQueue: Maker = async (side) => {
  const shared = new SharedArrayBuffer(4);
  const port = await thread(ACCEPTS_NOBODY, shared);
  atEnd(() => {
    Atomics.store(new Int32Array(shared), 0, 1);
    Atomics.notify(new Int32Array(shared), 0);
  });
  for (let place = 0; place < 2; place++)
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, resolve).on('error', reject);
      atEnd(() => {
        socket.destroy();
      });
    });
  return refusalOf(side.to(port, { timeout: 300 }));
};

/** While it may open no more files. */
const withoutFiles: Maker = async (side) => {
  const tried = side.to(await freePort());
  const script = 'prlimit --pid $1 --nofile=3: && echo low; read -r _; prlimit --pid $1 --nofile=$2:';
  const soft = execFileSync('sh', ['-c', 'ulimit -S -n']).toString().trim();
  const shell = spawn('sh', ['-c', script, 'sh', `${process.pid}`, soft]);
  await once(shell.stdout, 'data');
  try {
    return await refusalOf(tried);
  } finally {
    shell.stdin.end('enough\n');
    await once(shell, 'exit');
  }
};

const says =
  (bytes: string): Maker =>
  async (side) =>
    refusalOf(side.to(await scripted((socket) => socket.write(Buffer.from(bytes, 'latin1')))));

const http: Maker = async (side) =>
  refusalOf(side.to(await serving(createHttpServer((_, response) => response.end()))));

const HUSHED = { timeout: 300 };

/** Nobody says anything. */
const mute: Maker = async (side) => refusalOf(side.to(await serving(createServer()), HUSHED));

const OPEN_WIRE = '\0\0\0\x50\x01ActiveMQ';

export const CONNECTING = {
  'unknown-name': both(
    nameServiceSays('ENOTFOUND'),
    // Longer than any name may be: no name service is asked.
    (side) => refusalOf(side.to(1, { host: `${'x'.repeat(300)}.invalid` })),
  ),
  'no-name-service': both(nameServiceSays('EAI_AGAIN')),
  'connection-refused': both(async (side) => refusalOf(side.to(await freePort()))),
  // Loopback's broadcast address: TCP has no way to it.
  'no-route': both((side) => refusalOf(side.to(1, { host: '127.255.255.255' }))),
  'no-sockets': both(withoutFiles),
  'connect-timeout': both(fullQueue),
  'closed-early': {
    NATS: [resetAtOnce, async (side) => refusalOf(side.to(await scripted((socket) => socket.end())))],
    STOMP: resetAtOnce,
  },
  'closed-at-login': both(
    async (side) =>
      refusalOf(
        side.to(
          await scripted((socket) => {
            side.greet(socket);
            socket.once('data', () => socket.end());
          }),
        ),
      ),
    async (side) =>
      refusalOf(
        side.to(
          await scripted((socket) => {
            side.greet(socket);
            socket.once('data', () => socket.resetAndDestroy());
          }),
        ),
      ),
  ),
  silent: {
    NATS: [
      mute,
      // It waits for a request, as most do.
      async (side) =>
        refusalOf(side.to(await serving(createHttpServer((_, response) => response.end())), HUSHED)),
      async (side) => refusalOf(side.to(await securelyFirst(), HUSHED)),
      async (side) => refusalOf(side.to(await scripted((socket) => side.greet(socket)), HUSHED)),
    ],
    STOMP: mute,
  },
  'another-protocol': {
    NATS: [
      says('SSH-2.0-x\r\n'),
      says(`${OPEN_WIRE}\n`),
      says('220 mail\r\n'),
      says('\x15\x03\x03\0\x02\x02\x28\n'),
    ],
    STOMP: [
      http,
      says('SSH-2.0-x\r\n'),
      says(OPEN_WIRE),
      says('AMQP\0\0\x09\x01'),
      async (side) => {
        const nats = await startNatsServer();
        atEnd(() => nats.stop());
        return refusalOf(side.to(nats.port));
      },
      // A port with TLS: it answers CONNECT with an alert.
      async (side) => refusalOf(side.to(await alerting())),
    ],
  },
  'wrong-port': {
    NATS: async (side) => {
      const [cluster, port] = await onFreePort(async (port) => {
        const extra = `cluster { name: "c", host: "127.0.0.1", port: ${port} }`;
        return [await startNatsServer({ extra }), port] as const;
      });
      atEnd(() => cluster.stop());
      // It is ready for clients before it is for servers.
      await vi.waitFor(() => expect(cluster.log()).toContain('Listening for route connections'), 20_000);
      return refusalOf(side.to(port));
    },
  },
  garbled: {
    NATS: [says('INFO this is no JSON\r\n'), says('INFO []]\r\n'), says('INFO 7\r\n')],
    STOMP: async (side) => {
      const { port, each } = await admitting(side);
      return endOf(side.to(port), () => each((socket) => socket.write('NONSENSE\n\n\0')));
    },
  },
  'old-protocol': { STOMP: says('CONNECTED\nversion:0.9\n\n\0') },
  // What no row of the table foresees.
  unknown: both(nameServiceSays('EUNHEARD')),
} as const satisfies Readonly<Record<string, Makers>>;

/** A port that begins with TLS, as a STOMP broker's does. */
const securelyFirst = (): Promise<number> => securely({ greet: () => undefined, admit: () => undefined }, {});

/** A port with TLS to whoever does not speak it. */
const alerting = (): Promise<number> =>
  scripted((socket) => {
    socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 70])));
  });
