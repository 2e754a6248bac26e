import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Run as a process of its own: sends each byte back. */
const echo = (): void => {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) process.send?.(address.port);
  });
};

const thereAndBack = async (socket: Socket): Promise<number> => {
  const since = process.hrtime.bigint();
  socket.write('x');
  await once(socket, 'data');
  return Number(process.hrtime.bigint() - since) / 1_000;
};

/**
 * How long one byte takes to another process and back over loopback TCP, in µs each time: what being between two
 * processes costs on this machine, whatever is done with the byte. A bridge is between twice.
 * @param every ms between bytes
 */
export const loopback = async (bytes: number, every: number): Promise<readonly number[]> => {
  const child = fork(fileURLToPath(import.meta.url), ['echo'], { execArgv: [] });
  try {
    const [port] = await once(child, 'message');
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const taken: number[] = [];
    for (let i = 0; i < bytes; i++) {
      await sleep(every);
      taken.push(await thereAndBack(socket));
    }
    socket.destroy();
    return taken;
  } finally {
    child.kill();
  }
};

if (process.argv[2] === 'echo') echo();
