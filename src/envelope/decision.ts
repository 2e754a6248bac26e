import type { Request } from './message.ts';
import type { RejectionCode } from './rejection.ts';
import type { RouteId } from './route-id.ts';

/** A request that has a route and a name on the other side, and has not gone out yet. */
export interface Passing {
  /** As it came, in the name that its signature proved. */
  readonly request: Request;
  /** As it will go out. */
  readonly outgoing: Request;
  readonly routeId: RouteId;
}

/** Why a policy lets a request not pass. */
export type DenialCode = Extract<RejectionCode, 'denied_by_policy' | 'rate_limited'>;

/** What refuses a request, or would refuse it. */
export interface Denial {
  readonly code: DenialCode;
  /** Names what decided: a rule by its name, or the place of a line as `<file>:<line>`; `default` where no rule did. */
  readonly rule: string;
  /** For the person at the client, a sentence without its full stop. */
  readonly reason?: string;
}

/**
 * What policy says of a request. A request that is deferred passes: nodes decide. One that nothing decides on passes as well,
 * `allow` without a rule.
 */
export type Decision = (
  | { readonly verdict: 'allow' | 'defer'; readonly rule?: string; readonly reason?: string }
  | ({ readonly verdict: 'deny' } & Denial)
) & {
  /** What would have refused it, had it not been in shadow mode. */
  readonly shadow?: Denial;
};

/** Decides in its time; nothing has begun before it is called. */
export type Deciding = () => Promise<Decision>;

/** Decides whether a request may pass, by the rules of one configuration. */
export interface Policy {
  /**
   * @returns at once what takes no time
   * @throws Rejection where it cannot decide
   */
  decide(passing: Passing): Decision | Deciding;
  /**
   * What it would say now, as far as this instance has counted; nothing is counted by it.
   * @throws Rejection where it cannot decide
   */
  foresee(passing: Passing): Decision;
}

/** A request that was decided on. */
export interface Decided extends Passing {
  readonly decision: Decision;
}

/** Where no policy is. */
export const UNDECIDED: Decision = { verdict: 'allow' };
