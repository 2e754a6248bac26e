import type { Latencies } from './latencies.ts';

/** What has been counted since the start. */
export interface Counted {
  readonly requests: number;
  readonly replies: number;
  readonly refusals: number;
}

/** One point of the last hour. */
export interface Sample {
  /** Ms since the epoch. */
  readonly time: number;
  /** A second, since the sample before. */
  readonly requests: number;
  readonly replies: number;
  readonly refusals: number;
  /** Ms; null where no request was answered. */
  readonly median: number | null;
  readonly p99: number | null;
}

/** Ms between samples, and how many make an hour. */
export const SAMPLE_MS = 10_000;
const KEPT = 360;

const rounded = (number: number): number => Math.round(number * 100) / 100;

/** Rates and latencies over the last hour. */
export class History {
  readonly #counted: () => Counted;
  readonly #latencies: Pick<Latencies, 'all'>;
  readonly #samples: Sample[] = [];
  #before: (Counted & { readonly time: number }) | undefined;

  constructor(counted: () => Counted, latencies: Pick<Latencies, 'all'>) {
    this.#counted = counted;
    this.#latencies = latencies;
  }

  samples(): readonly Sample[] {
    return this.#samples;
  }

  /** @param time ms since the epoch. @returns undefined for the first, which has nothing to be compared with */
  take(time: number): Sample | undefined {
    const now = this.#counted();
    const before = this.#before;
    this.#before = { ...now, time };
    if (before === undefined || time <= before.time) return undefined;
    const seconds = (time - before.time) / 1000;
    const rate = (of: keyof Counted): number => rounded(Math.max(0, now[of] - before[of]) / seconds);
    const { median, p99, requests } = this.#latencies.all(time - before.time);
    const sample = {
      time,
      ...{ requests: rate('requests'), replies: rate('replies'), refusals: rate('refusals') },
      ...(requests === 0 ? { median: null, p99: null } : { median, p99 }),
    };
    this.#samples.push(sample);
    if (this.#samples.length > KEPT) this.#samples.shift();
    return sample;
  }
}
