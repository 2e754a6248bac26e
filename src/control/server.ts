import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Log } from '../envelope/log.ts';
import { errorText, quoted } from '../envelope/text.ts';
import { firstLine } from './first-line.ts';
import { type Asked, asked, MAX_ORDER_BYTES, OrderRefused, type Told } from './protocol.ts';
import { listenPrivately } from './unix-socket.ts';

/** Who has given an order, while it is carried out. */
export interface Asker {
  /** Sends a line before the answer. */
  tell(line: unknown): void;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

/**
 * Carries out an order.
 * @returns the answer
 * @throws OrderRefused for what cannot be done, in a sentence
 */
export type Order = (asked: Asked, asker: Asker) => unknown;

/** By their names. */
export type Orders = ReadonlyMap<string, Order>;

export interface ControlOptions {
  /** Where the socket is made. */
  readonly file: string;
  readonly orders: Orders;
  readonly log: Log;
}

/** A Unix socket at which a running bridge takes orders, of its own user and root only. */
export interface ControlServer {
  readonly file: string;
  isThere(): boolean;
  /** Orders that are being carried out are still answered. */
  retire(): void;
  /** Who still waits is told that the bridge has ended. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 16;
/** Ms to say what is wanted. */
const ORDER_TIMEOUT_MS = 5_000;
/** Ms to read what is left. */
const LAST_READ_TIMEOUT_MS = 1_000;
/** Ms. */
const LOOK_MS = 1_000;
/** Bytes that may wait for who reads slowly. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const lineOf = (told: Told): string => `${JSON.stringify(told)}\n`;

const bid = (socket: Socket, told: Told): void => {
  if (socket.destroyed) return;
  socket.end(lineOf(told));
  const timer = setTimeout(() => socket.destroy(), LAST_READ_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
};

/** @throws OrderRefused */
const read = (line: string): Asked => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new OrderRefused('an order is one line of JSON, such as {"order":"reload"}');
  }
  const result = asked.safeParse(value);
  if (!result.success)
    throw new OrderRefused('an order is an object with a name, such as {"order":"reload"}');
  return result.data;
};

/**
 * Who has nothing more to say and who is gone look alike, until something is written to them. A space before a line of JSON
 * means nothing.
 */
const watchHalfOpen = (socket: Socket): void => {
  const look = (): void => {
    if (socket.writable) socket.write(' ');
  };
  socket.once('end', () => {
    look();
    const timer = setInterval(look, LOOK_MS);
    socket.once('close', () => clearInterval(timer));
  });
};

/** @throws OrderRefused, or whatever the order throws */
const carriedOut = async (socket: Socket, orders: Orders, gone: AbortSignal): Promise<unknown> => {
  const line = await firstLine(socket, { longest: MAX_ORDER_BYTES, within: ORDER_TIMEOUT_MS });
  if (line === undefined)
    throw new OrderRefused(
      `no order came: a line of at most ${MAX_ORDER_BYTES} bytes within ${ORDER_TIMEOUT_MS} ms`,
    );
  const given = read(line);
  const order = orders.get(given.order);
  if (order === undefined)
    throw new OrderRefused(
      `there is no order ${quoted(given.order)}; this bridge knows ${[...orders.keys()].join(', ')}`,
    );
  const tell = (told: unknown): void => {
    if (socket.destroyed) return;
    socket.write(lineOf({ line: told }));
    if (socket.writableLength > MAX_WAITING_BYTES) socket.destroy();
  };
  return await order(given, { tell, gone });
};

/** @throws SocketError where the socket cannot be made, or another process has it */
export const startControl = async ({ file, orders, log }: ControlOptions): Promise<ControlServer> => {
  const open = new Set<Socket>();
  const serve = async (socket: Socket): Promise<void> => {
    const left = new AbortController();
    open.add(socket);
    socket.on('error', () => undefined);
    watchHalfOpen(socket);
    socket.once('close', () => {
      open.delete(socket);
      left.abort();
    });
    if (open.size > MAX_CONNECTIONS) {
      bid(socket, { refused: 'too many ask at once' });
      return;
    }
    try {
      bid(socket, { answer: (await carriedOut(socket, orders, left.signal)) ?? null });
    } catch (error) {
      if (!(error instanceof OrderRefused))
        log.error({ event: 'control_error', err: error }, `an order failed: ${errorText(error)}`);
      bid(socket, { refused: errorText(error) });
    }
  };
  // Who sends an order may have nothing more to say, and still wait for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket));
  const place = await listenPrivately(server, file);
  server.on('error', (error) =>
    log.error({ event: 'control_error', err: error }, 'the control socket failed'),
  );
  log.info({ event: 'control', file }, `orders can be given at ${file}`);
  return {
    file,
    isThere: () => place.isThere(),
    retire: () => {
      place.remove();
      server.close();
    },
    close: async () => {
      place.remove();
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) bid(socket, { refused: 'the bridge has ended' });
      await closed;
    },
  };
};
