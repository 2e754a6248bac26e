import { own } from '../envelope/text.ts';

/** Ms until a lasting condition is logged again: a minute, doubling up to an hour. */
const FIRST_PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 3_600_000;

interface Told {
  readonly next: number;
  readonly pause: number;
}

/** Decides when to log a lasting condition again: at once, then less and less. */
export class Reminders {
  readonly #clock: () => number;
  readonly #told = new Map<string, Told>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Whether it is time to report it; if so, it counts as reported. */
  isDue(what: string): boolean {
    const now = this.#clock();
    const told = this.#told.get(what);
    if (told !== undefined && now < told.next) return false;
    const pause = told === undefined ? FIRST_PAUSE_MS : Math.min(MAX_PAUSE_MS, told.pause * 2);
    this.#told.set(own(what), { next: now + pause, pause });
    return true;
  }

  /** It is over: the next time is the first again. @returns whether it had been reported */
  isOver(what: string): boolean {
    return this.#told.delete(what);
  }
}
