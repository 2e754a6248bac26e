import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { keepRoom } from './connections.ts';

/** What a page answers with. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

/** One that is text. */
export interface TextPage extends Page {
  readonly body: string;
}

export interface HttpOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** By path. */
  readonly pages: ReadonlyMap<string, () => Page | Promise<Page>>;
  /** Told of what goes wrong inside a page. */
  readonly onError: (error: unknown) => void;
}

export interface HttpServer {
  /** Where it listens, `http://127.0.0.1:8222`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Ms for a client to send its request, and between two of them. Nobody has more to say than one line and headers. */
const PATIENCE = 5_000;
/** Ms that a connection may be idle, also while it does not take its answer. */
const IDLE = 15_000;
const MAX_CONNECTIONS = 64;

export const json = (status: number, value: unknown): TextPage => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value, null, 2)}\n`,
});

export const text = (status: number, body: string): TextPage => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/** RFC 9110, 7.2: a name or an address, and a port. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;

/** Of HTTP/1.1 Node refuses none at all. RFC 9112, 3.2 has each other that is not valid refused, and more than one. */
const hasBadHost = ({ headersDistinct: { host = [] } }: IncomingMessage): boolean =>
  host.length > 1 || host.some((one) => !HOST.test(one));

const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

const answer = (request: IncomingMessage, response: ServerResponse, page: Page): void => {
  const body = typeof page.body === 'string' ? Buffer.from(page.body) : page.body;
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': body.length,
    // A proxy's old word on whether the bridge is ready helps nobody.
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {}),
    // What a client sends along with what is not served is not waited for.
    ...(page.status === 405 || page.status === 400 ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};

const pageFor = async (request: IncomingMessage, { pages }: HttpOptions): Promise<Page> => {
  if (hasBadHost(request)) return text(400, 'The header Host is not valid.');
  const page = pages.get(pathOf(request));
  if (page === undefined) return text(404, `There are ${[...pages.keys()].join(', ')}.`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Only GET and HEAD.');
  return page();
};

const limit = (server: Server): void => {
  server.headersTimeout = PATIENCE;
  server.requestTimeout = PATIENCE;
  server.keepAliveTimeout = PATIENCE;
  keepRoom(server, MAX_CONNECTIONS);
  // Without a listener Node destroys the connection, which is what is wanted.
  server.timeout = IDLE;
};

/**
 * A small HTTP server for monitoring: a few pages, nothing that changes anything.
 * @throws Error of the socket, e.g. with code `EADDRINUSE`
 */
export const startHttp = async (options: HttpOptions): Promise<HttpServer> => {
  const server = createServer({ connectionsCheckingInterval: 1_000, maxHeaderSize: 16 * 1024 });
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
    // A client that has gone away is no news.
    response.on('error', () => undefined);
    pageFor(request, options)
      .catch((error: unknown) => {
        options.onError(error);
        return text(500, 'This is a bug; the log says more.');
      })
      .then((page) => answer(request, response, page))
      .catch(options.onError);
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
    url: urlOf(server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const urlOf = (address: AddressInfo | string | null): string => {
  if (address === null || typeof address === 'string') return `http://${address ?? ''}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
};
