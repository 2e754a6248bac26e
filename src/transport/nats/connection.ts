import type { Socket } from 'node:net';
import { parseInfo, type ServerInfo } from './info.ts';
import { Outbox } from './outbox.ts';
import { NatsParser, type ServerMessage } from './parser.ts';

export interface ConnectionHooks {
  readonly onMessage: (message: ServerMessage) => void;
  /** What the server says with `-ERR`; it often ends the connection after it. */
  readonly onError: (text: string) => void;
}

export interface Liveness {
  /** Milliseconds between pings. */
  readonly pingInterval: number;
  /** Pings without an answer after which the connection counts as dead. */
  readonly maxPingOut: number;
}

/**
 * The client's side of the NATS protocol on one socket. Written for this link, because nats.js spends more on a
 * message than the bridge does, and drops or buffers where a link has rules of its own; see docs/decisions.
 */
export class NatsConnection {
  /** Resolves with what ended it, once: an error, or undefined when the server or this side just closed it. */
  readonly closed: Promise<Error | undefined>;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  #hooks: ConnectionHooks;
  #info: ServerInfo;
  /** Who waits for a PONG, in the order of the PINGs. */
  #pongs: (() => void)[] = [];
  #unanswered = 0;
  #heart: NodeJS.Timeout | undefined;
  #reason: Error | undefined;
  #isClosed = false;

  constructor(socket: Socket, info: ServerInfo, hooks: ConnectionHooks) {
    this.#socket = socket;
    this.#info = info;
    this.#hooks = hooks;
    this.#outbox = new Outbox(socket);
    const parser = new NatsParser({
      message: (message) => this.#hooks.onMessage(message),
      info: (json) => {
        this.#info = parseInfo(json, this.#info);
      },
      ping: () => this.#outbox.push('PONG'),
      pong: () => this.#pongs.shift()?.(),
      error: (text) => this.#hooks.onError(text),
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        clearInterval(this.#heart);
        resolve(this.#reason);
      });
    });
    socket.on('error', (error) => {
      this.#reason ??= error;
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#isClosed) return;
      try {
        parser.push(chunk);
      } catch (error) {
        this.close(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get info(): ServerInfo {
    return this.#info;
  }

  /** Who hears from now on what the server says. */
  listen(hooks: ConnectionHooks): void {
    this.#hooks = hooks;
  }

  /** Pings from now on. @param onDead called instead of the next ping when too many went unanswered */
  watch({ pingInterval, maxPingOut }: Liveness, onDead: () => void): void {
    this.#heart = setInterval(() => {
      if (this.#unanswered >= maxPingOut) return onDead();
      this.#unanswered++;
      void this.flush().then(() => {
        this.#unanswered = 0;
      });
    }, pingInterval);
    this.#heart.unref();
  }

  /** A command line without content. */
  tell(line: string): void {
    if (!this.#isClosed) this.#outbox.push(line);
  }

  publish(
    subject: string,
    reply: string | undefined,
    headers: Uint8Array | undefined,
    body: Uint8Array,
  ): void {
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    if (headers === undefined) this.#outbox.push(`PUB ${to} ${body.byteLength}`, [body]);
    else {
      const total = headers.byteLength + body.byteLength;
      this.#outbox.push(`HPUB ${to} ${headers.byteLength} ${total}`, [headers, body]);
    }
  }

  /** Resolves when the server has taken all that was said until now; never, when the connection ends before that. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) return;
      this.#pongs.push(resolve);
      this.#outbox.push('PING');
      this.#outbox.flush();
    });
  }

  /** Ends it at once, without waiting for the socket to take what is left. */
  close(reason?: Error): void {
    this.#reason ??= reason;
    this.#isClosed = true;
    this.#socket.destroy();
  }
}
