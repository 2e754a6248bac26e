import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Console } from '../setup/consoles.ts';
import { json, type Page, send, text } from '../telemetry/http.ts';
import { type HttpServer, type ListenerOptions, pathOf, startListener } from '../telemetry/listener.ts';
import type { Feed } from './feed.ts';
import { type PageFile, readPageFiles } from './files.ts';
import { isForeign, isOwnHost, safeHeaders } from './guard.ts';

export interface PageOptions extends Omit<ListenerOptions, 'onRequest'> {
  readonly feed: Feed;
  /** Whose page it is. */
  readonly who: { readonly cluster: string; readonly instance: string };
  /** Ingresses by which it can ask now. */
  readonly consoles: () => readonly Console[];
  /** Where the front end's files are; the package's own unless given. */
  readonly folder?: string;
}

/** The server-sent events. */
const EVENTS = '/events';

type Shown = Pick<PageOptions, 'feed' | 'who' | 'consoles'>;
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const page =
  (it: Page, more: OutgoingHttpHeaders = {}): Answer =>
  (request, response) =>
    send(request, response, it, more);

const refusal = (status: number, why: string, more?: OutgoingHttpHeaders): Answer =>
  page(text(status, why), { connection: 'close', ...more });

const fileAnswer =
  ({ type, body, zipped }: PageFile): Answer =>
  (request, response) => {
    const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding']));
    const headers = { vary: 'accept-encoding', ...(isZipped && { 'content-encoding': 'gzip' }) };
    send(request, response, { status: 200, type, body: isZipped ? zipped : body }, headers);
  };

const detailAnswer = ({ url = '' }: IncomingMessage, { feed }: Shown): Answer => {
  const id = new URLSearchParams(url.split('?')[1]).get('id') ?? '';
  const detail = feed.detail(id);
  return detail === undefined ? refusal(404, 'This request is not remembered.') : page(json(200, detail));
};

const eventsAnswer = (feed: Feed): Answer => {
  if (feed.isFull) return refusal(503, 'As many pages are open as there may be; close one.');
  return (request, response) => {
    const last = request.headers['last-event-id'];
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    feed.attach(response, typeof last === 'string' ? last : undefined);
  };
};

/** What is for the page itself, beside its files. */
const OWN: ReadonlyMap<string, (request: IncomingMessage, shown: Shown) => Answer> = new Map([
  // Whose page it is, for `mcbridge check`.
  ['/who', (_, { who: { cluster, instance } }) => page(json(200, { cluster, instance }))],
  // By which ingresses the page can ask.
  ['/consoles', (_, { consoles }) => page(json(200, consoles()))],
  // One request, opened: `/request?id=<its flow>`.
  ['/request', detailAnswer],
  [EVENTS, (_, { feed }) => eventsAnswer(feed)],
]);

const answerTo = (request: IncomingMessage, files: ReadonlyMap<string, PageFile>, shown: Shown): Answer => {
  if (!isOwnHost(request))
    return refusal(421, 'The page is asked for by 127.0.0.1, [::1] or localhost, and by no other name.');
  const path = pathOf(request);
  const file = files.get(path);
  const answer = file === undefined ? OWN.get(path) : () => fileAnswer(file);
  if (answer === undefined) return refusal(404, 'There is no such page.');
  if (request.method !== 'GET' && (request.method !== 'HEAD' || path === EVENTS))
    return refusal(405, 'Only GET.', { allow: path === EVENTS ? 'GET' : 'GET, HEAD' });
  if (file === undefined && isForeign(request))
    return refusal(403, 'This is for the page itself, and not for pages of others.');
  return answer(request, shown);
};

/**
 * Serves the live page. It has no login, so it is for loopback addresses, and tells nothing to pages of others.
 * @throws Error of the socket, e.g. with code `EADDRINUSE`, or of a file of the front end that cannot be read
 */
export const startPage = async (options: PageOptions): Promise<HttpServer> => {
  const { folder, onError } = options;
  const files = readPageFiles(folder);
  return startListener({
    ...options,
    onRequest: (request, response) => {
      try {
        response.setHeaders(new Map(Object.entries(safeHeaders(options.consoles().map(({ url }) => url)))));
        answerTo(request, files, options)(request, response);
      } catch (error) {
        onError(error);
        response.destroy();
      }
    },
  });
};
