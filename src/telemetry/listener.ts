import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { addressText } from '../transport/address.ts';
import { serverContext, serverTls } from '../transport/proof/server-tls.ts';
import type { ServerTls } from '../transport/proof/settings.ts';
import { keepRoom } from './connections.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: plain. */
  readonly tls?: ServerTls | undefined;
  /** Answers a request; it must not throw. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Told of what goes wrong with the socket. */
  readonly onError: (error: unknown) => void;
}

export interface HttpServer {
  /** Where it listens, `http://127.0.0.1:8222`. */
  readonly url: string;
  close(): Promise<void>;
}

/** One whose certificate can be renewed while it listens. */
export interface HttpListener extends HttpServer {
  /** New connections get this. @param tls where it speaks TLS at all */
  renew(tls: ServerTls): void;
  /** Ends all connections that there are. */
  drop(): void;
}

/** Ms for a client to send its request, and between two of them. One line and headers are all that a client sends. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Ms that a connection may be idle, also while it does not take its answer. */
const IDLE_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 64;

/** RFC 9110, 7.2: a name or an address, and a port. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;

/** Of HTTP/1.1 Node refuses none at all. RFC 9112, 3.2 has each other that is not valid refused, and more than one. */
export const hasBadHost = ({ headersDistinct: { host = [] } }: IncomingMessage): boolean =>
  host.length > 1 || host.some((one) => !HOST.test(one));

export const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

const limit = (server: Server): void => {
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = REQUEST_TIMEOUT_MS;
  keepRoom(server, MAX_CONNECTIONS);
  // Without a listener Node destroys the connection, which is what is wanted.
  server.timeout = IDLE_TIMEOUT_MS;
};

const serverOf = (tls: ServerTls | undefined): Server => {
  const options = { connectionsCheckingInterval: 1_000, maxHeaderSize: 16 * 1024 };
  if (tls === undefined) return createServer(options);
  return createSecureServer({ ...options, ...serverTls(tls), handshakeTimeout: REQUEST_TIMEOUT_MS });
};

/**
 * Takes HTTP requests, within limits: few connections, short requests, one at a time on each connection.
 * @throws Error of the socket, e.g. with code `EADDRINUSE`, or of a certificate or key that cannot be used
 */
export const startListener = async (options: ListenerOptions): Promise<HttpListener> => {
  const server = serverOf(options.tls);
  limit(server);
  const busy = new WeakSet<Socket>();
  server.on('request', (request, response) => {
    const { socket } = request;
    // Who does not wait for an answer would have thousands of pages made for one packet; no monitor asks so.
    if (busy.has(socket)) {
      socket.destroy();
      return;
    }
    busy.add(socket);
    response.once('close', () => busy.delete(socket));
    // A client that has gone away is not news.
    response.on('error', () => undefined);
    options.onRequest(request, response);
  });
  server.on('clientError', (_, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', options.onError);
      resolve();
    });
  });
  return {
    url: urlOf(server.address(), options.tls === undefined ? 'http' : 'https'),
    renew: (tls) => {
      if (server instanceof SecureServer) server.setSecureContext(serverContext(tls));
    },
    drop: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const urlOf = (address: AddressInfo | string | null, scheme: string): string => {
  if (address === null || typeof address === 'string') return `${scheme}://${address ?? ''}`;
  return `${scheme}://${addressText({ host: address.address, port: address.port })}`;
};
