import pTimeout from 'p-timeout';
import type { Move } from '../../nodes/inventory.ts';
import {
  bodyFields,
  bodyOf,
  type CassetteEntry,
  type CassetteLine,
  type CassetteMessage,
  type CassetteRejected,
  isNodes,
  isRejected,
} from '../file/format.ts';
import { Moves } from './moves.ts';
import { Tally } from './tally.ts';

/** A message on its way through a link. */
export interface Passing {
  readonly link: string;
  readonly side: CassetteMessage['side'];
  readonly dir: CassetteMessage['dir'];
  readonly destination: string;
  readonly replyTo?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: Uint8Array;
}

/** Gets all that happens on links. */
export interface Tap {
  message(message: Passing): void;
  rejected(rejected: CassetteRejected['rejected']): void;
  /** A node has come or gone. */
  moved(move: Move): void;
}

/** Takes payload values out of an entry; undefined where it cannot be sure that it has. */
export type Redact = (entry: CassetteEntry, onLeftOut: (reason: string) => void) => CassetteEntry | undefined;

export interface RecorderOptions {
  readonly write: (entry: CassetteLine) => boolean;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly redact?: Redact;
  /** Messages after which it is full. */
  readonly count?: number;
}

/** Ms within which a bridge has done all that it does about a message, unless it is very busy. */
const SETTLE_TIMEOUT_MS = 1_000;

/** What passes becomes lines of a cassette. Never holds up what passes. */
export class Recorder implements Tap {
  readonly tally = new Tally();
  /** Resolves once it has as many messages as it was to take. */
  readonly full: Promise<void>;
  readonly #options: RecorderOptions;
  readonly #over: Promise<void>;
  #fill: () => void = () => undefined;
  #end: () => void = () => undefined;
  readonly #moves = new Moves();
  #at = 0;
  /** When a message came in last, ms since the epoch. */
  #cameIn = Number.NEGATIVE_INFINITY;
  /** Whether it takes only what the bridge makes of what has come in. */
  #finishing = false;
  #stopped = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.full = new Promise((resolve) => {
      this.#fill = resolve;
    });
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  message({ link, side, dir, destination, replyTo, headers, body }: Passing): void {
    const entry: CassetteMessage = {
      at: this.#now(),
      link,
      side,
      dir,
      destination,
      ...(replyTo === undefined ? {} : { reply_to: replyTo }),
      ...(headers === undefined || Object.keys(headers).length === 0 ? {} : { headers: { ...headers } }),
      ...bodyFields(body),
    };
    this.#take(entry, body.byteLength);
  }

  /** What another recorder has made. */
  entry(entry: CassetteLine): void {
    this.#at = Math.max(this.#at, entry.at);
    if (isNodes(entry)) {
      if (!this.#stopped) this.#options.write({ ...entry, at: this.#at });
      return;
    }
    this.#take({ ...entry, at: this.#at }, isRejected(entry) ? 0 : bodyOf(entry).length);
  }

  moved(move: Move): void {
    if (!this.#stopped) this.#moves.add(move);
  }

  rejected(rejected: CassetteRejected['rejected']): void {
    this.#take({ at: this.#now(), rejected }, 0);
  }

  /**
   * Takes no other message that comes in, but what the bridge makes of the last: without it a replay would make more of the
   * recording than there is in it. Resolves when the next one comes in, or the bridge has had the time.
   */
  async finish(): Promise<void> {
    this.#finishing = true;
    const left = this.#cameIn + SETTLE_TIMEOUT_MS - this.#options.clock();
    if (left > 0)
      await pTimeout(this.#over, { milliseconds: Math.min(left, SETTLE_TIMEOUT_MS), message: false });
    this.stop();
  }

  /** Takes no more. */
  stop(): void {
    this.#stopped = true;
    this.#end();
  }

  /** The lines of a cassette are in order, also when the clock is set back. */
  #now(): number {
    this.#at = Math.max(this.#at, this.#options.clock());
    return this.#at;
  }

  /** @param bytes of the body that came */
  #take(given: CassetteEntry, bytes: number): void {
    const { redact, write, count } = this.#options;
    if (this.#stopped) return;
    if (!isRejected(given) && given.dir === 'in') {
      if (this.#finishing) {
        this.stop();
        return;
      }
      this.#cameIn = given.at;
    }
    for (const nodes of this.#moves.take()) write({ at: given.at, nodes });
    const entry = redact === undefined ? given : redact(given, (reason) => this.tally.leaveOut(reason));
    if (entry === undefined) return;
    if (!write(entry)) this.tally.dropped++;
    else if (isRejected(entry)) this.tally.rejected++;
    else this.tally.add(entry, redact === undefined ? bytes : bodyOf(entry).length);
    if (count === undefined || this.tally.messages < count) return;
    this.#finishing = true;
    this.#fill();
  }
}
