import { once } from 'node:events';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as ask } from 'node:https';
import type { Duplex } from 'node:stream';

export interface LoginProxy {
  readonly port: number;
  close(): void;
}

export interface LoginProxyOptions {
  readonly port: number;
  /** PEM of the CA of those behind it. */
  readonly ca: string;
  /** Ports of the live page, and of the ingress, which is at `/ws`. */
  readonly page: number;
  readonly web: number;
  /** What it has found out about the browser's user: the token of his login. */
  readonly token: () => string;
}

/** A reverse proxy that has logged its users in, and says who they are by the header `Authorization`, upgrades among them. */
export const startLoginProxy = async ({
  port,
  ca,
  page,
  web,
  token,
}: LoginProxyOptions): Promise<LoginProxy> => {
  const headersOf = ({ headers }: IncomingMessage): OutgoingHttpHeaders => ({
    ...headers,
    authorization: `Bearer ${token()}`,
  });
  const behind = (request: IncomingMessage, at: number, path: string | undefined) =>
    ask({ host: '127.0.0.1', port: at, path, ca, method: request.method, headers: headersOf(request) });
  const server = createServer((request, response) => {
    const further = behind(request, page, request.url);
    further.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    further.once('error', () => response.destroy());
    response.once('close', () => further.destroy());
    request.pipe(further);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    if (request.url !== '/ws') return void socket.destroy();
    const further = behind(request, web, '/');
    further.once('upgrade', (answer, other: Duplex) => {
      const lines = answer.rawHeaders.flatMap((name, at, all) =>
        at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : [],
      );
      socket.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'));
      socket.pipe(other).pipe(socket);
      for (const [one, another] of [
        [socket, other],
        [other, socket],
      ] as const)
        one.on('error', () => another.destroy()).once('close', () => another.destroy());
    });
    further.once('response', () => socket.destroy());
    further.once('error', () => socket.destroy());
    further.end();
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
