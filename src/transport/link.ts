/**
 * A connection to a broker: bytes and headers in and out. Knows nothing of messages.
 *
 * A link reconnects by itself for ever, with back-off, until it is closed; it subscribes anew after each
 * reconnect. What is sent while it is down waits in a bounded buffer until its `expires`.
 */
export interface Link {
  /** Resolves when first connected, or rejects when the first attempt shows that the settings are wrong. */
  open(): Promise<void>;
  subscribe(subscription: Subscription): Promise<LinkSubscription>;
  /**
   * @throws LinkError `overloaded` when the buffer is full, `closed` after close
   */
  send(message: OutgoingMessage): void;
  /** Sends what is buffered (as far as it is connected), then disconnects. */
  close(): Promise<void>;
  state(): LinkState;
}

export interface Subscription {
  /** NATS subject or STOMP destination, wildcards as the broker has them. */
  readonly destination: string;
  /** NATS queue group. */
  readonly group?: string;
  /** STOMP headers such as `selector`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once a message; what it throws is a bug and is reported, not swallowed. */
  readonly onMessage: (message: IncomingMessage) => void;
  /**
   * NATS says that nobody listens where a message went that named this destination as its `replyTo`; called once for
   * each such message. Other brokers never say so.
   */
  readonly onUnheard?: () => void;
  /**
   * NATS: a connection was lost and this is subscribed to anew on the next one. Called before anything comes by it; what
   * was published in between does not come.
   */
  readonly onGap?: () => void;
}

export interface LinkSubscription {
  /** Stops new messages. What has arrived is handed over. */
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
}

export interface LinkState {
  readonly up: boolean;
  /** Where it is connected to, a URL without credentials. */
  readonly server?: string;
  /** Why it is down. */
  readonly reason?: string;
  /** Messages that wait for the connection. */
  readonly buffered: number;
  /** Destinations whose subscription the server has not confirmed on this connection, or has refused. */
  readonly unconfirmed?: readonly string[];
}

/** What happens on a link, for logs and counters. */
export type LinkEvent =
  /** `note`: what an operator should know of this connection, e.g. that the broker offers no heart-beats. */
  | { readonly kind: 'connected'; readonly server: string; readonly note?: string }
  | { readonly kind: 'disconnected'; readonly server: string; readonly reason: string }
  | { readonly kind: 'retry'; readonly server: string; readonly reason: string; readonly delay: number }
  /** A buffered message's time ran out. */
  | { readonly kind: 'expired'; readonly destination: string; readonly count: number }
  | { readonly kind: 'error'; readonly error: Error };

export type LinkListener = (event: LinkEvent) => void;

export type LinkErrorCode = 'closed' | 'overloaded' | 'refused' | 'unreachable' | 'tls' | 'protocol';

export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
