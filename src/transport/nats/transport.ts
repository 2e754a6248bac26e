import { createConnection, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ConnectionOptions, Server, ServerInfo } from '@nats-io/transport-node';
import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';
import { failureOf, type Stage } from '../failure/classify.ts';
import { LinkFailure } from '../failure/failure.ts';
import { LinkError } from '../link.ts';
import { secureContext } from '../tls/settings.ts';
import { NATS_WORDS, toServerError } from './errors.ts';
import { type Greeting, readGreeting, strangerAt } from './greeting.ts';
import { hasLogin } from './login.ts';
import type { NatsLinkSettings } from './options.ts';
import type { NatsServerAddress } from './server.ts';
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
/** The client's words for a connection that ends without an error. */
const JUST_CLOSED = /^error connecting - node provided an undefined error$/;
/** What a server says to a login is shorter. */
const LONGEST_ANSWER = 4096;

const closed = (): LinkError => new LinkError('closed', 'the link is closed');

/**
 * The client's own transport, and what it leaves out (3.4.0): it tells how far an attempt was when it failed and why, gives
 * it up in time and leaves no socket, checks a server given by its address for that address, and ends a connection at once
 * whose socket takes nothing more. See docs/decisions/0004-nats.md.
 */
export class LinkTransport extends NodeTransport {
  #dialler: Dialler | undefined;
  #address: NatsServerAddress | undefined;
  #stage: Stage = 'connecting';
  #plain: Socket | undefined;
  #webSocket: TLSSocket | undefined;
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
    const { settings, signal } = this.#dialler;
    const { address, pause } = this.#dialler.begin(server, this);
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
      this.#fail(error instanceof Error && JUST_CLOSED.test(error.message) ? undefined : error);
    }
  }

  override async dial({ hostname, port }: { hostname: string; port: number }): Promise<Socket> {
    if (this.#dialler === undefined) return super.dial({ hostname, port });
    const plain = await new Promise<Socket>((resolve, reject) => {
      const socket = createConnection({ host: hostname, port, noDelay: true });
      this.#plain = socket;
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        this.#stage = 'greeting';
        resolve(socket);
      });
    });
    if (!this.#where.isWebSocket) return plain;
    const options = this.#tlsOptions(hostname);
    const secure = await new Promise<TLSSocket>((resolve, reject) => {
      const socket = connectTls({ ...options, socket: plain }, () => resolve(socket));
      socket.on('error', reject);
      socket.once('close', () => reject(undefined));
    });
    // What a server has against a client's certificate comes after its side of the handshake.
    this.#stage = 'login';
    this.#webSocket = await overWebSocket(secure, this.#where.url);
    return this.#webSocket;
  }

  override peekInfo(): Promise<ServerInfo> {
    if (this.#dialler === undefined) return super.peekInfo();
    const { url } = this.#where;
    const { socket } = this;
    return new Promise((resolve, reject) => {
      const heard = (): Buffer => Buffer.concat(this.yields);
      const settle = (act: () => void): void => {
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        act();
      };
      let info: ServerInfo | undefined;
      const isStranger = (): boolean => this.yields.length > 0 && info === undefined;
      socket.on('error', (error) => settle(() => reject(error)));
      socket.on('close', () => settle(() => reject(isStranger() ? strangerAt(heard(), url) : undefined)));
      socket.on('data', (chunk: Buffer) => {
        this.yields.push(chunk);
        try {
          const isFirst = info === undefined;
          info = readGreeting(heard(), url);
          if (info === undefined || !isFirst) return;
          this.#greet(info);
          const greeted = info;
          // A server with too many clients says so right behind it and closes: writing to it would lose what it says.
          setImmediate(() => setImmediate(() => settle(() => resolve(greeted))));
        } catch (error) {
          settle(() => reject(error));
        }
      });
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

  /** Asked for when pings stay unanswered, or after a refusal of the login. */
  override disconnect(): void {
    if (this.#dialler !== undefined) {
      const { url } = this.#where;
      this.#reason ??= new LinkFailure(NATS_WORDS, url, 'gone-silent', 'it does not answer pings any more');
      this.socket?.destroy();
    } else super.disconnect();
  }

  /** What fails while it ends is nobody's news; the client's own leaves nobody who hears it. */
  override discard(): void {
    super.discard();
    this.socket?.on('error', () => undefined);
  }

  get #where(): NatsServerAddress {
    if (this.#address === undefined) throw new Error('a transport without an address');
    return this.#address;
  }

  /** @throws LinkFailure */
  #greet(info: ServerInfo): void {
    this.#greeting = info;
    const tls = this.#dialler?.settings.tls;
    const wantsTls = tls !== undefined || this.#where.tlsRequired;
    const hasTls = tls?.handshakeFirst === true || this.#where.isWebSocket;
    if (wantsTls && !hasTls && !info.tls_required && !info.tls_available)
      throw new LinkFailure(NATS_WORDS, this.#where.url, 'no-tls');
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
    const tls = this.#dialler?.settings.tls ?? { verify: true };
    // A server that another one told of goes by that one's name.
    const name = this.tlsName || hostname;
    return {
      // Without it Node checks the certificate of a server given by its address against "localhost".
      host: name,
      servername: isIP(name) === 0 ? name : '',
      rejectUnauthorized: tls.verify,
      secureContext: secureContext(tls, NATS_WORDS, this.#where.url),
    };
  }

  readonly #hear = (chunk: Buffer): void => {
    if (this.#answer.length < LONGEST_ANSWER) this.#answer += chunk.toString('latin1');
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
