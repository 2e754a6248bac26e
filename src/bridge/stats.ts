import type { RejectionCode } from '../envelope/rejection.ts';

/** What is counted of requests and replies; counters only, lost with the process. */
export interface Counts {
  /** Requests that an ingress verified. */
  readonly requestsReceived: number;
  /** Requests that went out, whatever the number of their targets. */
  readonly requestsSent: number;
  /** Node targets of those requests; a broadcast counts as one. */
  readonly targetsSent: number;
  readonly repliesReceived: number;
  readonly repliesSent: number;
  /** RPC errors that the bridge itself answered with. */
  readonly errorsSent: number;
  /** Messages whose ttl ended while they waited for a broker. */
  readonly expired: number;
  readonly rejected: Readonly<Partial<Record<RejectionCode, number>>>;
}

export type Counter = Exclude<keyof Counts, 'rejected'>;

export class Stats {
  readonly #counts: Record<Counter, number> = {
    requestsReceived: 0,
    requestsSent: 0,
    targetsSent: 0,
    repliesReceived: 0,
    repliesSent: 0,
    errorsSent: 0,
    expired: 0,
  };
  readonly #rejected = new Map<RejectionCode, number>();

  add(counter: Counter, by = 1): void {
    this.#counts[counter] += by;
  }

  reject(code: RejectionCode): void {
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
  }

  snapshot(): Counts {
    return { ...this.#counts, rejected: Object.fromEntries(this.#rejected) };
  }
}
