import { randomBytes } from 'node:crypto';
import type { IncomingMessage as HttpRequest } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import pTimeout from 'p-timeout';
import { WebSocketServer } from 'ws';
import {
  type IncomingMessage,
  type Link,
  LinkError,
  type LinkListener,
  type LinkState,
  type LinkSubscription,
  type OutgoingMessage,
  type Subscription,
  type Unsent,
} from '../link.ts';
import type { Proven } from '../proof/proof.ts';
import type { ConnectOptions } from '../spec.ts';
import { createAdmission, offeredBy } from './admission.ts';
import { Listener, refuse } from './listener.ts';
import {
  CALLER,
  CLOSE,
  CLOSE_CODES,
  FAULT,
  FROM,
  PLACES,
  SESSION_ENDED,
  SESSION_OPENED,
  SESSION_SAID,
  SUBPROTOCOL,
  UNTIL,
  UPGRADE_REFUSED,
} from './places.ts';
import { isRefusal, type Refusal, type SessionFault, UpgradeRefusal } from './refusal.ts';
import { Session } from './session.ts';
import { Sessions } from './sessions.ts';
import { urlOf, type WebSocketSettings } from './settings.ts';
import { closed, listenFailure } from './words.ts';

/** How often an address is tried that is taken, and sessions are looked at, in ms. */
const RETRY_MS = 500;
const LOOK_MS = 500;
/** How long sessions have to take what waits and to answer the close, in ms. */
const CLOSE_MS = 3_000;

/** So many pieces of one message, and of what has come of it. */
const MAX_FRAGMENTS = 16;
const MAX_CHUNKS = 1_024;

/**
 * A link that clients come to: it listens while somebody subscribes to sessions that open. Each text of a session comes in as a
 * message whose `replyTo` is the session; what is sent to a session goes out on it.
 */
export class WebSocketLink implements Link {
  readonly #settings: WebSocketSettings;
  readonly #onEvent: LinkListener;
  readonly #clock: () => number;
  readonly #failFast: boolean;
  readonly #admit: (request: HttpRequest) => Promise<Proven>;
  readonly #sessions: Sessions;
  readonly #subscriptions = new Set<Subscription>();
  readonly #upgrades: WebSocketServer;
  #listener: Listener | undefined;
  #server: string | undefined;
  #reason = 'nobody listens yet';
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: WebSocketSettings, { onEvent, clock = Date.now, failFast = false }: ConnectOptions) {
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#clock = clock;
    this.#failFast = failFast;
    this.#admit = createAdmission(settings, {
      clock,
      onFailure: (error) => onEvent({ kind: 'error', error }),
    });
    this.#sessions = new Sessions(settings.limits);
    this.#upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.limits.messageBytes,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_CHUNKS,
      // A token is offered as a subprotocol too, and is not to be sent back.
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#upgrades.on('wsClientError', ({ message }, socket, { socket: { remoteAddress: from = '' } }) =>
      this.#refuse(socket, from, new UpgradeRefusal(400, 'bad_upgrade', `${message}.`)),
    );
  }

  async open(): Promise<void> {
    if (this.#isClosed) throw closed();
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** @returns once it listens, or has tried to: it goes on trying, unless it is to fail fast */
  async subscribe(subscription: Subscription): Promise<LinkSubscription> {
    if (this.#isClosed) throw closed();
    if (!PLACES.includes(subscription.destination))
      throw new LinkError('protocol', 'nothing comes there on a WebSocket link');
    this.#subscriptions.add(subscription);
    await this.#follow();
    return {
      unsubscribe: async () => {
        this.#subscriptions.delete(subscription);
        await this.#follow();
      },
    };
  }

  send(message: OutgoingMessage, unsent?: Unsent): void {
    this.sendAll([message], unsent);
  }

  sendAll(messages: readonly OutgoingMessage[], _unsent?: Unsent): void {
    if (this.#isClosed) throw closed();
    for (const { destination } of messages)
      if (this.#sessions.get(destination) === undefined)
        throw new LinkError('protocol', 'there is no such session');
    for (const { destination, headers, body } of messages) {
      const session = this.#sessions.get(destination);
      const code = headers?.[CLOSE];
      // No client waits for an empty text: it shows whether the session is there.
      if (code === undefined && body.length === 0) continue;
      if (code === undefined) session?.send(body);
      else session?.close(Number(code), Buffer.from(body).toString());
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  state(): LinkState {
    const buffered = this.#sessions.all().filter((session) => session.buffered > 0).length;
    return this.#server === undefined || this.#isClosed
      ? { up: false, reason: this.#isClosed ? 'closed' : this.#reason, buffered }
      : { up: true, server: this.#server, buffered };
  }

  /** Sessions open only where somebody takes them. */
  async #follow(): Promise<void> {
    const isWanted =
      !this.#isClosed && [...this.#subscriptions].some((it) => it.destination === SESSION_OPENED);
    if (isWanted && this.#listener === undefined) await this.#listen();
    if (!isWanted) this.#stopListening('nobody takes sessions');
  }

  async #listen(): Promise<void> {
    const url = urlOf(this.#settings, this.#settings.port);
    const report = (error: Error): void => this.#onEvent({ kind: 'error', error });
    try {
      const listener = new Listener(this.#settings, (...it) => void this.#onUpgrade(...it), report);
      this.#listener = listener;
      const port = await listener.listen();
      if (this.#listener !== listener) return;
      this.#server = urlOf(this.#settings, port);
      this.#onEvent({ kind: 'connected', server: this.#server });
    } catch (error) {
      this.#listener = undefined;
      const failure = listenFailure(url, error);
      this.#reason = failure.message;
      if (this.#failFast) throw failure;
      this.#onEvent({ kind: 'retry', server: url, reason: failure.message, delay: RETRY_MS });
      setTimeout(() => void this.#follow(), RETRY_MS).unref();
    }
  }

  #stopListening(reason: string): void {
    const server = this.#server;
    this.#listener?.close();
    this.#listener = undefined;
    this.#server = undefined;
    this.#reason = reason;
    if (server !== undefined) this.#onEvent({ kind: 'disconnected', server, reason });
  }

  async #onUpgrade(request: HttpRequest, socket: Duplex, head: Buffer): Promise<void> {
    const { remoteAddress: from = '' } = request.socket;
    const gone = (): void => void socket.destroy();
    socket.on('error', gone);
    try {
      const who = await this.#admit(request);
      if (this.#isClosed || socket.destroyed)
        throw new UpgradeRefusal(503, 'bad_upgrade', 'The bridge is stopping.');
      socket.off('error', gone);
      this.#upgrade(request, socket, head, { who, from });
    } catch (error) {
      const refusal: Refusal = isRefusal(error)
        ? error
        : new UpgradeRefusal(500, 'bad_upgrade', 'This is a bug; the log says more.', { cause: error });
      if (refusal !== error)
        this.#onEvent({ kind: 'error', error: new Error('an upgrade failed', { cause: error }) });
      this.#refuse(socket, from, refusal);
    }
  }

  #refuse(socket: Duplex, from: string, refusal: Refusal): void {
    refuse(socket, refusal);
    this.#tell(UPGRADE_REFUSED, undefined, { [FROM]: from, [FAULT]: refusal.fault }, refusal.message);
  }

  #upgrade(
    request: HttpRequest,
    socket: Duplex,
    head: Buffer,
    { who, from }: { readonly who: Proven; readonly from: string },
  ): void {
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      const about = {
        [CALLER]: who.caller,
        [FROM]: from,
        ...(who.until !== undefined && { [UNTIL]: String(who.until) }),
      };
      const id = randomBytes(8).toString('hex');
      let isOpen = false;
      const session = new Session(
        webSocket,
        { id, who },
        this.#settings.limits,
        {
          said: (text) => this.#tell(SESSION_SAID, id, about, text),
          ended: ({ fault, sentence }) => {
            this.#sessions.remove(session);
            const headers = fault === undefined ? about : { ...about, [FAULT]: fault };
            this.#tell(isOpen ? SESSION_ENDED : UPGRADE_REFUSED, id, headers, sentence);
          },
        },
        this.#clock(),
      );
      const refused = this.#unwelcome(request, who);
      if (refused !== undefined) {
        session.close(...refused);
        return;
      }
      if (request.socket instanceof Socket) this.#listener?.admitted(request.socket);
      isOpen = true;
      this.#sessions.add(session);
      this.#tell(SESSION_OPENED, id, about, '');
    });
  }

  /** What browsers show of a status of HTTP is nothing, so who is known is told by a close. */
  #unwelcome(request: HttpRequest, { caller }: Proven): [number, string, SessionFault] | undefined {
    if (!offeredBy(request).includes(SUBPROTOCOL))
      return [CLOSE_CODES.badSubprotocol, `the subprotocol is ${SUBPROTOCOL}`, 'bad_subprotocol'];
    const full = this.#sessions.fullFor(caller);
    if (full === 'caller')
      return [CLOSE_CODES.tooMany, 'this caller has too many sessions', 'too_many_sessions'];
    return full && [CLOSE_CODES.tryLater, 'there are too many sessions', 'too_many_sessions'];
  }

  #look(): void {
    const now = this.#clock();
    for (const session of this.#sessions.all()) session.look(now);
  }

  #tell(
    destination: string,
    replyTo: string | undefined,
    headers: Readonly<Record<string, string>>,
    body: Buffer | string,
  ): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const message: IncomingMessage = {
      destination,
      headers,
      body: bytes,
      ...(replyTo !== undefined && { replyTo }),
    };
    for (const it of this.#subscriptions) {
      if (it.destination !== destination) continue;
      try {
        it.onMessage(message);
      } catch (error) {
        this.#onEvent({ kind: 'error', error: error instanceof Error ? error : new Error(String(error)) });
      }
    }
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening('closed');
    const sessions = this.#sessions.all();
    for (const session of sessions) session.close(CLOSE_CODES.restart, 'the bridge stops or starts anew');
    const gone = Promise.all(sessions.map((session) => session.gone));
    await pTimeout(gone, { milliseconds: CLOSE_MS, message: false });
    for (const session of this.#sessions.all()) session.terminate();
    clearInterval(this.#timer);
  }
}
