import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import pTimeout from 'p-timeout';
import { checkSubject } from '../destination.ts';
import { LinkFailure } from '../failure/failure.ts';
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
import { SendBuffer } from '../send-buffer.ts';
import { NATS_WORDS, refusedRight, toServerError } from './errors.ts';
import { type NatsLinkOptions, type NatsLinkSettings, withDefaults } from './options.ts';
import { Rounds } from './rounds.ts';
import { parsePool } from './server.ts';
import { NatsSession } from './session.ts';
import { Subscriptions } from './subscriptions.ts';

/** See {@link createNatsLink}. */
class NatsLink implements Link {
  readonly #settings: NatsLinkSettings;
  readonly #sendBuffer: SendBuffer;
  readonly #rounds: Rounds;
  readonly #subscriptions: Subscriptions;
  readonly #closing = new AbortController();
  #client: NatsConnection | undefined;
  #session: NatsSession | undefined;
  /** What the server has said on this connection before it ends it. */
  #lastWord: LinkError | undefined;
  #opened: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: NatsLinkOptions) {
    this.#settings = withDefaults(options);
    const { buffer, clock, onEvent } = this.#settings;
    this.#subscriptions = new Subscriptions(this.#settings);
    this.#rounds = new Rounds(parsePool(options.servers), this.#settings, this.#closing.signal, {
      onEnd: (reason) => this.#detach(reason),
    });
    this.#sendBuffer = new SendBuffer({
      ...buffer,
      clock,
      onExpired: (destination, count) => onEvent({ kind: 'expired', destination, count }),
      onError: (error) => onEvent({ kind: 'error', error }),
    });
  }

  open(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(new LinkError('closed', 'the link is closed'));
    this.#opened ??= new Promise((resolve, reject) => {
      this.#running = this.#run(resolve)
        .then(() => {
          // Has no effect once it has been open.
          reject(new LinkError('closed', 'the link was closed before it was connected'));
        })
        .catch((error: unknown) => {
          reject(error);
          void this.close();
        });
    });
    return this.#opened;
  }

  async subscribe(subscription: Subscription): Promise<LinkSubscription> {
    this.#check(subscription.destination);
    return this.#subscriptions.add(subscription);
  }

  send(message: OutgoingMessage, unsent?: Unsent): void {
    this.sendAll([message], unsent);
  }

  sendAll(messages: readonly OutgoingMessage[], unsent?: Unsent): void {
    let last: OutgoingMessage | undefined;
    for (const message of messages) {
      const { destination, replyTo } = message;
      if (destination !== last?.destination) this.#check(destination);
      if (replyTo !== undefined && replyTo !== last?.replyTo) this.#check(replyTo);
      // What the server says now; what it says when the message goes out is asked again then.
      if (message.body !== last?.body || message.headers !== last?.headers) this.#session?.check(message);
      last = message;
    }
    this.#sendBuffer.push(messages, this.#session?.open === true, unsent);
    this.#pump();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  state(): LinkState {
    const buffered = this.#sendBuffer.length;
    if (this.#session === undefined) return { up: false, reason: this.#rounds.reason, buffered };
    const [unconfirmed, denied] = [this.#subscriptions.unconfirmed(), this.#subscriptions.denied()];
    return {
      up: true,
      server: this.#session.url,
      buffered,
      ...(unconfirmed.length > 0 && { unconfirmed }),
      ...(denied.length > 0 && { denied }),
    };
  }

  async prove(right: Right): Promise<void> {
    this.#check(right.destination);
    const session = this.#session;
    if (session === undefined) throw new LinkError('unreachable', this.#rounds.reason);
    const { connectTimeout } = this.#settings;
    await pTimeout(session.prove(right), {
      milliseconds: connectTimeout,
      fallback: () => {
        throw new LinkFailure(NATS_WORDS, session.url, 'unconfirmed', `${connectTimeout} ms`);
      },
    });
  }

  #check(subject: string): void {
    if (this.#closed !== undefined) throw new LinkError('closed', 'the link is closed');
    checkSubject(subject);
  }

  /** One client after another, should one end by itself. @throws LinkError with `failFast`, for the first round */
  async #run(onOpen: () => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let client: NatsConnection;
      try {
        client = await this.#rounds.connect();
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      this.#client = client;
      void this.#follow(client);
      this.#attach(client);
      onOpen();
      await client.closed();
    }
  }

  /** What the client tells of its connections. */
  async #follow(client: NatsConnection): Promise<void> {
    for await (const status of client.status()) {
      if (status.type === 'reconnect') this.#attach(client);
      else if (status.type === 'ldm') void this.#leave(client);
      else if (status.type === 'error') this.#told(status.error);
    }
  }

  #attach(client: NatsConnection): void {
    if (this.#closing.signal.aborted || this.#session !== undefined) return;
    const url = this.#rounds.stand();
    if (url === undefined) return;
    const { onEvent } = this.#settings;
    this.#lastWord = undefined;
    const session = new NatsSession(client, url, {
      onError: (error) => onEvent({ kind: 'error', error }),
      onDenied: (right, error, given) => {
        onEvent({ kind: 'denied', right, error });
        given?.refused(error);
        // Of a fan-out more may be refused: it is reported once.
        if (given !== undefined) void session.flushSoon().then(() => given.tell());
      },
      onDrain: () => this.#pump(),
    });
    this.#session = session;
    this.#subscriptions.resume(session);
    onEvent({ kind: 'connected', server: url });
    this.#pump();
  }

  #detach(end: LinkError): void {
    const session = this.#session;
    if (session === undefined) return;
    const reason = (this.#lastWord ?? end).message;
    this.#rounds.reason = reason;
    this.#session = undefined;
    session.end();
    this.#subscriptions.suspend();
    // Our own farewell is not news.
    if (this.#closing.signal.aborted) return;
    this.#settings.onEvent({ kind: 'disconnected', server: session.url, reason });
  }

  /** What the server says with `-ERR`. */
  #told(error: Error): void {
    const session = this.#session;
    if (session === undefined) return;
    // The subscription reports it to its owner.
    const right = refusedRight(error.message);
    if (right?.kind === 'publish') session.refusePublishing(right);
    else if (right === undefined) void this.#heed(toServerError(error.message, session.url), session);
  }

  /** Mostly it says why it ends the connection now, and what it does not end it for is told by itself. */
  async #heed(error: LinkFailure, session: NatsSession): Promise<void> {
    if (error.kind === 'too-many-subscriptions') {
      // Both may be meant.
      const isProof = session.refuseProofs(error);
      if (this.#subscriptions.doubt(error) || isProof) return;
    }
    this.#lastWord ??= error;
    if (!(await session.flush())) return;
    if (this.#lastWord === error) this.#lastWord = undefined;
    this.#settings.onEvent({ kind: 'error', error });
  }

  /** A server in lame-duck mode is left for another one, as soon as it has taken and given what is under way. */
  async #leave(client: NatsConnection): Promise<void> {
    const session = this.#session;
    // Alone it serves on for a while.
    if (session === undefined || client.getServers().length < 2) return;
    await Promise.all([session.leave(), this.#subscriptions.release()]);
    if (this.#session !== session || this.#closing.signal.aborted) return;
    this.#lastWord ??= new LinkFailure(NATS_WORDS, session.url, 'shutting-down');
    await client.reconnect();
  }

  /** Gives the session what waits, as far as it takes it. */
  #pump(): void {
    while (this.#session?.writable === true) {
      const message = this.#sendBuffer.shift();
      if (message === undefined) return;
      try {
        this.#session.send(message, this.#sendBuffer.handed());
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.#sendBuffer.refused(error);
      }
    }
  }

  async #close(): Promise<void> {
    const session = this.#session;
    if (session !== undefined) {
      const late = sleep(this.#settings.closeTimeout, true, { signal: this.#closing.signal }).catch(
        () => true,
      );
      let isOver = false;
      while (!isOver) {
        this.#pump();
        // Asked before the flush: what is given to the session while it lasts needs another.
        const isLast = this.#sendBuffer.length === 0;
        isOver = await Promise.race([session.flush().then((isTaken) => isLast || !isTaken), late]);
      }
    }
    this.#closing.abort();
    const error = new LinkError('closed', 'closed by this side');
    this.#detach(error);
    await this.#client?.close();
    await this.#running;
    const lost = this.#sendBuffer.clear();
    if (lost > 0)
      this.#settings.onEvent({
        kind: 'error',
        error: new LinkError(
          'closed',
          `closed while ${lost} ${lost === 1 ? 'message' : 'messages'} waited to be sent`,
        ),
      });
    this.#subscriptions.end(error);
  }
}

/**
 * A {@link Link} to NATS servers. Inert until open(). Bodies given to send() must not be changed afterwards.
 * A message counts as sent once the connection has taken it: what is under way when a connection breaks is lost
 * (NATS' core delivery is at most once), and is never sent twice.
 * @throws LinkError `protocol` for a list of servers that cannot be read
 */
export const createNatsLink = (options: NatsLinkOptions): Link => new NatsLink(options);
