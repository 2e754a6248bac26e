import type { SettingNames } from './failure/words.ts';

/**
 * A connection to a broker: bytes and headers in and out. It does not know the formats of messages.
 *
 * A link reconnects by itself for ever, with back-off, until it is closed; it subscribes anew after each
 * reconnect. What is sent while it is down, or faster than the connection takes it, waits in a bounded buffer until its
 * `expires`, and goes out in order.
 */
export interface Link {
  /** Resolves when first connected, or rejects when the first attempt shows that the settings are wrong. */
  open(): Promise<void>;
  subscribe(subscription: Subscription): Promise<LinkSubscription>;
  /**
   * @param unsent told later, and at most once, when the message could not be sent after all
   * @throws LinkError `overloaded` when the buffer is full, `too_large` for more than the broker takes, `protocol` for
   *   what cannot be sent to it, `closed` after close
   */
  send(message: OutgoingMessage, unsent?: Unsent): void;
  /**
   * Takes all messages of one request, or none of them: where it throws, nothing has gone out. They share their
   * `expires`. A body that several share is kept once.
   * @param unsent told later, and at most once, when some of them could not be sent after all
   * @throws LinkError as `send` does
   */
  sendAll(messages: readonly OutgoingMessage[], unsent?: Unsent): void;
  /** Sends what is buffered (as far as it is connected), then disconnects. */
  close(): Promise<void>;
  state(): LinkState;
  /**
   * Shows whether the broker grants a right, on the connection that is up; takes no message from a consumer and gives none to
   * one. Undefined where rights are never refused.
   * @throws LinkError `refused` where the broker does not grant it, `unreachable` where there is no connection
   */
  readonly prove?: (right: Right) => Promise<void>;
}

/** What a user of a broker may do. */
export interface Right {
  readonly kind: 'subscribe' | 'publish';
  /** NATS subject or STOMP destination. */
  readonly destination: string;
  /** NATS queue group of a subscription. */
  readonly group?: string;
}

/**
 * What a message is for: the requests and replies that a bridge carries, its own discovery and their
 * answers, or what instances tell each other.
 */
export type Purpose = 'traffic' | 'discovery' | 'cluster';

export interface Subscription {
  /** NATS subject or STOMP destination, wildcards as the broker has them. */
  readonly destination: string;
  /** NATS queue group. */
  readonly group?: string;
  /** STOMP headers such as `selector`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What its messages are for; `traffic` unless given. */
  readonly purpose?: Purpose | ((message: IncomingMessage) => Purpose);
  /** Called once a message; what it throws is a bug and is reported, not swallowed. */
  readonly onMessage: (message: IncomingMessage) => void;
  /**
   * NATS says that there are no responders to a message that named this destination as its `replyTo`; called once for
   * each such message. Other brokers never say so.
   */
  readonly onNoResponders?: () => void;
  /**
   * NATS: a connection was lost and the link has subscribed anew on the next one. Called before its first message; what
   * was published in between is lost.
   */
  readonly onResubscribed?: () => void;
}

export interface LinkSubscription {
  /** Stops new messages. Those that have arrived are handed over. */
  unsubscribe(): Promise<void>;
}

export interface IncomingMessage {
  /** The exact subject or destination that it was sent to. */
  readonly destination: string;
  readonly replyTo?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface OutgoingMessage {
  readonly destination: string;
  readonly replyTo?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** When it is no longer worth sending, in ms since the epoch. */
  readonly expires: number;
  /** For observers of what goes out, never for the broker; `traffic` unless given. */
  readonly purpose?: Purpose;
}

/**
 * Called for messages that a link had taken and could not send. The code is `expired` when their ttl ended, `too_large` when the
 * broker takes less now than it did, `closed` when the link was closed before their turn, `refused` when the broker does not
 * permit them and says which.
 * @param count messages that have not gone out
 */
export type Unsent = (error: LinkError, count: number) => void;

export interface LinkState {
  readonly up: boolean;
  /** Where it is connected to, a URL without credentials. */
  readonly server?: string;
  /** Why it is down. */
  readonly reason?: string;
  /** Messages that wait for the connection, or for it to take more. */
  readonly buffered: number;
  /** Destinations whose subscription the server has not confirmed on this connection, or has refused. */
  readonly unconfirmed?: readonly string[];
  /** What the broker refuses, and why; for each subscription at most one. It is tried again. */
  readonly denied?: readonly Denial[];
}

/** A right that a broker does not grant. */
export interface Denial {
  readonly right: Right;
  readonly error: LinkError;
  /** Where it is part of what the bridge needs. */
  readonly need?: Need;
}

export interface Need {
  /** What for, in a few words that go on "to …". */
  readonly purpose: string;
  /** What to do about it: the line that grants all of it. */
  readonly hint: string;
}

/** Events of a link, for logs and counters. */
export type LinkEvent =
  /** `note`: what an operator should know of this connection, e.g. that the broker offers no heart-beats. */
  | { readonly kind: 'connected'; readonly server: string; readonly note?: string }
  | { readonly kind: 'disconnected'; readonly server: string; readonly reason: string }
  | {
      readonly kind: 'retry';
      readonly server: string;
      readonly reason: string;
      /** What to do about it. */
      readonly hint?: string;
      readonly delay: number;
    }
  /**
   * The broker refuses a right; the connection stays. A subscription is asked for again and again, until it is granted; of
   * messages each that is refused is reported, and lost.
   */
  | ({ readonly kind: 'denied' } & Denial)
  | { readonly kind: 'granted'; readonly right: Right }
  /** A buffered message has expired. */
  | { readonly kind: 'expired'; readonly destination: string; readonly count: number }
  | { readonly kind: 'error'; readonly error: Error };

export type LinkListener = (event: LinkEvent) => void;

export type LinkErrorCode =
  | 'closed'
  | 'overloaded'
  | 'too_large'
  | 'expired'
  | 'refused'
  | 'unreachable'
  | 'tls'
  | 'protocol';

export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** What to do about it, where that is known; see `failure/table.ts`. @param _names of settings, as the reader has them */
  hint(_names?: SettingNames): string | undefined {
    return undefined;
  }

  /** The message, with the reader's names of settings. */
  told(_names: SettingNames): string {
    return this.message;
  }
}
