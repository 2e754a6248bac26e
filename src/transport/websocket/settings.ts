import { addressText } from '../address.ts';
import type { ProofSettings } from '../proof/settings.ts';

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
export interface WebSocketSettings extends ProofSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Origins of pages that may connect; a client that names none is no browser. */
  readonly origins: readonly string[];
  /** Names by which clients reach the listener. */
  readonly hosts: readonly string[];
  readonly limits: SessionLimits;
}

/** @param it `tls` is undefined where it is plain */
export const urlOf = (
  { host, tls }: { readonly host: string; readonly tls: object | undefined },
  port: number,
): string => `${tls === undefined ? 'ws' : 'wss'}://${addressText({ host, port })}`;
