import { once } from 'node:events';
import {
  createServer as createPlain,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';

/** One request that was posted. */
export interface Posted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

export interface HttpServerOptions {
  readonly port?: number;
  /** PEM text; with `ca` clients must show a certificate of it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** What it wants as `Bearer`. */
  readonly token?: string;
  /** The status of its answer to OPTIONS; 204 unless given. */
  readonly options?: number;
  readonly onPost: (posted: Posted) => void;
}

/** An HTTP server of this process, on the loopback interface. */
export interface HttpServer {
  readonly port: number;
  readonly url: string;
  readonly posted: readonly Posted[];
  /** How often OPTIONS was asked. */
  asked(): number;
  /** Ends it and all connections. */
  close(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
};

export const startHttpServer = async (options: HttpServerOptions): Promise<HttpServer> => {
  const { tls, token, onPost } = options;
  const posted: Posted[] = [];
  let asked = 0;
  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on('error', () => undefined);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end();
      return;
    }
    if (request.method === 'OPTIONS') {
      asked++;
      response.writeHead(options.options ?? 204).end();
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const one = { path: request.url ?? '', headers, body: await bodyOf(request), response };
    posted.push(one);
    onPost(one);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    // A client that goes away in the middle of its request.
    void onRequest(request, response).catch(() => response.destroy());
  const server: Server = tls
    ? createServer({ ...tls, ...(tls.ca !== undefined && { requestCert: true }) }, listener)
    : createPlain(listener);
  server.on('tlsClientError', () => undefined);
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  const { port } = address;
  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
    posted,
    asked: () => asked,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

/** Begins an answer of lines. */
export const beginLines = ({ response }: Posted): ServerResponse =>
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });

/** The request as JSON. */
export const requestIn = ({ body }: Pick<Posted, 'body'>): Readonly<Record<string, unknown>> =>
  JSON.parse(body.toString());

/** A node's reply to a request, as a line. */
export const lineOf = (
  request: Pick<Posted, 'body'>,
  node: string,
  more: Readonly<Record<string, unknown>> = { statuscode: 0, statusmsg: 'OK', data: { pong: 1 } },
): string =>
  `${JSON.stringify({
    protocol: 'mcbridge-http:reply:1',
    requestid: requestIn(request)['requestid'],
    senderid: node,
    ...(requestIn(request)['agent'] === 'discovery' ? {} : more),
  })}\n`;

const isText = (value: unknown): value is string => typeof value === 'string';

/** Answers for those of some nodes that are asked. */
export const answerFor =
  (nodes: readonly string[]) =>
  (posted: Posted): void => {
    const { nodes: named } = requestIn(posted);
    const wanted = Array.isArray(named) ? new Set(named.filter(isText)) : undefined;
    const answer = beginLines(posted);
    for (const node of nodes) if (wanted?.has(node) !== false) answer.write(lineOf(posted, node));
    answer.end();
  };
