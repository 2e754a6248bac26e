import { addressText } from '../address.ts';
import type { PeerRevocation } from '../tls/settings.ts';

/** How a listener uses TLS. */
export interface ServerTls {
  /** PEM text, with its intermediates. */
  readonly cert: string;
  readonly key: string;
  /** PEM text of the authorities of clients' certificates; where it is not given, clients are asked for none. */
  readonly clientCa?: string;
  /** Tells whether a client's certificate is revoked; where it is not given nobody asks. */
  readonly revocation?: PeerRevocation;
}

/** Where the public keys of tokens are. */
export type KeySet =
  | { readonly kind: 'text'; readonly json: string }
  | { readonly kind: 'url'; readonly url: string };

/** Which bearer tokens (JWT) prove a name. */
export interface TokenSettings {
  readonly keys: KeySet;
  readonly issuer: string;
  readonly audience: string;
  /** Of JWS; a token that names another one is refused, `none` always. */
  readonly algorithms: readonly string[];
  /** Which claim is the name. */
  readonly claim: string;
  /** By how much two clocks may differ, in ms. */
  readonly leeway: number;
}

export interface SessionLimits {
  /** In all. */
  readonly sessions: number;
  readonly sessionsPerCaller: number;
  /** Of one message. */
  readonly messageBytes: number;
  /** What may wait for a client that reads slowly; more, and it is cut off. */
  readonly bufferedBytes: number;
  /** Ms between pings; a session that has not answered the one before is ended. */
  readonly ping: number;
}

/** What a WebSocket link is. Data that can be compared: another value is another link. */
export interface WebSocketSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly tokens: TokenSettings | undefined;
  /** Origins of pages that may connect; a client that names none is no browser. */
  readonly origins: readonly string[];
  /** Names by which clients reach the listener. */
  readonly hosts: readonly string[];
  /** Whether a name that was proven can be a caller. */
  readonly isName: (name: string) => boolean;
  readonly limits: SessionLimits;
}

/** @param it `tls` is undefined where it is plain */
export const urlOf = (
  { host, tls }: { readonly host: string; readonly tls: object | undefined },
  port: number,
): string => `${tls === undefined ? 'ws' : 'wss'}://${addressText({ host, port })}`;
