import type { Server } from 'node:http';
import type { Socket } from 'node:net';

interface Connection {
  /** Its address and port. */
  readonly client: string;
  readonly socket: Socket;
  readonly address: string;
  /** Requests that are being answered. */
  answering: number;
}

const clientOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;

/** How many each address has. */
const countsOf = (connections: Iterable<Connection>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { address } of connections) counts.set(address, (counts.get(address) ?? 0) + 1);
  return counts;
};

/** Of the address with most, the oldest; one that has said all it has to, and waits for its answer, last. */
const dispensable = (connections: readonly Connection[]): Connection | undefined => {
  const counts = countsOf(connections);
  const most = Math.max(...counts.values());
  const candidates = connections.filter(({ address }) => counts.get(address) === most);
  return candidates.find(({ answering }) => answering === 0) ?? candidates[0];
};

/**
 * Room for a number of connections, of which a new one always gets some: a client that opens many and says nothing must not
 * shut out a health check, which says all it has to at once.
 */
export const keepRoom = (server: Server, most: number): void => {
  // In the order in which they came. A request over TLS has another socket than its connection, of the same client.
  const open = new Map<string, Connection>();
  const close = (client: string, socket: Socket): void => {
    if (open.get(client)?.socket === socket) open.delete(client);
  };

  server.on('connection', (socket) => {
    if (open.size >= most) {
      const one = dispensable([...open.values()]);
      if (one !== undefined) {
        close(one.client, one.socket);
        one.socket.destroy();
      }
    }
    const client = clientOf(socket);
    open.set(client, { client, socket, address: socket.remoteAddress ?? '', answering: 0 });
    socket.once('close', () => close(client, socket));
  });

  server.on('request', (request, response) => {
    const connection = open.get(clientOf(request.socket));
    if (connection === undefined) return;
    connection.answering++;
    response.once('close', () => connection.answering--);
  });
};
