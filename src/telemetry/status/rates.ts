import type { BridgeObserver, Step } from '../../envelope/observer.ts';

const REMEMBERED_SECONDS = 300;
const MINUTE_SECONDS = 60;

/** How much there was of something in the last seconds, a number for each of them. */
class Recent {
  readonly #counts = new Uint32Array(REMEMBERED_SECONDS);
  /** Which second since the epoch each of them is of. */
  readonly #seconds = new Float64Array(REMEMBERED_SECONDS).fill(Number.NEGATIVE_INFINITY);

  add(now: number): void {
    const second = Math.floor(now / 1000);
    const slot = ((second % REMEMBERED_SECONDS) + REMEMBERED_SECONDS) % REMEMBERED_SECONDS;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#counts[slot] = 0;
    }
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** A second, over the last ones, the one that has begun included. @param since ms since the epoch when counting began */
  rate(now: number, seconds: number, since: number): number {
    const last = Math.floor(now / 1000);
    let sum = 0;
    // What a clock that was set back has left behind lies ahead.
    for (const [slot, second] of this.#seconds.entries())
      if (second > last - seconds && second <= last) sum += this.#counts[slot] ?? 0;
    const from = Math.max(since, (last - seconds + 1) * 1000);
    return sum / Math.max(1, (now - from) / 1000);
  }
}

/** Per second. */
export interface Rate {
  readonly minute: number;
  readonly five_minutes: number;
}

const COUNTED = ['requests', 'replies', 'refusals'] as const;
type Counted = (typeof COUNTED)[number];

const OF_STEP: Partial<Record<Step, Counted>> = {
  'request received': 'requests',
  'reply received': 'replies',
};

/** How many requests, replies and refusals there are a second. Takes as much memory for many as for none. */
export class Rates implements Pick<BridgeObserver, 'step' | 'refused'> {
  readonly #clock: () => number;
  readonly #since: number;
  readonly #recent: Readonly<Record<Counted, Recent>> = {
    requests: new Recent(),
    replies: new Recent(),
    refusals: new Recent(),
  };

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#since = clock();
  }

  step(step: Step): void {
    const counted = OF_STEP[step];
    if (counted !== undefined) this.#recent[counted].add(this.#clock());
  }

  refused(): void {
    this.#recent.refusals.add(this.#clock());
  }

  now(): Readonly<Record<Counted, Rate>> {
    const rateOf = (counted: Counted): Rate => {
      const now = this.#clock();
      const over = (seconds: number): number =>
        Math.round(this.#recent[counted].rate(now, seconds, this.#since) * 1000) / 1000;
      return { minute: over(MINUTE_SECONDS), five_minutes: over(REMEMBERED_SECONDS) };
    };
    return { requests: rateOf('requests'), replies: rateOf('replies'), refusals: rateOf('refusals') };
  }
}
