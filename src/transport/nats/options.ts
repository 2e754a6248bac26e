import type { LinkListener } from '../link.ts';
import type { TlsSettings } from '../tls/settings.ts';

export type NatsTls = TlsSettings;

export interface NatsLinkOptions {
  /** `nats://host:port` or `tls://host:port`, tried in this order. A server that demands TLS gets it with either. */
  readonly servers: readonly string[];
  /** Shown in the server's connection list. */
  readonly name: string;
  readonly tls?: NatsTls;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Milliseconds for one attempt, from the TCP connection to the server's first PONG. Default 5 s. */
  readonly connectTimeout?: number;
  /** Milliseconds between rounds of attempts, doubling. Default 250 ms to 10 s. */
  readonly backoff?: { readonly initial: number; readonly max: number };
  /** Milliseconds between pings. Default 10 s. */
  readonly pingInterval?: number;
  /** Pings without an answer after which the connection counts as dead. Default 2. */
  readonly maxPingOut?: number;
  /** What may wait while the link is down. Default 10,000 messages, 64 MiB. */
  readonly buffer?: { readonly maxMessages: number; readonly maxBytes: number };
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly onEvent: LinkListener;
  /** open() rejects when no server of the list can be used, instead of trying for ever. */
  readonly failFast?: boolean;
  /** Milliseconds that close() may spend on sending what waits. Default 5 s. */
  readonly closeTimeout?: number;
}

export type NatsLinkSettings = Required<Omit<NatsLinkOptions, 'tls' | 'user' | 'password' | 'token'>> &
  Pick<NatsLinkOptions, 'tls' | 'user' | 'password' | 'token'>;

export const withDefaults = (options: NatsLinkOptions): NatsLinkSettings => ({
  connectTimeout: 5_000,
  backoff: { initial: 250, max: 10_000 },
  pingInterval: 10_000,
  maxPingOut: 2,
  buffer: { maxMessages: 10_000, maxBytes: 64 * 1024 * 1024 },
  clock: Date.now,
  failFast: false,
  closeTimeout: 5_000,
  ...options,
});
