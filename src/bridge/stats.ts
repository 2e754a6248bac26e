import type { Decided, Decision } from '../envelope/decision.ts';
import type {
  About,
  BridgeObserver,
  Claimed,
  EgressSilence,
  LeftAlone,
  Refusal,
  RouteId,
  Stage,
  Step,
} from '../envelope/observer.ts';
import type { Claim, Ignored } from '../envelope/port.ts';
import type { RejectionCode } from '../envelope/rejection.ts';
import { routeName } from './route-ids.ts';
import type { Route } from './routing.ts';
import { RuleCounts } from './rule-counts.ts';

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

type Counter = Exclude<keyof Counts, 'rejected' | 'ignored'>;

/** What passed by one route. */
export class RouteCounts implements RouteId {
  readonly from: string;
  readonly to: string;
  readonly name: string;
  /** Requests that belong to it, whether they went out or were refused. */
  requestsReceived = 0;
  requestsSent = 0;
  /** Targets of those; a broadcast counts as one. */
  targetsSent = 0;
  repliesReceived = 0;
  repliesSent = 0;
  /** Whether it has, or had, a policy. */
  hasPolicy = false;
  /** What that has said. */
  readonly decisions: Record<Decision['verdict'], number> = { allow: 0, deny: 0, defer: 0 };

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
    this.name = routeName(from, to);
  }
}

/** The time that one kind of work has taken. */
export interface Timing {
  count: number;
  seconds: number;
}

/** Counts what the bridge does. */
export class Stats implements BridgeObserver {
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
    claims_unknown: 0,
    native: 0,
  };
  /** Claims, by what became of them. */
  readonly claims: Readonly<Record<Claim['result'], Timing>> = {
    won: { count: 0, seconds: 0 },
    lost: { count: 0, seconds: 0 },
    unknown: { count: 0, seconds: 0 },
  };
  readonly #routes: RouteCounts[] = [];
  /** What rules of policies have refused. */
  readonly denials = new RuleCounts();
  /** What they would have refused, had they not been in shadow mode. */
  readonly shadows = new RuleCounts();
  readonly #unanswered = new Map<string, number>();
  readonly #errors: Record<Stage, number> = { request_in: 0, request: 0, reply_in: 0, reply: 0 };
  /** Taking requests to their egress, signature included, and replies to their ingress. */
  readonly timing: Readonly<Record<'request' | 'reply', Timing>> = {
    request: { count: 0, seconds: 0 },
    reply: { count: 0, seconds: 0 },
  };

  /** The counts of a route, from zero when it is asked for the first time. Few, so that looking is quick. */
  route(from: string, to: string): RouteCounts {
    const known = this.#routes.find((one) => one.to === to && one.from === from);
    if (known !== undefined) return known;
    const counts = new RouteCounts(from, to);
    this.#routes.push(counts);
    return counts;
  }

  /** Routes that there are from now on. */
  follow(routes: readonly Pick<Route, 'from' | 'to' | 'policy'>[]): void {
    for (const { from, to, policy } of routes) {
      const counts = this.route(from.name, to.name);
      if (policy !== undefined) counts.hasPolicy = true;
    }
  }

  routes(): readonly RouteCounts[] {
    return this.#routes;
  }

  /** Messages refused at each stage. */
  errors(): Readonly<Record<Stage, number>> {
    return this.#errors;
  }

  step(step: Step, routeId: RouteId | undefined, about: () => About): void {
    const route = routeId && this.route(routeId.from, routeId.to);
    switch (step) {
      case 'request received':
        this.#counts.requestsReceived++;
        break;
      case 'request routed':
        if (route !== undefined) route.requestsReceived++;
        break;
      case 'request sent': {
        const { targets = 0 } = about();
        this.#counts.requestsSent++;
        this.#counts.targetsSent += targets;
        if (route === undefined) break;
        route.requestsSent++;
        route.targetsSent += targets;
        break;
      }
      case 'reply received':
        this.#counts.repliesReceived++;
        if (route !== undefined) route.repliesReceived++;
        break;
      case 'reply sent':
        this.#counts.repliesSent++;
        if (route !== undefined) route.repliesSent++;
        break;
      case 'error sent':
        this.#counts.errorsSent++;
        break;
    }
  }

  decided({ routeId: { from, to, name }, decision }: Decided): void {
    this.route(from, to).decisions[decision.verdict]++;
    if (decision.verdict === 'deny') this.denials.add(name, decision.rule);
    if (decision.shadow !== undefined) this.shadows.add(name, decision.shadow.rule);
  }

  handled(what: 'request' | 'reply', seconds: number): void {
    const timing = this.timing[what];
    timing.count++;
    timing.seconds += seconds;
  }

  refused({ code, stage }: Refusal): void {
    this.#errors[stage]++;
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
  }

  claimed({ result, seconds }: Claimed): void {
    const timing = this.claims[result];
    timing.count++;
    timing.seconds += seconds;
  }

  leftAlone({ why }: LeftAlone): void {
    this.#ignored[why]++;
  }

  requestDone(): void {
    // How long requests take is told as a histogram, by the metrics.
  }

  egressSilent({ egress, requests }: EgressSilence): void {
    this.#unanswered.set(egress, (this.#unanswered.get(egress) ?? 0) + requests);
  }

  /** Requests that egresses were found silent to, by the names of those that routes lead to. */
  unanswered(): ReadonlyMap<string, number> {
    return new Map(this.#routes.map(({ to }) => [to, this.#unanswered.get(to) ?? 0]));
  }

  nodesSilent(): void {
    // As many as there are when they are asked for.
  }

  /** Messages whose ttl ended while they waited for a link. */
  expired(count: number): void {
    this.#counts.expired += count;
  }

  snapshot(): Counts {
    return { ...this.#counts, rejected: Object.fromEntries(this.#rejected), ignored: { ...this.#ignored } };
  }
}
