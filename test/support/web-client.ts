import { vi } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { SUBPROTOCOL } from '../../src/transport/websocket/places.ts';

/** How a session ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** What came in the place of a session. */
export interface Refused {
  readonly status: number;
  readonly sentence: string;
}

export interface Notice {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export type Answered =
  | { readonly result: Readonly<Record<string, unknown>> }
  | {
      readonly error: {
        readonly code: number;
        readonly message: string;
        readonly data: { readonly code: string };
      };
    };

/** A client of the WebSocket ingress that is no more than a socket. */
export interface WebClient {
  readonly socket: WebSocket;
  /** Undefined where the server has taken none. */
  readonly subprotocol: string;
  /** What the bridge has said by itself, in order. */
  readonly notices: readonly Notice[];
  readonly closed: Promise<Closed>;
  call(method: string, params?: object): Promise<Answered>;
  /** The first that fits, once it is there. */
  notice(method: string, fits?: (params: Notice['params']) => boolean): Promise<Notice['params']>;
  /** Answers that belong to no request. */
  readonly stray: readonly unknown[];
  close(): void;
}

export interface WebClientOptions extends ClientOptions {
  readonly token?: string;
  readonly protocols?: readonly string[];
}

const optionsOf = ({ token, protocols: _, ...options }: WebClientOptions): ClientOptions => ({
  ...options,
  headers: { ...options.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
});

/** @returns how the upgrade was refused; throws where it was not */
export const refusedUpgrade = (url: string, options: WebClientOptions = {}): Promise<Refused> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...(options.protocols ?? [SUBPROTOCOL])], optionsOf(options));
    socket.on('error', () => undefined);
    socket.on('open', () => {
      socket.terminate();
      reject(new Error('it was not refused'));
    });
    socket.on('unexpected-response', (_, response) => {
      let sentence = '';
      response.on('data', (chunk: Buffer) => {
        sentence += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, sentence: sentence.trim() }));
    });
  });

/** @throws where the upgrade is refused */
export const connectWebClient = async (url: string, options: WebClientOptions = {}): Promise<WebClient> => {
  const socket = new WebSocket(url, [...(options.protocols ?? [SUBPROTOCOL])], optionsOf(options));
  const notices: Notice[] = [];
  const stray: unknown[] = [];
  const waiting = new Map<number, (answer: Answered) => void>();
  let ids = 0;
  socket.on('message', (data) => {
    const message: { id?: number | null; method?: string; params?: Notice['params'] } & Answered = JSON.parse(
      String(data),
    );
    if (message.method !== undefined) notices.push({ method: message.method, params: message.params ?? {} });
    else if (typeof message.id === 'number' && waiting.has(message.id)) waiting.get(message.id)?.(message);
    else stray.push(message);
  });
  const closed = new Promise<Closed>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return {
    socket,
    get subprotocol() {
      return socket.protocol;
    },
    notices,
    stray,
    closed,
    call: (method, params) =>
      new Promise((resolve) => {
        const id = ++ids;
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) }));
      }),
    notice: (method, fits = () => true) =>
      vi.waitFor(() => {
        const found = notices.find((it) => it.method === method && fits(it.params));
        if (found === undefined) throw new Error(`no ${method} has come`);
        return found.params;
      }),
    close: () => socket.close(),
  };
};
