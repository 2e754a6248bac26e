import { DebugEvents, Events, headers, type Msg, type NatsConnection, NatsError } from 'nats';
import { type IncomingMessage, LinkError, type OutgoingMessage, type Subscription } from '../link.ts';
import { toLinkError } from './errors.ts';
import type { NatsServerAddress } from './server.ts';

/** Bytes after which the server is asked (PING, PONG) how far it has come. */
const MARK_BYTES = 256 * 1024;
/** Bytes that may be under way without such an answer. More would pile up in this process' memory. */
const WINDOW_BYTES = 8 * 1024 * 1024;

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
/** The server's own notice that nobody listens where a message with a reply subject went (NATS ADR-4). */
const NO_RESPONDERS = 503;

export interface SessionHooks {
  readonly onError: (error: Error) => void;
  /** There is room in the window again. */
  readonly onDrain: () => void;
}

export interface SessionSubscription {
  /** Resolves once the server has it, rejects when it refuses it. Stays open when the session ends before that. */
  readonly confirmed: Promise<void>;
  unsubscribe(): Promise<void>;
}

const incoming = (message: Msg): IncomingMessage => {
  const { data, reply } = message;
  const given = message.headers;
  return {
    destination: message.subject,
    ...(reply === undefined || reply === '' ? {} : { replyTo: reply }),
    headers:
      given === undefined ? NO_HEADERS : Object.fromEntries(given.keys().map((key) => [key, given.get(key)])),
    body: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  };
};

/** One connection, from its first PONG to its end. It never comes back; the link makes another. */
export class NatsSession {
  readonly server: NatsServerAddress;
  /** Resolves with the reason, as soon as nats.js knows that the connection is gone. */
  readonly closed: Promise<LinkError>;
  readonly #connection: NatsConnection;
  readonly #hooks: SessionHooks;
  #underWay = 0;
  #unmarked = 0;
  #reason: LinkError | undefined;

  constructor(connection: NatsConnection, server: NatsServerAddress, hooks: SessionHooks) {
    this.#connection = connection;
    this.server = server;
    this.#hooks = hooks;
    this.closed = connection.closed().then((error) => {
      if (this.#reason !== undefined) return this.#reason;
      return toLinkError(error instanceof Error ? error : new Error('the connection was closed'), server.url);
    });
    void this.#watch();
  }

  get open(): boolean {
    return !this.#connection.isClosed();
  }

  /** Whether a message can be given to it now. */
  get writable(): boolean {
    return this.#underWay < WINDOW_BYTES && this.open;
  }

  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  /** @throws LinkError `protocol` for a message that the server would end the connection for */
  send(message: OutgoingMessage): void {
    try {
      this.#connection.publish(message.destination, message.body, {
        ...(message.replyTo === undefined ? {} : { reply: message.replyTo }),
        ...(message.headers === undefined ? {} : { headers: natsHeaders(message.headers) }),
      });
    } catch (error) {
      throw new LinkError(
        'protocol',
        `NATS cannot carry a message to ${message.destination}: ${String(error)}`,
        {
          cause: error,
        },
      );
    }
    const size = message.destination.length + message.body.byteLength;
    this.#underWay += size;
    this.#unmarked += size;
    if (this.#unmarked >= MARK_BYTES) this.#mark();
  }

  subscribe(subscription: Subscription): SessionSubscription {
    const { destination, group, onMessage, onUnheard } = subscription;
    let refused: LinkError | undefined;
    const held = this.#connection.subscribe(destination, {
      ...(group === undefined ? {} : { queue: group }),
      callback: (error, message) => {
        if (error !== null) {
          const as = group === undefined ? '' : ` in queue group "${group}"`;
          refused = new LinkError(
            'refused',
            `NATS server ${this.server.url}: no permission to subscribe to "${destination}"${as}`,
            { cause: error },
          );
          this.#hooks.onError(refused);
          return;
        }
        const isUnheard = message.headers?.code === NO_RESPONDERS && message.data.length === 0;
        try {
          if (isUnheard) onUnheard?.();
          else onMessage(incoming(message));
        } catch (thrown) {
          this.#hooks.onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      },
    });
    return {
      // The server handles a connection's commands in order: its PONG comes after what it says to this SUB.
      confirmed: this.flush().then(() => {
        if (refused !== undefined) throw refused;
      }),
      unsubscribe: async () => {
        if (!held.isClosed() && !this.#connection.isClosed()) await Promise.race([held.drain(), this.closed]);
      },
    };
  }

  /** Resolves when the server has taken all that was sent; never, when the session ends before that. */
  flush(): Promise<void> {
    return this.#connection.flush();
  }

  /** Ends it at once, without waiting for the socket to take what is left. */
  close(reason?: LinkError): Promise<void> {
    this.#reason ??= reason;
    return this.#connection.close();
  }

  #mark(): void {
    const marked = this.#unmarked;
    this.#unmarked = 0;
    this.#connection.flush().then(
      () => {
        this.#underWay -= marked;
        this.#hooks.onDrain();
      },
      () => undefined,
    );
  }

  async #watch(): Promise<void> {
    const { url } = this.server;
    let last: LinkError | undefined;
    for await (const status of this.#connection.status()) {
      if (status.type === Events.Error) {
        if (status.permissionContext?.operation === 'publish')
          this.#hooks.onError(
            new LinkError(
              'refused',
              `NATS server ${url}: no permission to publish to "${status.permissionContext.subject}"`,
            ),
          );
        else if (status.permissionContext === undefined)
          last = toLinkError(new NatsError(String(status.data), String(status.data)), url);
      }
      // Said when pings go unanswered. nats.js then waits for the socket to take its last bytes, which a stalled
      // one never does (2.29.3, `NodeTransport._closed`); so the socket is destroyed from here.
      if (status.type === DebugEvents.StaleConnection)
        await this.close(
          last ?? new LinkError('unreachable', `NATS server ${url}: it does not answer pings any more`),
        );
    }
  }
}

const natsHeaders = (given: Readonly<Record<string, string>>) => {
  const made = headers();
  for (const [key, value] of Object.entries(given)) made.set(key, value);
  return made;
};
