import type { WebSocket } from 'ws';
import { cut } from '../../envelope/text.ts';
import type { Proven } from '../proof/proof.ts';
import { CLOSE_CODES } from './places.ts';
import type { SessionFault } from './refusal.ts';
import type { SessionLimits } from './settings.ts';

/** Messages, pings and pongs that a client may have in hand, and how many it gets anew each second. Nobody clicks that fast. */
const MOST_AT_ONCE = 400;
const EACH_SECOND = 200;
/** How long a client has to answer a close, in ms. */
const CLOSE_TIMEOUT_MS = 2_000;
/** How often it is asked whether a certificate has been revoked, in ms. */
const REVOCATION_MS = 5_000;

/** What `ws` says of frames that break its limits or the protocol. */
const FAULTS: ReadonlyMap<unknown, SessionFault> = new Map([
  ['WS_ERR_INVALID_UTF8', 'not_utf8'],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'too_large'],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 'too_many_fragments'],
]);

/** Why a session has ended. */
export interface Ending {
  /** Undefined where nobody is at fault. */
  readonly fault: SessionFault | undefined;
  readonly sentence: string;
}

export interface SessionEvents {
  /** A text of the client. */
  said(text: Buffer): void;
  /** Called once. */
  ended(ending: Ending): void;
}

/** One WebSocket whose client is known. */
export class Session {
  readonly id: string;
  readonly who: Proven;
  /** Resolves once the connection is no more, and its end was told. */
  readonly gone: Promise<void>;
  readonly #socket: WebSocket;
  readonly #limits: SessionLimits;
  readonly #events: SessionEvents;
  #ending: Ending | undefined;
  #left = MOST_AT_ONCE;
  #refilled: number;
  #pinged: number;
  #looked: number;
  #isAlive = true;

  /** @param now ms since the epoch */
  constructor(
    socket: WebSocket,
    it: { readonly id: string; readonly who: Proven },
    limits: SessionLimits,
    events: SessionEvents,
    now: number,
  ) {
    this.id = it.id;
    this.who = it.who;
    this.#socket = socket;
    this.#limits = limits;
    this.#events = events;
    this.#refilled = now;
    this.#pinged = now;
    this.#looked = now;
    socket.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary));
    socket.on('ping', () => this.#spend());
    socket.on('pong', () => {
      this.#isAlive = true;
      this.#spend();
    });
    socket.on('error', (error: Error & { readonly code?: string }) => {
      // A connection that breaks is nobody's fault.
      const fault =
        error.code?.startsWith('WS_ERR_') === true ? (FAULTS.get(error.code) ?? 'bad_frame') : undefined;
      this.#ending ??= { fault, sentence: error.message };
    });
    this.gone = new Promise((resolve) => {
      socket.on('close', () => {
        events.ended(this.#ending ?? { fault: undefined, sentence: 'the client has left' });
        resolve();
      });
    });
  }

  /** Bytes that wait for the client to take them. */
  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  /** A client that takes too little is cut off: what waits for it is others' memory. */
  send(text: Uint8Array): void {
    if (this.#ending !== undefined) return;
    // As a text, whose bytes these are.
    this.#socket.send(text, { binary: false, compress: false });
    this.#cutIfSlow();
  }

  #cutIfSlow(): void {
    if (this.#ending !== undefined || this.buffered <= this.#limits.bufferedBytes) return;
    this.#ending = { fault: 'slow_reader', sentence: `the client has left ${this.buffered} bytes unread` };
    this.#socket.terminate();
  }

  /** @param fault where the client is at fault */
  close(code: number, sentence: string, fault?: SessionFault): void {
    this.#ending ??= { fault, sentence };
    // More does not fit a close frame.
    this.#socket.close(code, cut(sentence, 120));
    setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Called now and then, at least once a second. @param now ms since the epoch */
  look(now: number): void {
    const { until, revoked } = this.who;
    if (until !== undefined && now >= until)
      this.close(CLOSE_CODES.unauthenticated, 'what proved who it is has ended', 'token_ended');
    if (revoked !== undefined && now - this.#looked >= REVOCATION_MS) {
      this.#looked = now;
      const why = revoked();
      if (why !== undefined) this.close(CLOSE_CODES.unauthenticated, why, 'revoked_certificate');
    }
    this.#refill(now);
    // Pongs wait too, and nobody sends those but the library.
    this.#cutIfSlow();
    if (now - this.#pinged >= this.#limits.ping) this.#ping(now);
  }

  #ping(now: number): void {
    this.#pinged = now;
    if (!this.#isAlive) {
      this.close(CLOSE_CODES.timeout, 'no pong has come', 'silent');
      return;
    }
    // One that is held back cannot show that it is there.
    if (this.#socket.isPaused) return;
    this.#isAlive = false;
    this.#socket.ping();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#ending !== undefined) return;
    if (isBinary) {
      this.close(CLOSE_CODES.badRequest, 'messages are texts, and this one is binary', 'binary');
      return;
    }
    this.#spend();
    this.#events.said(data);
  }

  /** Whoever says more than its share waits: nothing more is read of it. */
  #spend(): void {
    if (--this.#left <= 0) this.#socket.pause();
  }

  #refill(now: number): void {
    this.#left = Math.min(MOST_AT_ONCE, this.#left + (EACH_SECOND * (now - this.#refilled)) / 1000);
    this.#refilled = now;
    if (this.#left > 0 && this.#socket.isPaused) this.#socket.resume();
  }
}
