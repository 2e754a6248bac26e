import type { StompHeartbeat } from './options.ts';

/** What was agreed on, in milliseconds; 0 where there is none. */
export interface AgreedHeartbeat {
  /** We send at least this often. */
  readonly send: number;
  /** The broker sends at least this often. */
  readonly expect: number;
}

const HEADER = /^\s*(\d{1,9})\s*,\s*(\d{1,9})\s*$/;

/**
 * STOMP 1.1, "Heart-beating": for each direction the larger of what both said, or none if either said 0. ActiveMQ
 * agrees on heart-beats with 1.0 clients as well, and then wants them; so the header counts, not the version.
 *
 * @param header CONNECTED's `heart-beat`
 */
export const agreeHeartbeat = (own: StompHeartbeat, header: string | undefined): AgreedHeartbeat => {
  const [, theirs = '0', wanted = '0'] = HEADER.exec(header ?? '') ?? [];
  const agree = (a: number, b: number) => (a === 0 || b === 0 ? 0 : Math.max(a, b));
  return { send: agree(own.outgoing, Number(wanted)), expect: agree(own.incoming, Number(theirs)) };
};

export interface HeartbeatActions {
  readonly beat: () => void;
  readonly onSilence: (milliseconds: number) => void;
}

/**
 * How long a silence may last. ActiveMQ 5.17.2 looks once an interval whether it has sent something since its last
 * look, and beats only if not; so two intervals may pass (measured: 2.0 s where 1 s was agreed on, after CONNECTED
 * and after every message). Half an interval more, and a second at least, is for pauses of the broker.
 */
export const tolerance = (expect: number): number => 2 * expect + Math.max(expect / 2, 1000);

/** Keeps an idle connection alive and notices one that has gone silent. */
export class Heartbeat {
  readonly #agreed: AgreedHeartbeat;
  readonly #actions: HeartbeatActions;
  #timers: NodeJS.Timeout[] = [];
  #heard = performance.now();

  constructor(agreed: AgreedHeartbeat, actions: HeartbeatActions) {
    this.#agreed = agreed;
    this.#actions = actions;
  }

  start(): void {
    const { send, expect } = this.#agreed;
    this.#heard = performance.now();
    // Twice as often as promised, so that a late timer does not break the promise.
    if (send > 0) this.#timers.push(setInterval(this.#actions.beat, Math.max(1, send / 2)));
    if (expect > 0) this.#timers.push(setInterval(() => this.#listen(expect), Math.max(1, expect / 2)));
  }

  /** Bytes have come, whatever they are. */
  heard(): void {
    this.#heard = performance.now();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #listen(expect: number): void {
    if (this.#silence() <= tolerance(expect)) return;
    // If this process was busy, bytes may wait unread: timers run before the sockets' turn, immediates after it.
    setImmediate(() => {
      const silence = this.#silence();
      if (silence > tolerance(expect) && this.#timers.length > 0)
        this.#actions.onSilence(Math.round(silence));
    });
  }

  #silence(): number {
    return performance.now() - this.#heard;
  }
}
