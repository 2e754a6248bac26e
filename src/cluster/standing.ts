import type { Statement } from './statement.ts';
import { type Moment, type Timing, timingOf } from './timing.ts';

interface Sent {
  readonly at: Moment;
  readonly since: Since;
}

/** From when on it takes requests. */
interface Since {
  /** Of the requests it reads from this moment of the steady clock on … */
  readonly steady: number;
  /**
   * … those with this time or a later one, in ms since the epoch. A whole second, as the times of requests are: what is
   * sent from then on bears no earlier time. And later than `steady`, for clients and instances whose clocks are ahead.
   */
  readonly epoch: number;
  /** When that is by the steady clock. */
  readonly ready: number;
}

const sinceAfter = ({ steady, epoch }: Moment, { join, spare }: Timing): Since => {
  const whole = Math.ceil((epoch + join + spare / 2) / 1000) * 1000;
  return { steady: steady + join, epoch: whole, ready: steady + whole - epoch };
};

/** How this process takes part itself: from when on, and whether it is sure of what it knows; see `timing.ts`. */
export class Standing {
  readonly #process: string;
  readonly #timing: Timing;
  /** Own statements that have not come back, by sequence. */
  readonly #sent = new Map<number, Sent>();
  #sequence = 0;
  #lastSent: Sent | undefined;
  /** When the newest statement that came back was sent. */
  #confirmed: Moment | undefined;
  #since: Since;
  /** A statement with this `since` has come back in good time. */
  #announced = false;
  /** Ms since the epoch. */
  #until: number | undefined;
  /** Whether all that is shared reaches it. */
  hearsAll = true;
  /** Ms: the longest interval in the cluster, after which a joining instance goes. */
  #longest: number;

  constructor(process: string, interval: number, now: Moment) {
    this.#process = process;
    this.#timing = timingOf(interval);
    this.#longest = interval;
    this.#since = sinceAfter(now, this.#timing);
  }

  get confirmed(): Moment | undefined {
    return this.#confirmed;
  }

  get lastSent(): Moment | undefined {
    return this.#lastSent?.at;
  }

  /** From when on it takes requests, in ms since the epoch. */
  get since(): number {
    return this.#since.epoch;
  }

  get until(): number | undefined {
    return this.#until;
  }

  /** The next statement, which is as good as sent. */
  state(now: Moment): Statement {
    if (this.#lastSent === undefined) this.#rejoin(now);
    this.check(now);
    const sequence = ++this.#sequence;
    this.#lastSent = { at: now, since: this.#since };
    for (const [one, { at }] of this.#sent)
      if (now.steady - at.steady > this.#timing.fence) this.#sent.delete(one);
    this.#sent.set(sequence, this.#lastSent);
    return {
      process: this.#process,
      sequence,
      sent: Math.floor(now.epoch),
      interval: this.#timing.interval,
      since: this.#since.epoch,
      ...(this.#until !== undefined && { until: this.#until }),
      hearsAll: this.hearsAll,
    };
  }

  /** One of its own statements has come back. */
  hear(sequence: number, now: Moment): void {
    this.check(now);
    const sent = this.#sent.get(sequence);
    // One that waited in the socket while this process was stopped proves nothing of now.
    if (sent === undefined || this.#isOld(sent.at, now)) return;
    for (const one of this.#sent.keys()) if (one <= sequence) this.#sent.delete(one);
    this.#confirmed = sent.at;
    if (this.#announced || sent.since !== this.#since) return;
    if (now.steady <= this.#since.steady - 2 * this.#longest) this.#announced = true;
    else this.#rejoin(now);
  }

  /** Another instance speaks less often: it may know of this one later than one with this one's own interval. */
  widen(interval: number, now: Moment): void {
    if (interval <= this.#longest || this.#until !== undefined) return;
    this.#longest = interval;
    if (!this.takesPart(now)) this.#rejoin(now);
  }

  leave(until: number): void {
    this.#until = until;
  }

  /** Takes part again, as one that has just begun. */
  resume(now: Moment): void {
    this.#until = undefined;
    this.#rejoin(now);
  }

  /** Whether it takes requests that are sent now. */
  takesPart(now: Moment): boolean {
    this.check(now);
    return (
      this.#announced &&
      this.#confirmed !== undefined &&
      this.#confirmed.steady >= this.#gate &&
      now.steady >= this.#since.ready &&
      (this.#until === undefined || now.epoch < this.#until)
    );
  }

  /** @param time of the request, in ms since the epoch */
  takes(time: number, now: Moment): boolean {
    this.check(now);
    if (!this.#announced || (this.#confirmed?.steady ?? Number.NEGATIVE_INFINITY) < this.#gate) return false;
    return now.steady >= this.#since.steady && this.counts(time);
  }

  /** Whether others count it for a request of this time, as soon as they have heard it. */
  counts(time: number): boolean {
    return time >= this.#since.epoch && (this.#until === undefined || time < this.#until);
  }

  /** When it should say something again, in ms of the steady clock. */
  due(now: Moment): number {
    this.check(now);
    const last = this.#lastSent;
    if (last === undefined || last.since !== this.#since) return now.steady;
    const regular = last.at.steady + this.#timing.interval;
    return last.at.steady < this.#gate ? Math.min(regular, this.#gate) : regular;
  }

  /** What is not sure of itself takes part anew. Asked before anything else, for a stopped process has no timers. */
  check(now: Moment): void {
    if (this.#confirmed !== undefined && this.#isOld(this.#confirmed, now)) this.#rejoin(now);
  }

  /** A statement that is sent from here on and comes back opens the gate; the rest of `spare` is for its way. */
  get #gate(): number {
    return this.#since.steady - this.#timing.spare / 2;
  }

  /** By the clock of the day too: in a machine that was suspended the steady one may have stood still. */
  #isOld(sent: Moment, now: Moment): boolean {
    return Math.max(now.steady - sent.steady, now.epoch - sent.epoch) > this.#timing.fence;
  }

  #rejoin(now: Moment): void {
    this.#since = sinceAfter(now, timingOf(this.#longest));
    this.#announced = false;
    this.#confirmed = undefined;
  }
}
