import type { Socket } from 'node:net';
import { type ConnectStage, failureOf } from '../failure/classify.ts';
import { LinkFailure } from '../failure/failure.ts';
import { speakerOf } from '../failure/greeting.ts';
import { LinkError, type Right } from '../link.ts';
import { watchPeer } from '../tls/peer.ts';
import { dial } from './dial.ts';
import type { Frame, StompVersion } from './frame.ts';
import { readAnswer, type Session, writeConnect } from './handshake.ts';
import type { Head } from './head.ts';
import { Heartbeat } from './heartbeat.ts';
import { type StompServer, type StompSettings, serverUrl } from './options.ts';
import { FrameParser } from './parser.ts';
import { brokerError, type Refused, refused } from './refusal.ts';
import { STOMP_WORDS } from './words.ts';
import { writeFrame } from './writer.ts';

export interface ConnectionHandlers {
  /** @param note what an operator should know of this connection */
  readonly onConnected: (note: string | undefined) => void;
  /** MESSAGE and RECEIPT frames. */
  readonly onFrame: (frame: Frame) => void;
  readonly onTooLarge: (head: Head, bytes: number) => void;
  /** What was asked for with this receipt, where it is one of a right. */
  readonly asked: (receipt: string) => Right | undefined;
  /** The broker refuses a right; the connection goes on. */
  readonly onRefused: (refused: Refused, receipt: string) => void;
  /** The socket takes bytes again. */
  readonly onDrain: () => void;
  /** Called once, whether it was connected or not; nothing is called after it. */
  readonly onClose: (reason: LinkError) => void;
}

/** `connecting` is TCP, `securing` TLS, `greeting` from CONNECT to CONNECTED. */
type Phase = 'connecting' | 'securing' | 'greeting' | 'up' | 'leaving' | 'closed';

const KEEP_ALIVE_MS = 30_000;
const FAREWELL = 'farewell';

/** One connection to one server, from dialing to its end. It never comes back: make another. */
export class Connection {
  readonly #server: StompServer;
  readonly #settings: StompSettings;
  readonly #handlers: ConnectionHandlers;
  readonly #parser: FrameParser;
  #phase: Phase = 'connecting';
  #version: StompVersion = '1.0';
  #socket: Socket | undefined;
  #received: () => number = () => 0;
  /** What the broker said first. */
  #first: Buffer | undefined;
  #heartbeat: Heartbeat | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: StompServer, settings: StompSettings, handlers: ConnectionHandlers) {
    this.#server = server;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#parser = new FrameParser(settings.maxFrameBytes, {
      onFrame: (frame) => this.#onFrame(frame),
      onTooLarge: handlers.onTooLarge,
    });
  }

  /** What the broker chose. */
  get version(): StompVersion {
    return this.#version;
  }

  /** Whether the socket takes more now; when it does not, `onDrain` follows. */
  get accepts(): boolean {
    return this.#phase === 'up' && this.#socket?.writableNeedDrain === false;
  }

  start(): void {
    const { connectTimeout } = this.#settings;
    this.#timer = setTimeout(
      () => this.#fail(tooSlow(this.#server, this.#phase, connectTimeout)),
      connectTimeout,
    );
    this.#guard(() => {
      const { socket, received } = dial(this.#server, () => this.#handshake());
      this.#socket = socket;
      this.#received = received;
      this.#listen(socket);
    });
  }

  /**
   * Sends a frame without a body, at once.
   * @throws LinkError `protocol` for headers that the agreed version cannot say
   */
  command(command: string, headers: Readonly<Record<string, string>>): void {
    this.write([writeFrame(command, headers, this.#version)]);
  }

  /** Bytes of whole frames, in one go. */
  write(parts: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (socket === undefined || this.#phase === 'closed') return;
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  }

  /** Takes leave: what has been written arrives first. Ends in `onClose`, after `milliseconds` at the latest. */
  disconnect(milliseconds: number): void {
    if (this.#phase !== 'up') {
      this.#fail(new LinkError('closed', 'the link was closed'));
      return;
    }
    this.command('DISCONNECT', { receipt: FAREWELL });
    this.#phase = 'leaving';
    this.#timer = setTimeout(() => this.#fail(new LinkError('closed', 'the link was closed')), milliseconds);
  }

  get #url(): string {
    return serverUrl(this.#server);
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => {
      if (this.#phase === 'up') this.#handlers.onDrain();
    });
    socket.on('connect', () => {
      if (this.#phase === 'connecting' && this.#server.tls !== undefined) this.#phase = 'securing';
    });
    socket.on('error', (error) => this.#fail(this.#failure(error)));
    socket.on('close', () => this.#fail(this.#failure(undefined)));
  }

  #failure(error: unknown): LinkError {
    const { tls } = this.#server;
    return failureOf(error, {
      words: STOMP_WORDS,
      server: this.#url,
      stage: STAGES[this.#phase],
      answered: this.#received() > 0,
      tls,
    });
  }

  #handshake(): void {
    this.#phase = 'greeting';
    this.#guard(() => this.write([writeConnect(this.#settings)]));
  }

  #onData(chunk: Buffer): void {
    this.#heartbeat?.heard();
    this.#first ??= chunk;
    this.#guard(() => this.#parser.push(chunk));
  }

  /** What the protocol forbids ends the connection; any other error is a bug and goes on. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      const who = speakerOf(this.#first ?? Buffer.alloc(0));
      const isStranger =
        this.#phase === 'greeting' && !(error instanceof LinkFailure) && this.#first !== undefined;
      this.#fail(
        isStranger
          ? new LinkFailure(STOMP_WORDS, this.#url, 'another-protocol', who, { cause: error })
          : this.#failure(error),
      );
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#phase === 'greeting') this.#onConnected(readAnswer(frame, this.#server, this.#settings));
    else if (frame.command === 'ERROR') this.#onError(frame);
    else if (frame.command === 'RECEIPT' && frame.headers['receipt-id'] === FAREWELL) {
      this.#socket?.end();
      this.#fail(new LinkError('closed', 'the link was closed'));
    } else if (frame.command === 'MESSAGE' || frame.command === 'RECEIPT') this.#handlers.onFrame(frame);
    else throw new LinkError('protocol', `a broker does not send ${frame.command} frames`);
  }

  /** In all versions the end of a connection; but ActiveMQ goes on after what it does not permit. */
  #onError(frame: Frame): void {
    const receipt = frame.headers['receipt-id'] ?? '';
    const denial = refused(this.#server, this.#settings, frame, this.#handlers.asked(receipt));
    if (denial === undefined) this.#fail(brokerError(this.#server, this.#settings, frame));
    else this.#handlers.onRefused(denial, receipt);
  }

  #onConnected({ version, heartbeat }: Session): void {
    this.#version = version;
    this.#parser.version = version;
    this.#phase = 'up';
    clearTimeout(this.#timer);
    this.#heartbeat = new Heartbeat(heartbeat, {
      beat: () => this.#beat(),
      onSilence: (ms) => {
        const silence = `heart-beats are missing for ${ms} ms`;
        this.#fail(new LinkFailure(STOMP_WORDS, this.#url, 'gone-silent', silence));
      },
    });
    this.#heartbeat.start();
    const at = { words: STOMP_WORDS, server: this.#url };
    watchPeer(this.#socket, this.#server.tls, at, (reason) => this.#fail(reason));
    if (heartbeat.expect === 0) this.#socket?.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#handlers.onConnected(
      heartbeat.expect > 0
        ? undefined
        : `no heart-beats from the broker (STOMP ${version}): TCP keep-alive alone watches the connection`,
    );
  }

  #beat(): void {
    // While bytes wait, the peer has other things to read, or nothing would help.
    if (this.#socket?.writableNeedDrain === false) this.#socket.write('\n');
  }

  #fail(reason: LinkError): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    clearTimeout(this.#timer);
    this.#heartbeat?.stop();
    this.#parser.stop();
    this.#socket?.destroy();
    this.#handlers.onClose(reason);
  }
}

const STAGES: Readonly<Record<Phase, ConnectStage>> = {
  connecting: 'connecting',
  securing: 'securing',
  greeting: 'login',
  up: 'up',
  leaving: 'up',
  closed: 'up',
};

const tooSlow = (server: StompServer, phase: Phase, milliseconds: number): LinkError => {
  const kind = phase === 'connecting' ? 'connect-timeout' : phase === 'securing' ? 'tls-silent' : 'silent';
  return new LinkFailure(STOMP_WORDS, serverUrl(server), kind, `${milliseconds} ms`);
};
