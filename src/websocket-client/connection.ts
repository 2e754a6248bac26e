import { ConnectionLost, RequestRefused } from './errors.ts';
import type { WebSocketLike, WebSocketMaker } from './types.ts';

const SUBPROTOCOL = 'mcbridge.v1.json';
const BEARER_PREFIX = 'base64url.bearer.authorization.mcbridge.';
/** With which a bridge says that to come again is of no use. */
const FINAL_CODES: ReadonlySet<number> = new Set([4400, 4401, 4403, 4406]);

export interface ConnectionOptions {
  /** `wss://mcbridge.example.net:8443` */
  readonly url: string;
  /** The bearer token, asked for at each connection; without it a certificate says who it is. */
  readonly token?: () => string | Promise<string>;
  /** Where there is no global one, as in Node.js 20: that of the package `ws`. */
  readonly webSocket?: WebSocketMaker;
  /** Ms before it connects anew: the first time up to `initial`, then up to twice as long each time; by chance. */
  readonly backoff?: { readonly initial: number; readonly max: number };
  /** Ms that a request waits for a connection, 30,000 unless told; then it fails with why there was none. */
  readonly connectTimeout?: number;
  /** From 0 up to 1; `Math.random` unless given. */
  readonly random?: () => number;
}

export type Params = Readonly<Record<string, unknown>>;

interface Waiter {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 30_000;
/** Of the codes that are for private use: browsers let a page close with no other. (RFC 6455, 7.4.2) */
const NO_MESSAGE = 4002;

const isObject = (value: unknown): value is Params => typeof value === 'object' && value !== null;
const field = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

/** Undefined where it is none: it came from something else than a bridge. */
const messageIn = (data: unknown): Params | undefined => {
  try {
    const message: unknown = JSON.parse(String(data));
    return isObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
};

const base64url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const makerOf = ({ webSocket }: ConnectionOptions): WebSocketMaker => {
  const maker: unknown = webSocket ?? Reflect.get(globalThis, 'WebSocket');
  if (typeof maker !== 'function')
    throw new Error('there is no global WebSocket here: give webSocket, such as that of the package ws');
  return maker as WebSocketMaker;
};

/** One WebSocket at a time; where it is lost, the next one after a random while. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #maker: WebSocketMaker;
  readonly #onNotice: (method: string, params: Params) => void;
  readonly #onLost: (error: ConnectionLost) => void;
  readonly #waiters = new Map<number, Waiter>();
  #ids = 0;
  #failures = 0;
  #socket: Promise<WebSocketLike> | undefined;
  #end: ConnectionLost | undefined;
  /** Why there was no connection the last time. */
  #failure: ConnectionLost | undefined;
  #current: WebSocketLike | undefined;
  /** Ends the pause between two attempts. */
  #wake: () => void = () => undefined;

  constructor(
    options: ConnectionOptions,
    onNotice: (method: string, params: Params) => void,
    onLost: (error: ConnectionLost) => void,
  ) {
    this.#options = options;
    this.#maker = makerOf(options);
    this.#onNotice = onNotice;
    this.#onLost = onLost;
  }

  /** @throws RequestRefused, ConnectionLost */
  async request(method: string, params: object): Promise<unknown> {
    const socket = await this.#soon(this.#connected());
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  close(): void {
    this.#lost(new ConnectionLost(undefined, 'the client is closed'), true);
    this.#current?.close(1000);
    this.#wake();
  }

  async #connected(): Promise<WebSocketLike> {
    if (this.#end !== undefined) throw this.#end;
    this.#socket ??= this.#connect();
    return this.#socket;
  }

  /** A bridge that refuses an upgrade says so by a status of HTTP, which no browser shows: to come again may be of no use. */
  async #soon<T>(connected: Promise<T>): Promise<T> {
    const { connectTimeout = CONNECT_TIMEOUT_MS } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(this.#failure ?? new ConnectionLost(undefined, `no connection within ${connectTimeout} ms`)),
        connectTimeout,
      );
    });
    try {
      return await Promise.race([connected, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Until one is there, or the bridge says that there will be none. */
  async #connect(): Promise<WebSocketLike> {
    for (;;) {
      try {
        const socket = await this.#open();
        this.#failures = 0;
        return socket;
      } catch (error) {
        if (this.#end !== undefined) throw this.#end;
        if (!(error instanceof ConnectionLost)) throw error;
        this.#failure = error;
        await this.#pause();
      }
    }
  }

  async #pause(): Promise<void> {
    const { backoff = { initial: 500, max: 30_000 }, random = Math.random } = this.#options;
    const most = Math.min(backoff.max, backoff.initial * 2 ** Math.min(this.#failures++, 20));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, random() * most);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (this.#end !== undefined) throw this.#end;
  }

  async #open(): Promise<WebSocketLike> {
    const { url, token } = this.#options;
    const bearer = token === undefined ? [] : [BEARER_PREFIX + base64url(await token())];
    if (this.#end !== undefined) throw this.#end;
    const socket = new this.#maker(url, [...bearer, SUBPROTOCOL]);
    this.#current = socket;
    return new Promise((resolve, reject) => {
      let isOpen = false;
      // An attempt that failed is its caller's, who goes on.
      const ended = (error: ConnectionLost): void => {
        const isFinal = error.code !== undefined && FINAL_CODES.has(error.code);
        if (this.#current === socket && (isOpen || isFinal)) this.#lost(error, isFinal);
        reject(error);
      };
      socket.addEventListener('open', () => {
        isOpen = true;
        resolve(socket);
      });
      socket.addEventListener('message', (event) => {
        const message = messageIn(field(event, 'data'));
        if (message === undefined) socket.close(NO_MESSAGE, 'what came is no message of JSON-RPC');
        else this.#onMessage(message);
      });
      // What it is, the close says that follows; but no close follows an attempt that failed in Node.js 20 with
      // --experimental-websocket, and of an upgrade that was refused only this says what it was.
      let trouble = '';
      socket.addEventListener('error', (event) => {
        trouble = String(field(event, 'message') ?? '');
        if (!isOpen) ended(new ConnectionLost(undefined, trouble || `no connection to ${url}`));
      });
      socket.addEventListener('close', (event) => {
        const code = Number(field(event, 'code'));
        const reason = String(field(event, 'reason') ?? '');
        ended(new ConnectionLost(code, reason || trouble || `the connection was closed (${code})`));
      });
    });
  }

  #lost(error: ConnectionLost, isFinal: boolean): void {
    if (isFinal) this.#end ??= error;
    this.#socket = undefined;
    for (const { reject } of this.#waiters.values()) reject(error);
    this.#waiters.clear();
    this.#onLost(error);
  }

  #onMessage(message: Params): void {
    const method = field(message, 'method');
    const params = field(message, 'params');
    if (typeof method === 'string') {
      if (isObject(params)) this.#onNotice(method, params);
      return;
    }
    const id = Number(field(message, 'id'));
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    const error = field(message, 'error');
    if (error === undefined) waiter?.resolve(field(message, 'result'));
    else
      waiter?.reject(
        new RequestRefused(
          Number(field(error, 'code')),
          String(field(field(error, 'data'), 'code')),
          String(field(error, 'message')),
        ),
      );
  }
}
