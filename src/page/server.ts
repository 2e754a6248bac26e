import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Console } from '../setup/consoles.ts';
import { json, type Page, send, text } from '../telemetry/http.ts';
import { type HttpServer, type ListenerOptions, pathOf, startListener } from '../telemetry/listener.ts';
import type { Proven } from '../transport/proof/proof.ts';
import { Door, type DoorOptions, DoorRefusal, type PageLogin } from './door.ts';
import type { Feed } from './feed.ts';
import { type PageFile, readPageFiles } from './files.ts';
import { isForeign, isOwnHost, safeHeaders } from './guard.ts';
import { Viewers } from './viewers.ts';

export interface PageOptions extends Omit<ListenerOptions, 'onRequest' | 'tls'>, Partial<DoorOptions> {
  readonly feed: Feed;
  /** Whose page it is. */
  readonly who: { readonly cluster: string; readonly instance: string };
  /** Ingresses by which it can ask now. */
  readonly consoles: () => readonly Console[];
  /** Undefined where everybody sees it who reaches it; then it is for loopback addresses. */
  readonly login?: PageLogin | undefined;
  /** Told of each stream that somebody has opened who has proven who he is. */
  readonly onViewer?: (viewer: Viewer) => void;
  /** Where the front end's files are; the package's own unless given. */
  readonly folder?: string;
}

export interface Viewer {
  readonly caller: string;
  /** His address. */
  readonly from: string;
}

export interface PageServer extends HttpServer {
  /** Another login is in force; who is in stays where that lets him. */
  follow(login: PageLogin | undefined): void;
}

/** The server-sent events. */
const EVENTS = '/events';
const REQUEST = '/request';
const LOCAL_ONLY = 'The page is asked for by 127.0.0.1, [::1] or localhost, and by no other name.';
const OTHER_HOST = 'The header Host names none of the hosts that are served here.';

interface Shown extends Pick<PageOptions, 'feed' | 'who' | 'consoles' | 'onViewer'> {
  readonly viewers: Viewers;
}
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

const eventsAnswer = ({ feed, viewers, onViewer }: Shown, viewer: Proven | undefined): Answer => {
  if (feed.isFull) return refusal(503, 'As many pages are open as there may be; close one.');
  return (request, response) => {
    const last = request.headers['last-event-id'];
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    feed.attach(response, typeof last === 'string' ? last : undefined);
    if (viewer === undefined) return;
    viewers.add(response, viewer);
    onViewer?.({ caller: viewer.caller, from: request.socket.remoteAddress ?? '' });
  };
};

/** What is for the page itself, beside its files: only for those who may see it. */
type Own = (request: IncomingMessage, shown: Shown, viewer: Proven | undefined) => Answer;

const OWN: ReadonlyMap<string, Own> = new Map<string, Own>([
  // Whose page it is, for `mcbridge check`.
  ['/who', (_, { who: { cluster, instance } }) => page(json(200, { cluster, instance }))],
  // By which ingresses the page can ask.
  ['/consoles', (_, { consoles }) => page(json(200, consoles()))],
  // One request, opened: `/request?id=<its flow>`.
  [REQUEST, detailAnswer],
  [EVENTS, (_, shown, viewer) => eventsAnswer(shown, viewer)],
]);

const answerTo = async (
  request: IncomingMessage,
  files: ReadonlyMap<string, PageFile>,
  shown: Shown,
  door: Door,
): Promise<Answer> => {
  if (!isOwnHost(request, door.hosts))
    return refusal(421, door.hosts === undefined ? LOCAL_ONLY : OTHER_HOST);
  const path = pathOf(request);
  const asked = files.get(path) ?? OWN.get(path);
  if (asked === undefined) return refusal(404, 'There is no such page.');
  // A token there would be in the logs of whatever is between, and in the browser's history.
  if (path !== REQUEST && request.url?.includes('?') === true)
    return refusal(404, 'There is no such page with a query.');
  if (request.method !== 'GET' && (request.method !== 'HEAD' || path === EVENTS))
    return refusal(405, 'Only GET.', { allow: path === EVENTS ? 'GET' : 'GET, HEAD' });
  // They say nothing about the bridge, and who has to paste a token needs a place for it.
  if (typeof asked !== 'function') return fileAnswer(asked);
  if (isForeign(request)) return refusal(403, 'This is for the page itself, and not for pages of others.');
  return asked(request, shown, await door.admit(request));
};

/**
 * Serves the live page. Without a login it is for loopback addresses; it tells nothing to pages of others.
 * @throws Error of the socket, e.g. with code `EADDRINUSE`, or of a file of the front end that cannot be read
 */
export const startPage = async (options: PageOptions): Promise<PageServer> => {
  const { folder, onError, login, feed, clock = Date.now } = options;
  const { onRefused = () => undefined, onFailure = onError } = options;
  const files = readPageFiles(folder);
  const door = new Door(login, { clock, onRefused, onFailure });
  const viewers = new Viewers({ clock, end: (stream) => feed.detach(stream) });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const found = await answerTo(request, files, { ...options, viewers }, door).catch((error: unknown) => {
      if (error instanceof DoorRefusal) return refusal(error.status, error.message, error.headers);
      throw error;
    });
    // He may have gone away while he was looked at.
    if (!response.destroyed) found(request, response);
  };
  const listener = await startListener({
    ...options,
    tls: login?.proof.tls,
    onRequest: (request, response) => {
      response.setHeaders(new Map(Object.entries(safeHeaders(options.consoles().map(({ url }) => url)))));
      answer(request, response).catch((error: unknown) => {
        onError(error);
        response.destroy();
      });
    },
  });
  return {
    url: listener.url,
    follow: (next) => {
      if (next?.proof.tls !== undefined) listener.renew(next.proof.tls);
      if (door.follow(next)) viewers.keep((who) => door.allows(who));
      else listener.drop();
    },
    close: async () => {
      viewers.stop();
      await listener.close();
    },
  };
};
