import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below Linux' ephemeral range (32768 and up): within it, a client that keeps trying a closed port of its own host
 * may be given that very port as its source, and connect to itself.
 */
const MIN_PORT = 20_000;
const MAX_PORT = 32_000;

const listen = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** Different free ports of the loopback interface, for programs that cannot choose one themselves. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = randomInt(MIN_PORT, MAX_PORT);
    const server = await listen(port);
    if (server !== undefined) held.set(port, server);
  }
  await Promise.all([...held.values()].map(close));
  return [...held.keys()];
};

/** How often a program is started that finds its port taken. */
const MAX_TRIES = 3;

/**
 * Starts a program that cannot choose its port itself. A port that was free a moment ago may be in use by now: then
 * it is started again with another one.
 */
export const onFreePort = async <T>(start: (port: number) => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await start(await freePort());
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes('address already in use');
      if (!isTaken || tries === MAX_TRIES) throw error;
    }
  }
};

export const freePort = async (): Promise<number> => {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
};
