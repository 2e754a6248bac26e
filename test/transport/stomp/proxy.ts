import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** From now on nothing is read from either side, while the connections stay open. */
  stall(): void;
  /** From now on nothing is read from the broker, while what the clients send goes on to it. */
  hold(): void;
  /** Reads again. */
  resume(): void;
  /** What the clients have sent so far. */
  sent(): string;
  /** How many connections were accepted so far. */
  accepted(): number;
  close(): Promise<void>;
}

type Side = 'client' | 'broker';

/**
 * A TCP proxy on loopback that can stop forwarding, as a network does that drops packets.
 * @param at the port to listen on, a free one unless told
 */
export const startProxy = async (target: number, at = 0): Promise<TcpProxy> => {
  const sockets = new Map<Socket, Side>();
  /** From where nothing is read. */
  const stalled = new Set<Side>();
  let isOver = false;
  let accepted = 0;
  let sent = '';
  const server = createServer((near) => {
    // One that came while it was being closed would keep it open.
    if (isOver) {
      near.destroy();
      return;
    }
    accepted++;
    const far = connect(target, '127.0.0.1');
    for (const [from, to, side] of [
      [near, far, 'client'],
      [far, near, 'broker'],
    ] as const) {
      sockets.set(from, side);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk) => {
        if (from === near) sent += chunk.toString('latin1');
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (!stalled.has(side)) from.resume();
      });
      if (stalled.has(side)) from.pause();
    }
  });
  const stall = (...sides: readonly Side[]): void => {
    for (const side of sides) stalled.add(side);
    for (const [socket, side] of sockets) if (stalled.has(side)) socket.pause();
  };
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  return {
    port: address.port,
    stall: () => stall('client', 'broker'),
    hold: () => stall('broker'),
    resume: () => {
      stalled.clear();
      for (const socket of sockets.keys()) socket.resume();
    },
    sent: () => sent,
    accepted: () => accepted,
    close: async () => {
      isOver = true;
      for (const socket of sockets.keys()) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
};
