import type { Filter } from '../envelope/filter.ts';
import type { ValueMap } from '../envelope/value.ts';

/** What a policy is asked about a request: what its signature proved, what it wants, and the way that it goes. */
export interface Question {
  /** As the signature proved it. */
  readonly caller: string;
  /** The caller's name on the other side; the same where the request passes unchanged. */
  readonly as: string;
  readonly agent: string;
  /** Undefined for discovery. */
  readonly action: string | undefined;
  readonly data: ValueMap;
  readonly collective: string;
  readonly ingress: string;
  readonly egress: string;
  /** `<ingress> → <egress>`, as log and metrics name it. */
  readonly route: string;
  readonly filter: Filter;
  /** Those that it names, in this collective; undefined where it names none. */
  readonly nodes: readonly string[] | undefined;
  /** Whether it names no node, and one of those that serve the agent gets it. */
  readonly isService: boolean;
  readonly requestId: string;
  /** When it is decided, in ms since the epoch. */
  readonly time: number;
  /** When the request's ttl ends, in ms since the epoch. */
  readonly expires: number;
}

/** How many nodes one request may reach, over all of its messages. */
export interface MaxNodes {
  readonly most: number;
  /** Whether what is too much is written down and let pass. */
  readonly isShadow: boolean;
}

/** What would have decided, had it not been in shadow mode. */
export interface ShadowOutcome {
  readonly rule: string;
  readonly reason?: string;
}

export interface Outcome {
  readonly verdict: 'allow' | 'deny' | 'defer';
  /** What decided: a rule by its name, or the place of a line as `<file>:<line>`. Undefined where nothing did. */
  readonly rule?: string;
  /** For the person at the client, a sentence without its full stop. */
  readonly reason?: string;
  /** The first that would have denied it. */
  readonly shadow?: ShadowOutcome;
  /** Only of what is not denied. */
  readonly maxNodes?: MaxNodes;
}

/** A rule, or a line of a file of rules, that did not decide. */
export interface PassedOver {
  /** `<file>:<line>`, or a name. */
  readonly rule: string;
  /** What of it did not fit, in words. */
  readonly why: string;
}

/** An outcome, and how it came to be. */
export type Explained = Outcome & {
  /** What was looked at before, in order. */
  readonly passed: readonly PassedOver[];
};

/**
 * Decides by the rules of one notation: those of YAML, of ActionPolicy's files, of a token. It holds nothing of the requests
 * before, so that the same question always has the same answer.
 */
export interface Evaluator {
  decide(question: Question): Outcome;
  explain(question: Question): Explained;
}
