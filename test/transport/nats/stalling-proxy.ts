import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';

export interface StallingProxy {
  readonly port: number;
  /** Stops forwarding in both directions; the connections stay open, as behind a broken router. */
  stall(): void;
  /** From now on the server's bytes come by 64 KiB at most, with this pause after each, as by a slow line. Milliseconds. */
  slow(pause: number): void;
  close(): void;
}

export const startStallingProxy = async (targetPort: number): Promise<StallingProxy> => {
  const sockets = new Set<Socket>();
  let pause = 0;
  const server = createServer((near) => {
    const far = createConnection(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        to.write(chunk);
        if (pause === 0 || from === near) return;
        from.pause();
        setTimeout(() => from.resume(), pause);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return {
    port: address.port,
    stall: () => {
      for (const socket of sockets) socket.pause();
    },
    slow: (milliseconds) => {
      pause = milliseconds;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
