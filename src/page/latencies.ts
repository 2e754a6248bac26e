import type { BridgeObserver, RequestSummary } from '../envelope/observer.ts';

/** How long requests took, from the request to its last reply; ms. */
export interface Latency {
  readonly route: string;
  readonly median: number;
  readonly p99: number;
  /** Requests that it is of. */
  readonly requests: number;
}

/** Of each route. Under more load they reach back less far than asked for. */
const KEPT = 512;

interface Timed {
  readonly at: number;
  readonly took: number;
}

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

/** How long the last requests of each route took. Routes are as many as the configuration has had. */
export class Latencies implements Pick<BridgeObserver, 'requestDone'> {
  readonly #clock: () => number;
  readonly #routes = new Map<string, Timed[]>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  requestDone({ route, replies, duration }: Omit<RequestSummary, 'fields'>): void {
    if (route === undefined || replies === 0) return;
    const times = this.#routes.get(route) ?? [];
    this.#routes.set(route, times);
    times.push({ at: this.#clock(), took: duration });
    if (times.length >= 2 * KEPT) times.splice(0, times.length - KEPT);
  }

  /** @param within ms until now */
  byRoute(within: number): readonly Latency[] {
    return [...this.#routes].flatMap(([route, times]) => {
      const [median, p99, requests] = this.#of(times, within);
      return requests === 0 ? [] : [{ route, median, p99, requests }];
    });
  }

  /** Of all routes. */
  all(within: number): Omit<Latency, 'route'> {
    const [median, p99, requests] = this.#of([...this.#routes.values()].flat(), within);
    return { median, p99, requests };
  }

  #of(times: readonly Timed[], within: number): readonly [number, number, number] {
    const since = this.#clock() - within;
    const took = times
      .filter(({ at }) => at > since)
      .map((it) => it.took)
      .toSorted((a, b) => a - b);
    return [quantile(took, 0.5), quantile(took, 0.99), took.length];
  }
}
