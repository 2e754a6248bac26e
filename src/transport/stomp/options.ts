import { addressText } from '../address.ts';
import type { LinkListener } from '../link.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { STOMP_VERSIONS, type StompVersion } from './frame.ts';

export interface StompTls extends TlsSettings {
  /** The name that the broker's certificate must have, where it is not the host. */
  readonly serverName?: string;
}

export interface StompServer {
  readonly host: string;
  readonly port: number;
  readonly tls?: StompTls;
}

export interface StompHeartbeat {
  /** Milliseconds; 0 for none. */
  readonly outgoing: number;
  readonly incoming: number;
}

export interface StompBackoff {
  /** Milliseconds after the first round of failures; doubles with each. */
  readonly initial: number;
  readonly max: number;
}

export interface StompLinkOptions {
  /** Tried one after the other; after all of them comes a pause. */
  readonly servers: readonly StompServer[];
  /** Shuffle the servers once, so that many instances spread; false by default. */
  readonly randomize?: boolean;
  readonly login?: string;
  readonly passcode?: string;
  /** The `host` header of CONNECT: RabbitMQ's virtual host. */
  readonly vhost: string;
  /** All three by default. */
  readonly versions?: readonly StompVersion[];
  /** 30 s both by default; what holds is agreed on with the broker. */
  readonly heartbeat?: StompHeartbeat;
  /** Milliseconds for TCP, TLS and the broker's CONNECTED together; 10 s by default. */
  readonly connectTimeout?: number;
  /** 0.5 s up to 10 s by default. */
  readonly backoff?: StompBackoff;
  /** What may wait for the connection: 100,000 messages and 64 MiB by default. */
  readonly buffer?: { readonly maxMessages: number; readonly maxBytes: number };
  /** Largest body, in and out; 16 MiB by default. */
  readonly maxFrameBytes?: number;
  /** ActiveMQ's `activemq.prefetchSize` for each subscription; the broker's default if absent. */
  readonly prefetch?: number;
  /** `open` tries each server once and rejects with what is wrong with all of them; for `mcbridge check`. */
  readonly failFast?: boolean;
  /** Milliseconds that `close` spends on sending what waits and on the farewell; 5 s by default. */
  readonly closeTimeout?: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** From 0 up to 1, for jitter and shuffling; `Math.random` by default. */
  readonly random?: () => number;
  readonly onEvent: LinkListener;
  /** Asked before each attempt for what it is made with, in the place of these settings. */
  readonly fresh?: () => Pick<StompLinkOptions, 'servers' | 'login' | 'passcode'>;
}

type Defaulted =
  | 'randomize'
  | 'versions'
  | 'heartbeat'
  | 'connectTimeout'
  | 'backoff'
  | 'buffer'
  | 'maxFrameBytes'
  | 'failFast'
  | 'closeTimeout'
  | 'random';

export type StompSettings = StompLinkOptions & Required<Pick<StompLinkOptions, Defaulted>>;

export const withDefaults = (options: StompLinkOptions): StompSettings => ({
  ...options,
  randomize: options.randomize ?? false,
  versions: options.versions ?? STOMP_VERSIONS,
  heartbeat: options.heartbeat ?? { outgoing: 30_000, incoming: 30_000 },
  connectTimeout: options.connectTimeout ?? 10_000,
  backoff: options.backoff ?? { initial: 500, max: 10_000 },
  buffer: options.buffer ?? { maxMessages: 100_000, maxBytes: 64 * 1024 * 1024 },
  maxFrameBytes: options.maxFrameBytes ?? 16 * 1024 * 1024,
  failFast: options.failFast ?? false,
  closeTimeout: options.closeTimeout ?? 5_000,
  random: options.random ?? Math.random,
});

/** A server as a URL, for people. */
export const serverUrl = (server: StompServer): string =>
  `${server.tls === undefined ? 'stomp' : 'stomp+ssl'}://${addressText(server)}`;
