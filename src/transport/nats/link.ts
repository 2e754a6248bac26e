import { setTimeout as sleep } from 'node:timers/promises';
import { pauseAfter } from '../denied.ts';
import { checkSubject } from '../destination.ts';
import { LinkFailure, LinkFailures } from '../failure/failure.ts';
import { inTime } from '../in-time.ts';
import {
  type Denial,
  type Link,
  LinkError,
  type LinkState,
  type LinkSubscription,
  type OutgoingMessage,
  type Right,
  type Subscription,
  type Unsent,
} from '../link.ts';
import { Spool } from '../spool.ts';
import { dial } from './dial.ts';
import { NATS_WORDS } from './errors.ts';
import { type NatsLinkOptions, type NatsLinkSettings, withDefaults } from './options.ts';
import { type NatsServerAddress, parseServer } from './server.ts';
import { NatsSession, type SessionSubscription } from './session.ts';

/** A subscription as the link keeps it, over all sessions. */
interface Wanted {
  readonly subscription: Subscription;
  readonly settle: (error?: LinkError) => void;
  active?: SessionSubscription;
  /** The one of those that the server has confirmed. */
  confirmed?: SessionSubscription;
  /** Why the server refuses it, how often it has, and when it is asked again. */
  denied?: { readonly error: LinkError; readonly refusals: number; readonly again: NodeJS.Timeout };
}

/** See {@link createNatsLink}. */
class NatsLink implements Link {
  readonly #settings: NatsLinkSettings;
  readonly #servers: readonly NatsServerAddress[];
  readonly #spool: Spool;
  readonly #wanted = new Set<Wanted>();
  readonly #closing = new AbortController();
  #session: NatsSession | undefined;
  #opened: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #reason = 'not opened yet';

  constructor(options: NatsLinkOptions) {
    this.#settings = withDefaults(options);
    this.#servers = options.servers.map(parseServer);
    if (this.#servers.length === 0) throw new LinkError('protocol', 'the list of NATS servers is empty');
    const { buffer, clock, onEvent } = this.#settings;
    this.#spool = new Spool({
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
    let wanted: Wanted | undefined;
    await new Promise<void>((resolve, reject) => {
      let isSettled = false;
      const entry: Wanted = {
        subscription,
        settle: (error) => {
          // One that was confirmed once is wanted on, whatever a later server says to it.
          if (isSettled) return;
          isSettled = true;
          if (error === undefined) return resolve();
          this.#wanted.delete(entry);
          reject(error);
        },
      };
      wanted = entry;
      this.#wanted.add(entry);
      if (this.#session !== undefined) this.#activate(entry, this.#session);
    });
    return {
      unsubscribe: async () => {
        if (wanted === undefined) return;
        this.#wanted.delete(wanted);
        clearTimeout(wanted.denied?.again);
        await wanted.active?.unsubscribe();
      },
    };
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
    this.#spool.push(messages, this.#session?.open === true, unsent);
    this.#pump();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  state(): LinkState {
    const buffered = this.#spool.length;
    if (this.#session === undefined) return { up: false, reason: this.#reason, buffered };
    const unconfirmed = this.#unconfirmed();
    const { url } = this.#session.server;
    const denied = [...this.#wanted].flatMap(({ subscription, denied }): readonly Denial[] =>
      denied === undefined ? [] : [{ right: rightOf(subscription), error: denied.error }],
    );
    return {
      up: true,
      server: url,
      buffered,
      ...(unconfirmed.length > 0 && { unconfirmed }),
      ...(denied.length > 0 && { denied }),
    };
  }

  async prove(right: Right): Promise<void> {
    this.#check(right.destination);
    const session = this.#session;
    if (session === undefined) throw new LinkError('unreachable', this.#reason);
    const { connectTimeout } = this.#settings;
    if (await inTime(session.prove(right), connectTimeout)) return;
    throw new LinkFailure(NATS_WORDS, session.server.url, 'unconfirmed', `${connectTimeout} ms`);
  }

  #unconfirmed(): readonly string[] {
    const open = [...this.#wanted].filter(
      ({ active, confirmed }) => active === undefined || active !== confirmed,
    );
    return [...new Set(open.map(({ subscription }) => subscription.destination))];
  }

  #check(subject: string): void {
    if (this.#closed !== undefined) throw new LinkError('closed', 'the link is closed');
    checkSubject(subject);
  }

  /** Connects again and again until the link is closed. @throws LinkError with `failFast`, for the first round */
  async #run(onOpen: () => void): Promise<void> {
    const { signal } = this.#closing;
    let opened = false;
    for (let attempt = 0; !signal.aborted; attempt++) {
      let delay = this.#delay(attempt);
      const session = await this.#round(delay, this.#settings.failFast && !opened);
      if (session !== undefined && signal.aborted) session.close();
      else if (session !== undefined) {
        const since = performance.now();
        this.#attach(session);
        opened = true;
        onOpen();
        this.#detach(session, await session.closed);
        // A server that ends each connection as soon as it stands is not to be asked at full speed.
        if (performance.now() - since > delay) {
          attempt = 0;
          delay = this.#delay(0);
        }
      }
      await sleep(delay, undefined, { signal }).catch(() => undefined);
    }
  }

  #delay(attempt: number): number {
    const { initial, max } = this.#settings.backoff;
    return Math.round(Math.min(max, initial * 2 ** attempt) * (0.8 + Math.random() * 0.4));
  }

  /** One attempt at each server. @throws LinkError when none can be used and `isFatal` */
  async #round(delay: number, isFatal: boolean): Promise<NatsSession | undefined> {
    const errors: LinkError[] = [];
    for (const [index, server] of this.#servers.entries()) {
      try {
        const connection = await dial(server, this.#settings, this.#closing.signal);
        const hooks = {
          onError: (error: Error) => this.#settings.onEvent({ kind: 'error', error }),
          onDenied: (right: Right, error: LinkError) =>
            this.#settings.onEvent({ kind: 'denied', right, error }),
          onDrain: () => this.#pump(),
        };
        return new NatsSession(connection, server, hooks, this.#settings);
      } catch (thrown) {
        if (this.#closing.signal.aborted) return undefined;
        if (!(thrown instanceof LinkError)) throw thrown;
        const error = thrown;
        errors.push(error);
        this.#reason = error.message;
        const isLast = index === this.#servers.length - 1;
        if (!(isLast && isFatal))
          this.#settings.onEvent({
            kind: 'retry',
            server: server.url,
            reason: error.message,
            ...hinted(error),
            delay: isLast ? delay : 0,
          });
      }
    }
    const [first, ...others] = errors;
    if (!isFatal || first === undefined) return undefined;
    throw others.length === 0 ? first : new LinkFailures(first, ...others);
  }

  #attach(session: NatsSession): void {
    this.#session = session;
    for (const wanted of this.#wanted) this.#activate(wanted, session);
    this.#settings.onEvent({ kind: 'connected', server: session.server.url });
    this.#pump();
  }

  #detach(session: NatsSession, reason: LinkError): void {
    this.#session = undefined;
    this.#reason = reason.message;
    // Our own farewell is no news.
    if (this.#closing.signal.aborted) return;
    this.#settings.onEvent({ kind: 'disconnected', server: session.server.url, reason: reason.message });
  }

  #activate(wanted: Wanted, session: NatsSession): void {
    if (!session.open) return;
    const isAnew = wanted.active !== undefined;
    const active = session.subscribe(wanted.subscription);
    wanted.active = active;
    if (isAnew) wanted.subscription.onGap?.();
    active.confirmed.then(
      () => {
        wanted.confirmed = active;
        if (wanted.denied !== undefined) {
          delete wanted.denied;
          this.#settings.onEvent({ kind: 'granted', right: rightOf(wanted.subscription) });
        }
        wanted.settle();
      },
      (error: unknown) => {
        // Lost with its session: the next one subscribes again.
        if (error instanceof LinkError) this.#denied(wanted, session, error);
      },
    );
  }

  /** Whoever wants to fail fast is told, others get it as soon as it is granted. */
  #denied(wanted: Wanted, session: NatsSession, error: LinkError): void {
    this.#settings.onEvent({ kind: 'denied', right: rightOf(wanted.subscription), error });
    if (this.#settings.failFast) wanted.settle(error);
    if (!this.#wanted.has(wanted)) return;
    const refusals = (wanted.denied?.refusals ?? 0) + 1;
    clearTimeout(wanted.denied?.again);
    const again = setTimeout(
      () => {
        if (this.#session === session && this.#wanted.has(wanted)) this.#activate(wanted, session);
      },
      pauseAfter(refusals, this.#settings.backoff),
    ).unref();
    wanted.denied = { error, refusals, again };
  }

  /** Gives the session what waits, as far as it takes it. */
  #pump(): void {
    while (this.#session?.writable === true) {
      const message = this.#spool.shift();
      if (message === undefined) return;
      try {
        this.#session.send(message);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.#spool.refused(error);
      }
    }
  }

  async #close(): Promise<void> {
    const session = this.#session;
    if (session !== undefined) {
      const late = sleep(this.#settings.closeTimeout, true, { signal: this.#closing.signal }).catch(
        () => true,
      );
      const ended = Promise.race([late, session.closed.then(() => true)]);
      let isOver = false;
      while (!isOver) {
        this.#pump();
        // Asked before the flush: what is given to the session while it lasts needs another.
        const isLast = this.#spool.length === 0;
        const flushed = session.flush().then(
          () => isLast,
          () => true,
        );
        isOver = await Promise.race([flushed, ended]);
      }
    }
    this.#closing.abort();
    const error = new LinkError('closed', 'closed by this side');
    session?.close(error);
    await this.#running;
    const lost = this.#spool.clear();
    if (lost > 0)
      this.#settings.onEvent({
        kind: 'error',
        error: new LinkError(
          'closed',
          `closed while ${lost} ${lost === 1 ? 'message' : 'messages'} waited to be sent`,
        ),
      });
    for (const wanted of this.#wanted) {
      clearTimeout(wanted.denied?.again);
      wanted.settle(error);
    }
  }
}

const rightOf = ({ destination, group }: Subscription): Right => ({
  kind: 'subscribe',
  destination,
  ...(group === undefined ? {} : { group }),
});

const hinted = (error: LinkError): { readonly hint?: string } => {
  const hint = error.hint();
  return hint === undefined ? {} : { hint };
};

/**
 * A {@link Link} to NATS servers. Inert until open(). Bodies given to send() must not be changed afterwards.
 * A message counts as sent once the connection has taken it: what is under way when a connection breaks is lost
 * (NATS' core delivery is at most once), and is never sent twice.
 * @throws LinkError `protocol` for a list of servers that cannot be read
 */
export const createNatsLink = (options: NatsLinkOptions): Link => new NatsLink(options);
