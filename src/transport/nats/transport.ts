import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionOptions, Server, ServerInfo } from '@nats-io/transport-node';
import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';
import { type ConnectStage, failureOf } from '../failure/classify.ts';
import { LinkFailure } from '../failure/failure.ts';
import { LinkError } from '../link.ts';
import { watchPeer } from '../tls/peer.ts';
import { dialPlain, hearGreeting, requireTls, secured, tlsOptions } from './dialling.ts';
import { isJustClosed, NATS_WORDS, toServerError } from './errors.ts';
import type { Greeting } from './greeting.ts';
import { hasLogin } from './login.ts';
import type { NatsLinkSettings } from './options.ts';
import type { NatsServerAddress } from './server.ts';
import { watchSilence } from './silence.ts';
import { overWebSocket } from './websocket.ts';

/** Whose connection it is. */
export interface Dialler {
  readonly settings: NatsLinkSettings;
  readonly signal: AbortSignal;
  /** Where it goes, and how long it has to wait before it does. */
  begin(server: Server, transport: LinkTransport): { readonly address: NatsServerAddress; pause: number };
  failed(transport: LinkTransport, error: LinkError): void;
  /** A connection that stood is gone. */
  ended(transport: LinkTransport, reason: LinkError): void;
}

/** With what the transport finds its dialler, among the options that the client hands on. */
export interface Dialled {
  readonly dialler?: Dialler;
}

/** Makes the client give an attempt up; until its first PONG it heeds nothing else, not even the end of the connection. */
const GIVE_UP = Buffer.from("-ERR 'Authorization Violation'\r\n");
/** What a server says to a login is shorter. */
const MAX_ANSWER_CHARS = 4096;

const closed = (): LinkError => new LinkError('closed', 'the link is closed');

/**
 * The client's own transport, and what it leaves out (3.4.0): it tells how far an attempt was when it failed and why, gives
 * it up in time and leaves no socket, checks a server given by its address for that address, and ends a connection at once
 * whose socket takes nothing more. See docs/decisions/0004-nats.md.
 */
export class LinkTransport extends NodeTransport {
  #dialler: Dialler | undefined;
  #address: NatsServerAddress | undefined;
  #stage: ConnectStage = 'connecting';
  #plain: Socket | undefined;
  #webSocket: TLSSocket | undefined;
  /** What a WebSocket goes over. */
  #secured: TLSSocket | undefined;
  /** Bytes that the other side had sent before the TLS handshake. */
  #before = 0;
  #greeting: Greeting | undefined;
  /** What the server says to the login. */
  #answer = '';
  /** Why the connection ends, where this side knows better than the socket. */
  #reason: unknown;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #giveUp: (error: LinkError) => void = () => undefined;

  override async connect(server: Server, options: ConnectionOptions & Dialled): Promise<void> {
    this.#dialler = options.dialler;
    if (this.#dialler === undefined) return super.connect(server, options);
    const { address, pause } = this.#dialler.begin(server, this);
    // Those of this attempt: before it they may have been others.
    const { settings, signal } = this.#dialler;
    this.#address = address;
    const failed = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    if (signal.aborted) this.#fail(closed());
    signal.addEventListener('abort', this.#abort);
    await Promise.race([failed, this.#attempt(server, options, pause, settings)]);
  }

  /** The client is logged in. */
  stand(): void {
    this.#settle();
    this.#stage = 'up';
    this.socket?.off('data', this.#hear);
    const at = { words: NATS_WORDS, server: this.#where.url };
    const below = this.#secured ?? this.socket;
    if (this.#dialler !== undefined) watchSilence(below, this.#dialler.settings, () => this.disconnect());
    watchPeer(below, this.#dialler?.settings.tls, at, (reason) => {
      this.leave(reason);
      this.socket?.destroy();
    });
  }

  get isStanding(): boolean {
    return this.#stage === 'up' && !this.#isOver && !this.isClosed;
  }

  /** From now on the connection ends for this reason. */
  leave(reason: LinkError): void {
    this.#reason = reason;
  }

  /** Ends the attempt. */
  readonly #abort = (): void => {
    if (this.#stage !== 'up') this.#fail(closed());
  };

  /** An attempt that is over for this reason, whatever the client waits for. */
  abandon(error: unknown): void {
    this.#fail(error);
  }

  async #attempt(
    server: Server,
    options: ConnectionOptions,
    pause: number,
    { connectTimeout, tls }: NatsLinkSettings,
  ): Promise<void> {
    await new Promise((resolve) => {
      this.#timer = setTimeout(resolve, pause);
    });
    if (this.#isOver) return;
    this.#timer = setTimeout(() => this.#fail(this.#tooSlow(connectTimeout)), connectTimeout);
    const { tlsRequired, isWebSocket } = this.#where;
    const wantsTls = !isWebSocket && (tls !== undefined || tlsRequired);
    // Null is what keeps the client from TLS where a server only offers it.
    const secured = wantsTls ? { handshakeFirst: tls?.handshakeFirst === true } : null;
    try {
      await super.connect(server, { ...options, tls: secured });
    } catch (error) {
      this.#fail(isJustClosed(error) ? undefined : error);
    }
  }

  override async dial({ hostname, port }: { hostname: string; port: number }): Promise<Socket> {
    if (this.#dialler === undefined) return super.dial({ hostname, port });
    const plain = await dialPlain(hostname, port, (socket) => {
      this.#plain = socket;
    });
    this.#stage = 'greeting';
    if (!this.#where.isWebSocket) return plain;
    const secure = await secured(plain, this.#tlsOptions(hostname));
    // What a server has against a client's certificate comes after its side of the handshake.
    this.#stage = 'login';
    this.#secured = secure;
    this.#webSocket = await overWebSocket(secure, this.#where.url);
    return this.#webSocket;
  }

  override peekInfo(): Promise<ServerInfo> {
    if (this.#dialler === undefined) return super.peekInfo();
    return hearGreeting(this.socket, this.yields, this.#where.url, (info) => {
      this.#greeting = info;
      requireTls(info, this.#where, this.#dialler?.settings.tls);
    });
  }

  override async tlsFirst(server: { hostname: string; port: number }): Promise<TLSSocket> {
    if (this.#dialler === undefined) return super.tlsFirst(server);
    this.socket = await this.dial(server);
    this.#secure(server.hostname);
    const socket = await super.tlsFirst(server);
    // What a server has against a client's certificate comes after its side of the handshake.
    this.#stage = 'login';
    return socket;
  }

  override startTLS(): Promise<TLSSocket> {
    // It has TLS below it.
    if (this.#webSocket !== undefined) return Promise.resolve(this.#webSocket);
    if (this.#dialler !== undefined) this.#secure(this.#where.hostname);
    return super.startTLS();
  }

  override setupHandlers(): void {
    if (this.#dialler !== undefined) {
      this.#stage = 'login';
      this.socket.on('data', this.#hear);
      this.socket.on('error', (error: Error) => {
        this.#reason ??= error;
      });
      this.socket.on('close', () => this.#end());
    }
    super.setupHandlers();
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    const chunks = super[Symbol.asyncIterator]();
    if (this.#dialler === undefined) return chunks;
    let isTold = false;
    const unlessOver = (chunk: IteratorResult<Uint8Array>): IteratorResult<Uint8Array> => {
      if (!this.#isOver) return chunk;
      if (isTold || this.#stage === 'up') return { done: true, value: undefined };
      isTold = true;
      return { done: false, value: GIVE_UP };
    };
    const iterator: AsyncIterableIterator<Uint8Array> = {
      next: () => (this.#stage === 'up' ? chunks.next() : chunks.next().then(unlessOver)),
      // The client's parser could not go on; it would read nothing more on a connection that stands.
      return: (value) => {
        this.#reason = new LinkError('protocol', 'the client cannot read it');
        if (this.#stage === 'up') this.socket?.destroy();
        else this.#fail(this.#reason);
        return chunks.return?.(value) ?? Promise.resolve({ done: true, value });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  override async close(error?: Error): Promise<void> {
    if (this.#dialler !== undefined && this.#stage !== 'up') this.#fail(error ?? closed());
    else await super.close(error);
  }

  /** Also the client's, after a refusal of the login. */
  override disconnect(): void {
    if (this.#dialler !== undefined) {
      const { url } = this.#where;
      this.#reason ??= new LinkFailure(NATS_WORDS, url, 'gone-silent', 'it does not answer pings any more');
      this.socket?.destroy();
    } else super.disconnect();
  }

  /** Failures while it ends are ignored: the client itself no longer listens. */
  override discard(): void {
    super.discard();
    this.socket?.on('error', () => undefined);
  }

  get #where(): NatsServerAddress {
    if (this.#address === undefined) throw new Error('a transport without an address');
    return this.#address;
  }

  #secure(hostname: string): void {
    const handshakeFirst = this.#dialler?.settings.tls?.handshakeFirst === true;
    const tls = { ...this.#tlsOptions(hostname), handshakeFirst };
    this.options = { ...this.options, tls };
  }

  /** @throws LinkFailure */
  #tlsOptions(hostname: string) {
    this.#stage = 'securing';
    this.#before = this.#plain?.bytesRead ?? 0;
    // A server that another one told of goes by that one's name.
    const name = this.tlsName || hostname;
    return tlsOptions(name, this.#where.url, this.#dialler?.settings.tls);
  }

  readonly #hear = (chunk: Buffer): void => {
    if (this.#answer.length < MAX_ANSWER_CHARS) this.#answer += chunk.toString('latin1');
    const refusal = /^-ERR '?([^\r\n]*?)'?\r\n/m.exec(this.#answer)?.[1];
    if (refusal === undefined || this.#dialler === undefined) return;
    this.#fail(toServerError(refusal, this.#where.url, hasLogin(this.#where, this.#dialler.settings)));
  };

  #end(): void {
    if (this.#stage !== 'up') this.#fail(this.#reason);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#dialler?.ended(this, this.#failure(this.#reason));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settle();
    const failure = this.#failure(error);
    this.#plain?.on('error', () => undefined).destroy();
    this.discard();
    this.#dialler?.failed(this, failure);
    this.#giveUp(failure);
    this.signal.resolve();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#dialler?.signal.removeEventListener('abort', this.#abort);
  }

  #failure(error: unknown): LinkError {
    const answered = (this.#plain?.bytesRead ?? 0) > this.#before;
    return failureOf(error, {
      words: NATS_WORDS,
      server: this.#where.url,
      stage: this.#stage,
      answered,
      tls: this.#dialler?.settings.tls,
      ...(this.#greeting === undefined ? {} : { wantsCertificate: this.#greeting.tls_verify === true }),
    });
  }

  #tooSlow(milliseconds: number): LinkError {
    const kind =
      this.#stage === 'connecting' ? 'connect-timeout' : this.#stage === 'securing' ? 'tls-silent' : 'silent';
    return new LinkFailure(NATS_WORDS, this.#where.url, kind, `${milliseconds} ms`);
  }
}
