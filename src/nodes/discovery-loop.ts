import type { Log } from '../envelope/log.ts';
import type { LinkStatus } from '../envelope/port.ts';
import { asRejection } from '../envelope/rejection.ts';

export type Found = (egress: string, collective: string, node: string) => void;

/** The progress of discovery by one egress. */
export interface Progress {
  /** Ms since the epoch; undefined before all of its collectives were asked once. */
  readonly asked: number | undefined;
  /** Why nodes cannot be asked now, in a sentence. */
  readonly error: string | undefined;
}

export interface DiscoveryLoopOptions {
  /** Of the egress. */
  readonly name: string;
  readonly ask: (collective: string, take: (node: string) => void) => Promise<void>;
  readonly status: () => LinkStatus;
  readonly collectives: readonly string[];
  /** Ms. */
  readonly every: number;
  readonly found: Found;
  /** Called once a question has gone out. @param at ms since the epoch, from before the first answer */
  readonly asked: (collective: string, at: number) => void;
  readonly log: Log;
  readonly clock: () => number;
  readonly random: () => number;
  /** When the egress was asked last, also by a configuration before this one, in ms since the epoch. */
  readonly lastAsked?: number | undefined;
}

/** Ms until a question that failed is asked again; doubled each time, up to the interval. */
const RETRY_DELAY_MS = 500;
/** Ms until discovery by an egress that has not been asked yet is tried again: requests wait for its answers. */
const FIRST_RETRY_DELAY_MS = 50;
/** Part of the interval by which it varies, so that instances that were started together do not ask together. */
const JITTER_SHARE = 0.1;

/** Sends discovery by one egress, collective by collective, then again after an interval. */
export class DiscoveryLoop {
  readonly #options: DiscoveryLoopOptions;
  /** The code of the last failure of each collective that has failed. */
  readonly #failing = new Map<string, string>();
  #due: readonly string[];
  #failures = 0;
  #progress: Progress = { asked: undefined, error: undefined };
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: DiscoveryLoopOptions) {
    this.#options = options;
    this.#due = options.collectives;
    this.#progress = { asked: options.lastAsked, error: undefined };
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** Asks at once, or when it is time again. */
  start(): void {
    const { lastAsked, every, clock } = this.#options;
    if (lastAsked === undefined) void this.#round();
    else this.#again(Math.max(0, lastAsked + every - clock()));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const { name, status, collectives, every, clock, random } = this.#options;
    const { up, reason } = status();
    if (!up) {
      // A question that waited in the buffer would bring answers of an old moment. The link itself logs why it is down.
      this.#progress = {
        ...this.#progress,
        error: `${name} is not connected${reason === undefined ? '' : `: ${reason}`}`,
      };
      this.#due = collectives;
      this.#failures = 0;
      this.#again(
        Math.min(this.#progress.asked === undefined ? FIRST_RETRY_DELAY_MS : RETRY_DELAY_MS, every),
      );
      return;
    }
    const failed: string[] = [];
    const reasons: string[] = [];
    for (const collective of this.#due) {
      if (this.#stopped) return;
      const reason = await this.#ask(collective);
      if (reason === undefined) continue;
      failed.push(collective);
      reasons.push(`${collective}: ${reason}`);
    }
    const [error] = reasons;
    const { asked } = this.#progress;
    this.#progress = { asked: failed.length === 0 ? clock() : asked, error };
    this.#due = failed.length === 0 ? collectives : failed;
    this.#failures = failed.length === 0 ? 0 : this.#failures + 1;
    this.#again(
      failed.length === 0
        ? every * (1 + JITTER_SHARE * (2 * random() - 1))
        : Math.min(every, RETRY_DELAY_MS * 2 ** (this.#failures - 1)),
    );
  }

  #again(delay: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#round(), delay).unref();
  }

  /** @returns why it failed */
  async #ask(collective: string): Promise<string | undefined> {
    const { name: egress, ask, found, asked, log, clock } = this.#options;
    const before = this.#failing.get(collective);
    try {
      const at = clock();
      await ask(collective, (node) => found(egress, collective, node));
      asked(collective, at);
      this.#failing.delete(collective);
      if (before !== undefined)
        log.info({ event: 'discovery', egress, collective }, 'nodes can be asked for again');
      return undefined;
    } catch (error) {
      const rejection = asRejection(error);
      const { code, message } = rejection;
      this.#failing.set(collective, code);
      const fields = {
        egress,
        collective,
        reason: code,
        ...(code === 'internal' ? { err: rejection.cause } : {}),
      };
      if (code !== before)
        log.warn({ event: 'discovery', ...fields }, `nodes cannot be asked for: ${message}`);
      return message;
    }
  }
}
