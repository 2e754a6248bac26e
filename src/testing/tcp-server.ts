import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface TcpServer {
  readonly port: number;
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  /** All that have connected, also those that are gone. */
  readonly sockets: readonly Socket[];
  /** Ends it and all connections. */
  close(): Promise<void>;
}

/** A server on the loopback interface that does this with each connection; it reads what comes, and says nothing. */
export const startTcpServer = async (act: (socket: Socket) => void = () => undefined): Promise<TcpServer> => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume());
    act(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  const { port } = address;
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
