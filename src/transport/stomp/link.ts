import pTimeout from 'p-timeout';
import { checkDestination } from '../destination.ts';
import { LinkFailure, LinkFailures } from '../failure/failure.ts';
import {
  type Link,
  LinkError,
  type LinkState,
  type LinkSubscription,
  type OutgoingMessage,
  type Right,
  type Subscription,
  type Unsent,
} from '../link.ts';
import { Connection } from './connection.ts';
import type { Frame } from './frame.ts';
import { FrameQueue } from './frame-queue.ts';
import {
  type StompLinkOptions,
  type StompServer,
  type StompSettings,
  serverUrl,
  withDefaults,
} from './options.ts';
import { Proofs } from './proofs.ts';
import { Rotation } from './rotation.ts';
import { type SendCommand, Subscriptions, toMessage } from './subscriptions.ts';
import { STOMP_WORDS } from './words.ts';

/** A link to a STOMP broker, or to one of a pool. Does nothing before `open`. */
export const createStompLink = (options: StompLinkOptions): Link => new StompLink(withDefaults(options));

class StompLink implements Link {
  readonly #settings: StompSettings;
  readonly #rotation: Rotation;
  readonly #outbox: FrameQueue;
  readonly #subscriptions: Subscriptions;
  readonly #proofs = new Proofs();
  #phase: 'new' | 'open' | 'closed' = 'new';
  #connection: Connection | undefined;
  /** When it was connected, by the monotonic clock; undefined while it is down. */
  #since: number | undefined;
  #reason = 'not opened yet';
  /** Why no server of the first round could be used, for callers that want to fail fast. */
  readonly #failures: LinkError[] = [];
  #retry: NodeJS.Timeout | undefined;
  #opening: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #opened: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #onGone: (() => void) | undefined;

  constructor(settings: StompSettings) {
    this.#settings = settings;
    this.#rotation = new Rotation(settings);
    this.#outbox = new FrameQueue(settings);
    this.#subscriptions = new Subscriptions({
      prefetch: settings.prefetch,
      backoff: settings.backoff,
      failFast: settings.failFast,
      command: () => this.#command(),
      onRefused: (error) => this.#error(error),
      onGranted: (right) => settings.onEvent({ kind: 'granted', right }),
    });
  }

  open(): Promise<void> {
    if (this.#phase === 'closed') return Promise.reject(closed());
    this.#opened ??= new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#phase = 'open';
      this.#connect();
    });
    return this.#opened;
  }

  async subscribe(subscription: Subscription): Promise<LinkSubscription> {
    if (this.#phase === 'closed') throw closed();
    checkDestination(subscription.destination);
    const id = await this.#subscriptions.add(subscription, this.#command());
    return { unsubscribe: () => this.#subscriptions.remove(id, this.#command()) };
  }

  send(message: OutgoingMessage, unsent?: Unsent): void {
    this.sendAll([message], unsent);
  }

  sendAll(messages: readonly OutgoingMessage[], unsent?: Unsent): void {
    if (this.#phase === 'closed') throw closed();
    let last: OutgoingMessage | undefined;
    for (const message of messages) {
      const { destination, replyTo } = message;
      if (destination !== last?.destination) checkDestination(destination);
      if (replyTo !== undefined && replyTo !== last?.replyTo) checkDestination(replyTo);
      last = message;
    }
    this.#outbox.push(messages, unsent);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  state(): LinkState {
    const buffered = this.#outbox.length;
    if (this.#since === undefined) return { up: false, reason: this.#reason, buffered };
    const { unconfirmed, denied } = this.#subscriptions;
    const server = serverUrl(this.#rotation.server);
    return {
      up: true,
      server,
      buffered,
      ...(unconfirmed.length > 0 && { unconfirmed }),
      ...(denied.length > 0 && { denied }),
    };
  }

  async prove(right: Right): Promise<void> {
    const send = this.#command();
    if (send === undefined) throw new LinkError('unreachable', this.#reason);
    const { connectTimeout, clock } = this.#settings;
    await pTimeout(this.#proofs.prove(right, clock(), send), {
      milliseconds: connectTimeout,
      fallback: () => {
        const server = serverUrl(this.#rotation.server);
        throw new LinkFailure(STOMP_WORDS, server, 'unconfirmed', `${connectTimeout} ms`);
      },
    });
  }

  #connect(): void {
    const { server, settings } = this.#fresh();
    const connection = new Connection(server, settings, {
      onConnected: (note) => this.#onConnected(connection, serverUrl(server), note),
      onFrame: (frame) => this.#onFrame(frame),
      onTooLarge: ({ headers }, bytes) => {
        const { maxFrameBytes } = this.#settings;
        const text = `a message of ${bytes} bytes to ${headers['destination']} is above the frame limit of ${maxFrameBytes}`;
        this.#error(new LinkError('protocol', text));
      },
      asked: (receipt) => this.#proofs.asked(receipt) ?? this.#subscriptions.asked(receipt),
      onRefused: ({ right, error }, receipt) => {
        if (this.#proofs.refused(receipt, error)) return;
        this.#subscriptions.refused(receipt, error);
        this.#settings.onEvent({ kind: 'denied', right, error });
      },
      onDrain: () => this.#outbox.pump(),
      onClose: (reason) => this.#onClose(reason, serverUrl(server)),
    });
    this.#connection = connection;
    connection.start();
  }

  /** The server whose turn it is, and what is said to it, with certificates, keys and password as they are now. */
  #fresh(): { readonly server: StompServer; readonly settings: StompSettings } {
    const { server } = this.#rotation;
    const fresh = this.#settings.fresh?.();
    if (fresh === undefined) return { server, settings: this.#settings };
    const { login: _, passcode: __, ...settings } = this.#settings;
    const { servers, login, passcode } = fresh;
    return {
      server: servers.find(({ host, port }) => host === server.host && port === server.port) ?? server,
      settings: {
        ...settings,
        ...(login !== undefined && { login }),
        ...(passcode !== undefined && { passcode }),
      },
    };
  }

  #onConnected(connection: Connection, server: string, note: string | undefined): void {
    this.#since = performance.now();
    this.#settings.onEvent({ kind: 'connected', server, ...(note === undefined ? {} : { note }) });
    this.#subscriptions.connected((command, headers) => connection.command(command, headers));
    this.#outbox.attach(connection);
    this.#opening?.resolve();
    this.#opening = undefined;
  }

  #onFrame(frame: Frame): void {
    if (frame.command === 'RECEIPT') {
      const id = frame.headers['receipt-id'] ?? '';
      if (!this.#proofs.receipt(id)) this.#subscriptions.receipt(id);
      return;
    }
    if (this.#subscriptions.isTakenBack(frame)) return;
    const subscription = this.#subscriptions.find(frame);
    if (subscription === undefined) {
      const text = `a message to ${frame.headers['destination']} belongs to no subscription`;
      this.#error(new LinkError('protocol', text));
      return;
    }
    try {
      subscription.onMessage(toMessage(frame));
    } catch (error) {
      this.#error(error);
    }
  }

  #onClose(reason: LinkError, server: string): void {
    const { settled } = this.#subscriptions;
    const lasted = this.#since === undefined ? undefined : performance.now() - this.#since;
    this.#since = undefined;
    this.#connection = undefined;
    this.#reason = reason.message;
    this.#outbox.detach();
    this.#subscriptions.disconnected();
    this.#proofs.disconnected(reason);
    if (lasted !== undefined && reason.code !== 'closed')
      this.#settings.onEvent({ kind: 'disconnected', server, reason: reason.message });
    this.#onGone?.();
    if (this.#phase === 'closed') return;
    // One that broke at once, or whose subscriptions were refused, is not a success: else the pause would never grow.
    if (lasted !== undefined && settled && lasted >= this.#settings.backoff.initial) this.#rotation.settled();
    const delay = this.#rotation.failed();
    if (this.#settings.failFast && this.#opening !== undefined) {
      this.#failures.push(reason);
      if (this.#rotation.isRoundOver) {
        this.#giveUp(this.#opening.reject);
        return;
      }
    }
    const hint = reason.hint();
    this.#settings.onEvent({
      kind: 'retry',
      server,
      reason: reason.message,
      ...(hint === undefined ? {} : { hint }),
      delay,
    });
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  #giveUp(reject: (error: Error) => void): void {
    const [first = closed(), ...others] = this.#failures;
    const error = others.length === 0 ? first : new LinkFailures(first, ...others);
    this.#opening = undefined;
    this.#phase = 'closed';
    this.#outbox.clear();
    this.#subscriptions.closed(error);
    reject(error);
  }

  async #close(): Promise<void> {
    this.#phase = 'closed';
    clearTimeout(this.#retry);
    const deadline = performance.now() + this.#settings.closeTimeout;
    await this.#outbox.flush(this.#settings.closeTimeout);
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    if (this.#connection !== undefined) {
      this.#connection.disconnect(Math.max(0, deadline - performance.now()));
      await gone;
    }
    this.#reason = 'closed';
    const lost = this.#outbox.clear();
    if (lost > 0)
      this.#error(new LinkError('closed', `the link was closed while ${lost} messages waited to be sent`));
    this.#subscriptions.closed(closed());
    this.#opening?.reject(closed());
    this.#opening = undefined;
  }

  /** How to send a command now; undefined while there is no connection. */
  #command(): SendCommand | undefined {
    const connection = this.#since === undefined ? undefined : this.#connection;
    return connection && ((command, headers) => connection.command(command, headers));
  }

  #error(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#settings.onEvent({ kind: 'error', error });
  }
}

const closed = (): LinkError => new LinkError('closed', 'the link is closed');
