import { own } from '../envelope/text.ts';

/** Ms until something that lasts is told again: a minute, doubling up to an hour. */
const FIRST = 60_000;
const LONGEST = 3_600_000;

interface Told {
  readonly next: number;
  readonly pause: number;
}

/** Says when to tell again of what lasts: at once, then less and less. */
export class Reminders {
  readonly #clock: () => number;
  readonly #told = new Map<string, Told>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Whether it is time to tell of it; if so, it counts as told. */
  isDue(what: string): boolean {
    const now = this.#clock();
    const told = this.#told.get(what);
    if (told !== undefined && now < told.next) return false;
    const pause = told === undefined ? FIRST : Math.min(LONGEST, told.pause * 2);
    this.#told.set(own(what), { next: now + pause, pause });
    return true;
  }

  /** It is over: the next time is the first again. @returns whether it had been told of */
  isOver(what: string): boolean {
    return this.#told.delete(what);
  }
}
