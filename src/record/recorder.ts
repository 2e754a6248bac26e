import {
  bodyFields,
  bodyOf,
  type CassetteEntry,
  type CassetteMessage,
  type CassetteRejected,
  isRejected,
} from '../cassette/format.ts';
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

/** Who is told of all that happens on links. */
export interface Tap {
  message(message: Passing): void;
  rejected(rejected: CassetteRejected['rejected']): void;
}

/** Takes payload values out of an entry; undefined where it cannot be sure that it has. */
export type Redact = (entry: CassetteEntry, onLeftOut: (reason: string) => void) => CassetteEntry | undefined;

export interface RecorderOptions {
  readonly write: (entry: CassetteEntry) => boolean;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly redact?: Redact;
  /** Messages after which it is full. */
  readonly count?: number;
}

/** What passes becomes lines of a cassette. Never holds up what passes. */
export class Recorder implements Tap {
  readonly tally = new Tally();
  /** Resolves once it has as many messages as it was to take. */
  readonly full: Promise<void>;
  readonly #options: RecorderOptions;
  #fill: () => void = () => undefined;
  #at = 0;
  #stopped = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.full = new Promise((resolve) => {
      this.#fill = resolve;
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
  entry(entry: CassetteEntry): void {
    this.#at = Math.max(this.#at, entry.at);
    this.#take({ ...entry, at: this.#at }, isRejected(entry) ? 0 : bodyOf(entry).length);
  }

  rejected(rejected: CassetteRejected['rejected']): void {
    this.#take({ at: this.#now(), rejected }, 0);
  }

  /** Takes no more. */
  stop(): void {
    this.#stopped = true;
  }

  /** The lines of a cassette are in order, also while somebody sets the clock. */
  #now(): number {
    this.#at = Math.max(this.#at, this.#options.clock());
    return this.#at;
  }

  /** @param bytes of the body that came */
  #take(given: CassetteEntry, bytes: number): void {
    const { redact, write, count } = this.#options;
    if (this.#stopped) return;
    const entry = redact === undefined ? given : redact(given, (reason) => this.tally.leaveOut(reason));
    if (entry === undefined) return;
    if (!write(entry)) this.tally.dropped++;
    else if (isRejected(entry)) this.tally.rejected++;
    else this.tally.add(entry, redact === undefined ? bytes : bodyOf(entry).length);
    if (count === undefined || this.tally.messages < count) return;
    this.#stopped = true;
    this.#fill();
  }
}
