import {
  type IncomingMessage,
  type Link,
  LinkError,
  type LinkEvent,
  type OutgoingMessage,
} from 'mcbridge/adapter';
import { HttpLink } from '../../../examples/http-egress/link.js';
import type { HttpLinkSettings } from '../../../examples/http-egress/settings.js';
import { beginLines, type Posted, startHttpServer } from './server.ts';

/** What a message was, as a line; HTTP carries the headers beside its body. */
interface Echoed {
  readonly destination: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PREFIX = 'mcbridge-';
const BACK = 'back';

const echoed = ({ headers, body }: Posted): Echoed => {
  const own = Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value]) => [name.slice(PREFIX.length), decodeURIComponent(value)]),
  );
  const { 'reply-to': destination = '', ...rest } = own;
  return { destination, headers: rest, body: body.toString('base64') };
};

/** As it was sent. */
export const unwrapped = ({ destination, headers, body }: Echoed): IncomingMessage => {
  const { [BACK]: replyTo, ...rest } = headers;
  return {
    destination,
    headers: rest,
    body: Buffer.from(body, 'base64'),
    ...(replyTo !== undefined && { replyTo }),
  };
};

export interface EchoOptions {
  readonly onMessage?: (message: IncomingMessage) => void;
  /** Lets a POST be taken now or later. */
  readonly hold?: (go: () => void) => void;
}

/** A server that answers each POST with what was posted. */
export const startEcho = (port?: number, { onMessage, hold = (go) => go() }: EchoOptions = {}) =>
  startHttpServer({
    ...(port !== undefined && { port }),
    onPost: (posted) =>
      hold(() => {
        const echo = echoed(posted);
        onMessage?.(unwrapped(echo));
        beginLines(posted).end(`${JSON.stringify(echo)}\n`);
      }),
  });

/** With the server as a broker that hands each message back to where it was sent. */
const asBroker = (link: HttpLink): Link => {
  const there = ({ destination, replyTo, headers, ...message }: OutgoingMessage): OutgoingMessage => ({
    ...message,
    destination: replyTo ?? destination,
    replyTo: destination,
    headers: { ...headers, ...(replyTo !== undefined && { [BACK]: replyTo }) },
  });
  return {
    open: () => link.open(),
    subscribe: (subscription) =>
      link.subscribe({
        ...subscription,
        onMessage: ({ headers, body }) => {
          if (headers['failed'] !== undefined) throw new LinkError('protocol', body.toString());
          subscription.onMessage(unwrapped(JSON.parse(body.toString())));
        },
      }),
    send: (message, unsent) => link.send(there(message), unsent),
    sendAll: (messages, unsent) => link.sendAll(messages.map(there), unsent),
    close: () => link.close(),
    state: () => link.state(),
  };
};

export const SETTINGS: Omit<HttpLinkSettings, 'servers'> = {
  tls: undefined,
  token: undefined,
  timeout: 10_000,
  checkEvery: 50,
  connections: 1,
  answer: { lines: 10_000, lineBytes: 4_000_000, bytes: 64_000_000 },
  buffer: { maxMessages: 10_000, maxBytes: 64_000_000 },
  backoff: { initial: 50, max: 200 },
};

/** A link to servers of this machine that echo. */
export const echoLink = (
  ports: readonly number[],
  options: { readonly failFast?: boolean; readonly onEvent: (event: LinkEvent) => void },
  settings: Partial<HttpLinkSettings> = {},
): Link =>
  asBroker(
    new HttpLink(
      { ...SETTINGS, ...settings, servers: ports.map((port) => `http://127.0.0.1:${port}/`) },
      options,
    ),
  );
