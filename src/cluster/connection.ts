import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NatsConnection } from '@nats-io/transport-node';
import pTimeout from 'p-timeout';
import { errorText } from '../envelope/text.ts';
import { type Login, type NatsLinkOptions, withDefaults } from '../transport/nats/options.ts';
import { Rounds } from '../transport/nats/rounds.ts';
import { withoutSecrets } from '../transport/nats/secrets.ts';
import { parsePool } from '../transport/nats/server.ts';

/** Where the claims' NATS is, and how to log in there. */
export type ConnectionSettings = Pick<
  NatsLinkOptions,
  'servers' | 'name' | 'tls' | 'connectTimeout' | keyof Login
>;

/** Ms. A server that has gone is left after two unanswered pings; claims wait for the connection. */
const TIMES = {
  connectTimeout: 5_000,
  pingInterval: 2_000,
  maxPingOut: 2,
  backoff: { initial: 250, max: 5_000 },
} as const;

/** The settings as they are by now, with other certificates, keys and passwords; undefined where they cannot be used. */
export type Fresh = () => ConnectionSettings | undefined;

/** Where it leads, and not as whom. Its name is for the server's operator only. */
const placeOf = (settings: ConnectionSettings): object => ({ ...withoutSecrets(settings), name: '' });

export interface Attempts {
  /** Ends them, and does not end a connection that stands. */
  readonly signal: AbortSignal;
  /** Whether one round of them is all. */
  readonly failFast: boolean;
  /** A round of them has failed, or the connection is gone. */
  readonly onDown: (reason: string) => void;
  /** Asked before each attempt; what leads elsewhere does not count. */
  readonly fresh?: Fresh | undefined;
}

/** Connects as links do, so that a stranger in a server's place can do no more to this process than there. */
export const roundsTo = (
  settings: ConnectionSettings,
  { signal, failFast, onDown, fresh }: Attempts,
): Rounds => {
  const settingsNow = (): ConnectionSettings => {
    const now = fresh?.();
    return now !== undefined && isDeepStrictEqual(placeOf(now), placeOf(settings)) ? now : settings;
  };
  const options = withDefaults({
    ...TIMES,
    ...settings,
    failFast,
    fresh: settingsNow,
    onEvent: (event) => {
      // There is a pause after a round, and none within it.
      if (event.kind === 'retry' && event.delay > 0) onDown(event.reason);
    },
  });
  return new Rounds(parsePool(settings.servers), options, signal, {
    onEnd: ({ message }) => onDown(message),
  });
};

/** Ms that a goodbye may take. */
export const CLOSE_TIMEOUT_MS = 2_000;

export interface ConnectionListener {
  /** Also after each reconnection. */
  up(connection: NatsConnection): void;
  /** @param reason in words */
  down(reason: string): void;
  /** The server has said something that an operator should know, such as that a right is missing. */
  told(text: string): void;
}

/** A connection that is made anew for ever, until it is closed. */
export class LastingConnection {
  readonly #listener: ConnectionListener;
  readonly #rounds: Rounds;
  readonly #ended = new AbortController();
  #connection: NatsConnection | undefined;
  #isUp = false;
  #running: Promise<void> | undefined;

  constructor(settings: ConnectionSettings, listener: ConnectionListener, fresh?: Fresh) {
    this.#listener = listener;
    this.#rounds = roundsTo(settings, {
      signal: this.#ended.signal,
      failFast: false,
      onDown: (reason) => this.#down(reason),
      fresh,
    });
  }

  /** Begins; what comes of it is told to the listener. */
  open(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#ended.abort();
    const closed = Promise.all([this.#connection?.close(), this.#running]);
    await pTimeout(closed, { milliseconds: CLOSE_TIMEOUT_MS, message: false });
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        await this.#live(await this.#rounds.connect());
      } catch (error) {
        this.#down(errorText(error));
      }
      // The client ends by itself only for a fault of its own.
      await sleep(TIMES.backoff.initial, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** The library reconnects by itself. @returns when it has given up, or this is closed */
  async #live(connection: NatsConnection): Promise<void> {
    if (this.#ended.signal.aborted) return connection.close();
    this.#connection = connection;
    // Asked for first: it would never end on a connection that is closed in between.
    const statuses = connection.status();
    this.#up(connection);
    for await (const status of statuses) {
      if (status.type === 'reconnect') this.#up(connection);
      else if (status.type === 'error' && this.#isUp) this.#listener.told(status.error.message);
    }
    const error = await connection.closed();
    this.#connection = undefined;
    this.#down(error === undefined ? 'the connection was closed' : errorText(error));
  }

  #up(connection: NatsConnection): void {
    if (this.#isUp || this.#rounds.stand() === undefined) return;
    this.#isUp = true;
    this.#listener.up(connection);
  }

  #down(reason: string): void {
    this.#isUp = false;
    if (!this.#ended.signal.aborted) this.#listener.down(reason);
  }
}
