import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { serverTls } from '../proof/server-tls.ts';
import type { Refusal } from './refusal.ts';
import type { WebSocketSettings } from './settings.ts';

/** Ms for a client to be done with TLS, and with the head of its request. */
const HEAD_TIMEOUT_MS = 5_000;
const MAX_HEAD_BYTES = 16 * 1024;
/** Connections that have not come to a session yet; the oldest makes room. */
const MAX_STRANGERS = 64;

export type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const clientOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;

/** An answer in the place of an upgrade. */
const answerText = (status: number, sentence: string): string => {
  const body = `${sentence}\n`;
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
    '',
    body,
  ].join('\r\n');
};

export const refuse = (socket: Duplex, { status, message }: Refusal): void => {
  // Who has gone away is not news.
  socket.on('error', () => undefined);
  socket.end(answerText(status, message), () => socket.destroy());
};

const serverOf = ({ tls }: WebSocketSettings): Server => {
  const options = { connectionsCheckingInterval: 1_000, maxHeaderSize: MAX_HEAD_BYTES };
  if (tls === undefined) return createServer(options);
  return createSecureServer({ ...options, ...serverTls(tls), handshakeTimeout: HEAD_TIMEOUT_MS });
};

/** The socket at which clients knock: HTTP that does nothing but upgrade. */
export class Listener {
  readonly #settings: WebSocketSettings;
  readonly #server: Server;
  readonly #onError: (error: Error) => void;
  /** By address and port, in the order in which they came. */
  readonly #strangers = new Map<string, Socket>();

  /** @throws Error for a certificate or key that cannot be used */
  constructor(settings: WebSocketSettings, onUpgrade: OnUpgrade, onError: (error: Error) => void) {
    this.#settings = settings;
    const server = serverOf(settings);
    this.#server = server;
    server.headersTimeout = HEAD_TIMEOUT_MS;
    server.requestTimeout = HEAD_TIMEOUT_MS;
    server.keepAliveTimeout = HEAD_TIMEOUT_MS;
    server.timeout = 2 * HEAD_TIMEOUT_MS;
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('request', ({ socket }, response) => {
      response.writeHead(426, {
        'content-type': 'text/plain; charset=utf-8',
        upgrade: 'WebSocket',
        connection: 'close',
      });
      response.end('There is a WebSocket here, and nothing else.\n', () => socket.destroySoon());
    });
    server.on('clientError', (_, socket) => socket.destroy());
    server.on('upgrade', onUpgrade);
    this.#onError = onError;
  }

  /** @returns the port @throws Error of the socket, e.g. with code `EADDRINUSE` */
  async listen(): Promise<number> {
    const { host, port } = this.#settings;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', reject);
        server.on('error', this.#onError);
        resolve();
      });
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** The client of this connection has a session now. */
  admitted(socket: Socket): void {
    this.#strangers.delete(clientOf(socket));
  }

  /** Takes no more connections; those with sessions stay. */
  close(): void {
    this.#server.close();
    for (const socket of this.#strangers.values()) socket.destroy();
    this.#strangers.clear();
  }

  #onConnection(socket: Socket): void {
    const client = clientOf(socket);
    const [oldest] = this.#strangers;
    if (oldest !== undefined && this.#strangers.size >= MAX_STRANGERS) {
      this.#strangers.delete(oldest[0]);
      oldest[1].destroy();
    }
    this.#strangers.set(client, socket);
    socket.once('close', () => {
      if (this.#strangers.get(client) === socket) this.#strangers.delete(client);
    });
  }
}
