import type { Ignored } from '../adapter/port.ts';
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
  /** Messages that were left to others. */
  readonly ignored: Readonly<Record<Ignored, number>>;
}

export type Counter = Exclude<keyof Counts, 'rejected' | 'ignored'>;

/** What passed by one route. The bridge counts on them as they are: this is the hot path. */
export class RouteCounts {
  readonly from: string;
  readonly to: string;
  /** Requests that belong to it, whether they went out or were refused. */
  requestsReceived = 0;
  requestsSent = 0;
  /** Targets of those; a broadcast counts as one. */
  targetsSent = 0;
  repliesReceived = 0;
  repliesSent = 0;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  /** As the log names it. */
  get name(): string {
    return routeName(this.from, this.to);
  }
}

export const routeName = (from: string, to: string): string => `${from} → ${to}`;

/** Where a message was refused. */
export type Stage =
  /** By the ingress, as it came in. */
  | 'request_in'
  /** On its way from the ingress through the egress. */
  | 'request'
  /** By the egress, as a reply came in. */
  | 'reply_in'
  /** On a reply's way home. */
  | 'reply';

/** The time that one kind of work has taken. */
export interface Timing {
  count: number;
  seconds: number;
}

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
  readonly #ignored: Record<Ignored, number> = {
    bridged: 0,
    another_instance: 0,
    not_taking_part: 0,
    redelivered: 0,
    native: 0,
  };
  readonly #routes: RouteCounts[] = [];
  readonly #errors: Record<Stage, number> = { request_in: 0, request: 0, reply_in: 0, reply: 0 };
  /** Taking requests to their egress, signature included, and replies to their ingress. */
  readonly timing: Readonly<Record<'request' | 'reply', Timing>> = {
    request: { count: 0, seconds: 0 },
    reply: { count: 0, seconds: 0 },
  };
  /** Replies and errors that count as sent and could not be sent after all; each counts as refused as well. */
  unsent = 0;
  /** Told of each request that has been answered, once no more replies are awaited. */
  onDone: ((route: string, seconds: number) => void) | undefined;

  /** The counts of a route, from zero when it is asked for the first time. Few, so that looking is quick. */
  route(from: string, to: string): RouteCounts {
    const known = this.#routes.find((one) => one.to === to && one.from === from);
    if (known !== undefined) return known;
    const counts = new RouteCounts(from, to);
    this.#routes.push(counts);
    return counts;
  }

  routes(): readonly RouteCounts[] {
    return this.#routes;
  }

  /** Messages refused at each stage. */
  errors(): Readonly<Record<Stage, number>> {
    return this.#errors;
  }

  /** @param since `performance.now()` when the work began */
  spent(work: 'request' | 'reply', since: number): void {
    const timing = this.timing[work];
    timing.count++;
    timing.seconds += (performance.now() - since) / 1000;
  }

  add(counter: Counter, by = 1): void {
    this.#counts[counter] += by;
  }

  reject(code: RejectionCode, stage: Stage): void {
    this.#errors[stage]++;
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
  }

  ignore(why: Ignored): void {
    this.#ignored[why]++;
  }

  snapshot(): Counts {
    return { ...this.#counts, rejected: Object.fromEntries(this.#rejected), ignored: { ...this.#ignored } };
  }
}
