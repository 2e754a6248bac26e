import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import {
  type ConnectionOptions,
  connect,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { loginAt } from '../transport/nats/login.ts';
import type { Login, NatsLinkOptions } from '../transport/nats/options.ts';
import { parsePool } from '../transport/nats/server.ts';

/** Where the claims' NATS is, and how to log in there. */
export type ConnectionSettings = Pick<NatsLinkOptions, 'servers' | 'name' | 'tls' | keyof Login>;

/** Ms. A server that has gone is left after two unanswered pings. */
const PING_INTERVAL = 2_000;
const CONNECT_TIMEOUT = 5_000;
/** Ms between attempts: claims wait for the connection. */
const RETRY = { first: 250, longest: 5_000 } as const;

const tlsOf = ({ servers, tls }: ConnectionSettings): TlsOptions | null => {
  if (tls === undefined) return null;
  const { verify, ...options } = tls;
  const hosts = parsePool(servers).map(({ hostname }) => hostname);
  // The library gives Node no name to check where a server is given by its address (3.4.0).
  const identity = (_: string, certificate: PeerCertificate): Error | undefined => {
    const errors = hosts.map((host) => checkServerIdentity(host, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
  // It hands all of this to Node's tls.connect, also what its type does not name.
  const all = { ...options, checkServerIdentity: identity, rejectUnauthorized: verify };
  return all;
};

export const connectionOptions = (settings: ConnectionSettings): ConnectionOptions => ({
  servers: parsePool(settings.servers).map(({ listen }) => listen),
  name: settings.name,
  tls: tlsOf(settings),
  authenticator: (nonce) => loginAt({}, settings, nonce),
  // Certificates are checked for the servers that are configured.
  ignoreClusterUpdates: true,
  timeout: CONNECT_TIMEOUT,
  pingInterval: PING_INTERVAL,
  maxPingOut: 2,
  maxReconnectAttempts: -1,
  ignoreAuthErrorAbort: true,
  reconnectTimeWait: RETRY.first,
  reconnectJitter: 100,
  reconnectJitterTLS: 100,
  noAsyncTraces: true,
});

export interface ConnectionListener {
  /** Also after each reconnection. */
  up(connection: NatsConnection): void;
  /** @param reason in words */
  down(reason: string): void;
  /** The server has said something that an operator should know, such as that a right is missing. */
  told(text: string): void;
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A connection that is made anew for ever, until it is closed. */
export class LastingConnection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #ended = new AbortController();
  #connection: NatsConnection | undefined;
  #running: Promise<void> | undefined;

  constructor(settings: ConnectionSettings, listener: ConnectionListener) {
    this.#options = connectionOptions(settings);
    this.#listener = listener;
  }

  /** Begins; what comes of it is told to the listener. */
  open(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#connection?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    let pause: number = RETRY.first;
    while (!this.#ended.signal.aborted) {
      try {
        const connection = await connect(this.#options);
        pause = RETRY.first;
        await this.#live(connection);
      } catch (error) {
        this.#listener.down(reasonOf(error));
      }
      await sleep(pause, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
      pause = Math.min(pause * 2, RETRY.longest);
    }
  }

  /** The library reconnects by itself. @returns when it has given up, or this is closed */
  async #live(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    if (this.#ended.signal.aborted) await connection.close();
    else this.#listener.up(connection);
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#listener.down(`the connection to ${status.server} was lost`);
      else if (status.type === 'reconnect') this.#listener.up(connection);
      else if (status.type === 'error') this.#listener.told(status.error.message);
    }
    const error = await connection.closed();
    this.#connection = undefined;
    if (!this.#ended.signal.aborted)
      this.#listener.down(error === undefined ? 'the connection was closed' : reasonOf(error));
  }
}
