import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type HttpServer, hasBadHost, type ListenerOptions, pathOf, startListener } from './listener.ts';

export type { HttpServer } from './listener.ts';

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

export interface HttpOptions extends Pick<ListenerOptions, 'host' | 'port'> {
  /** By path. */
  readonly pages: ReadonlyMap<string, () => Page | Promise<Page>>;
  /** Told of what goes wrong with the socket, and inside a page. */
  readonly onError: (error: unknown) => void;
}

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

/** Sends a page, to HEAD without what is in it. */
export const send = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body: given }: Page,
  headers: OutgoingHttpHeaders,
): void => {
  const body = typeof given === 'string' ? Buffer.from(given) : given;
  response.writeHead(status, { 'content-type': type, 'content-length': body.length, ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
};

const answer = (request: IncomingMessage, response: ServerResponse, page: Page): void =>
  send(request, response, page, {
    // A proxy's cached answer on readiness would be useless.
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {}),
    // What a client sends along with what is not served is not waited for.
    ...(page.status === 405 || page.status === 400 ? { connection: 'close' } : {}),
  });

const pageFor = async (request: IncomingMessage, { pages }: HttpOptions): Promise<Page> => {
  if (hasBadHost(request)) return text(400, 'The header Host is not valid.');
  const page = pages.get(pathOf(request));
  if (page === undefined) return text(404, `There are ${[...pages.keys()].join(', ')}.`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Only GET and HEAD.');
  return page();
};

/**
 * A small HTTP server for monitoring: a few pages, nothing that changes anything.
 * @throws Error of the socket, e.g. with code `EADDRINUSE`
 */
export const startHttp = (options: HttpOptions): Promise<HttpServer> =>
  startListener({
    ...options,
    onRequest: (request, response) => {
      pageFor(request, options)
        .catch((error: unknown) => {
          options.onError(error);
          return text(500, 'This is a bug; the log says more.');
        })
        .then((page) => answer(request, response, page))
        .catch(options.onError);
    },
  });
