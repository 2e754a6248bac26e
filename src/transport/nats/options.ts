import type { Authenticator } from '@nats-io/transport-node';
import type { LinkListener } from '../link.ts';
import type { TlsSettings } from '../tls/settings.ts';

export interface NatsTls extends TlsSettings {
  /** The TLS handshake comes before the server's first word: nats-server's `handshake_first`, since 2.10.4. */
  readonly handshakeFirst?: boolean;
}

/** Asked at each login for what is to be said in CONNECT. Its argument is what the server wants signed, where it wants that. */
export type NatsAuthenticator = Authenticator;

/** How the link logs in; what is absent is not said. */
export interface Login {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** The seed of an NKey: `SU…`. */
  readonly nkeySeed?: string;
  /** The text of a `.creds` file: a JWT and the seed of its NKey. */
  readonly credentials?: string;
  /** Asked at each login; what it says is added to the rest. */
  readonly authenticator?: NatsAuthenticator;
}

/** What of the settings may be other at the next attempt. */
export interface NatsSecrets extends Login {
  readonly tls?: NatsTls;
}

export interface NatsLinkOptions extends Login {
  /**
   * `nats://host:port` or `tls://host:port`, or all of them `wss://host:port`, tried in this order, and after them those that
   * servers tell of. A server that demands TLS gets it with `nats://` too.
   */
  readonly servers: readonly string[];
  /** Shown in the server's connection list. */
  readonly name: string;
  readonly tls?: NatsTls;
  /** Milliseconds for one attempt, from the TCP connection to the server's first PONG. Default 5 s. */
  readonly connectTimeout?: number;
  /** Milliseconds between rounds of attempts, doubling. Default 250 ms to 10 s. */
  readonly backoff?: { readonly initial: number; readonly max: number };
  /** Milliseconds between pings. Default 4 s: a server that stalls is left after 12. */
  readonly pingInterval?: number;
  /** Pings without an answer or any other byte after which the connection counts as dead. Default 2. */
  readonly maxPingOut?: number;
  /** What may wait while the link is down. Default 10,000 messages, 64 MiB. */
  readonly buffer?: { readonly maxMessages: number; readonly maxBytes: number };
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly onEvent: LinkListener;
  /** Asked before each attempt for what it is made with, in the place of these settings. */
  readonly fresh?: () => NatsSecrets;
  /** open() rejects when no server of the list can be used, instead of trying for ever. */
  readonly failFast?: boolean;
  /** Milliseconds that close() may spend on sending what waits. Default 5 s. */
  readonly closeTimeout?: number;
}

export type NatsLinkSettings = Required<Omit<NatsLinkOptions, 'tls' | 'fresh' | keyof Login>> &
  Pick<NatsLinkOptions, 'tls' | 'fresh' | keyof Login>;

export const withDefaults = (options: NatsLinkOptions): NatsLinkSettings => ({
  connectTimeout: 5_000,
  backoff: { initial: 250, max: 10_000 },
  pingInterval: 4_000,
  maxPingOut: 2,
  buffer: { maxMessages: 10_000, maxBytes: 64 * 1024 * 1024 },
  clock: Date.now,
  failFast: false,
  closeTimeout: 5_000,
  ...options,
});
