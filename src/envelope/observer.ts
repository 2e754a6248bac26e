import type { Decided } from './decision.ts';
import type { Cause, Claim, Ignored } from './port.ts';
import type { RejectionCode, RejectionContext } from './rejection.ts';
import type { RouteId } from './route-id.ts';

export type { RouteId };

/** How far a message has come. The bridge reports each in this order; a message may end at any of them. */
export type Step =
  /** By the adapters: they have read the message, verified its signature, made a new one. */
  | 'request decoded'
  | 'request verified'
  | 'request signed'
  /** By the bridge: taken from the ingress, given a route and the caller's new name, let pass, written down, handed to the egress. */
  | 'request received'
  | 'request routed'
  | 'request mapped'
  | 'request decided'
  | 'request recorded'
  | 'request sent'
  /** A reply came in by an egress, and went out by an ingress. */
  | 'reply received'
  | 'reply sent'
  /** The bridge itself has answered with an error. */
  | 'error sent'
  /** A reply or an error that counts as sent has not gone out after all; it is reported as refused as well. */
  | 'reply lost';

/** What is known about a message at a step. */
export interface About extends RejectionContext {
  /** Messages to nodes that it stands for; a broadcast is one. */
  readonly targets?: number;
  /** In whose name it goes out. */
  readonly callerOut?: string;
  /** The ingress or egress that has done the step. */
  readonly link?: string;
}

/** Where a message was refused. */
export type Stage =
  /** By the ingress, as it came in. */
  | 'request_in'
  /** On its way from the ingress through the egress. */
  | 'request'
  /** By the egress, as a reply came in. */
  | 'reply_in'
  /** On a reply's way to the client. */
  | 'reply';

/** A message that was refused. */
export interface Refusal {
  readonly code: RejectionCode;
  readonly stage: Stage;
  /** As the message says it, or the reply address that it bore. */
  readonly context: RejectionContext;
  /** In words, for people. */
  readonly sentence: string;
  /** The error, where the bridge itself is at fault. */
  readonly cause?: unknown;
  /** The link has lost it with others, and reports them together. */
  readonly byLink?: true;
  /** It is the bridge's own answer to a request that it refused: a flood of those causes as many of these. */
  readonly isAnswer?: true;
}

/** A message that was left to others. */
export interface LeftAlone {
  readonly what: 'request' | 'reply';
  readonly why: Ignored;
  readonly context: RejectionContext;
  /** The key of its claim, where it was claimed. */
  readonly claim?: string;
  /** In words, where `why` does not say all. */
  readonly reason?: string;
}

/** A decided claim. */
export interface Claimed {
  readonly key: string;
  readonly result: Claim['result'];
  /** From the claim to its decision. */
  readonly seconds: number;
  readonly context: RejectionContext;
}

/** A request of which no more replies are awaited. */
export interface RequestSummary {
  /** Who asked what of whom, how many answered, how long it took: as the log says it. Called only where it is needed. */
  readonly fields: () => Readonly<Record<string, unknown>>;
  /** Undefined where another instance took the request, and its replies came here. */
  readonly route: string | undefined;
  readonly replies: number;
  /** Ms from the request to its last reply. */
  readonly duration: number;
}

/** Nothing that can be read comes back from an egress, while somebody waits. */
export interface EgressSilence {
  readonly egress: string;
  /** Requests that want an answer and went there since something came back. */
  readonly requests: number;
  /** When the first of them went out, in ms since the epoch. */
  readonly since: number;
  /** Ms from then to now. */
  readonly wait: number;
  /** What may be wrong, the likeliest first, without what is known not to be. */
  readonly causes: readonly Pick<Cause, 'cause' | 'sentence'>[];
  /** Replies that came meanwhile and could not be read. */
  readonly unread?: UnreadReplies;
  /** Nodes that are known there in the collectives that were asked. */
  readonly known: number;
  /** Other instances, which may have carried replies; undefined where nobody can tell. */
  readonly others: number | undefined;
}

export interface UnreadReplies {
  readonly count: number;
  /** Of the last one. */
  readonly code: RejectionCode;
  readonly sentence: string;
}

/** Nodes of which this instance hears nothing, request after request, while it hears others of their route. */
export interface NodesSilence {
  readonly route: string;
  /** How many there are. */
  readonly silent: number;
  /** Some of them, the longest silent first. */
  readonly nodes: readonly string[];
  /** Requests that each of them has not answered, at least. */
  readonly requests: number;
}

/** For people: what was refused, and why. */
export const refusalText = ({ stage, sentence }: Pick<Refusal, 'stage' | 'sentence'>): string =>
  `${stage === 'reply' ? 'reply not sent' : 'rejected'}: ${sentence}`;

/**
 * Gets all that the bridge does, message by message. The log, the counters, a recording and a replay are observers:
 * nothing is read out of a line of the log. An observer must not throw: that would end the message's way.
 */
export interface BridgeObserver {
  /**
   * @param passage undefined before a route is found
   * @param about called only where it is needed: this is the hot path
   */
  step(step: Step, routeId: RouteId | undefined, about: () => About): void;
  /** The bridge is done with a message, whatever became of it. @param seconds of work and of waiting for a signature */
  handled(what: 'request' | 'reply', seconds: number): void;
  /** A policy has said whether a request may pass. What it denies is refused as well. */
  decided(decided: Decided): void;
  requestDone(summary: RequestSummary): void;
  /** A message was refused as it came in or went out, or a reply could not be sent home. */
  refused(refusal: Refusal): void;
  claimed(claim: Claimed): void;
  leftAlone(message: LeftAlone): void;
  egressSilent(silence: EgressSilence): void;
  nodesSilent(silence: NodesSilence): void;
}

/** Passes all on to several observers, in the order in which they were added. */
export class Observers implements BridgeObserver {
  #all: readonly Partial<BridgeObserver>[];

  constructor(all: readonly Partial<BridgeObserver>[] = []) {
    this.#all = all;
  }

  /** @returns ends it */
  add(observer: Partial<BridgeObserver>): () => void {
    this.#all = [...this.#all, observer];
    return () => {
      this.#all = this.#all.filter((one) => one !== observer);
    };
  }

  step(step: Step, routeId: RouteId | undefined, about: () => About): void {
    for (const one of this.#all) one.step?.(step, routeId, about);
  }

  handled(what: 'request' | 'reply', seconds: number): void {
    for (const one of this.#all) one.handled?.(what, seconds);
  }

  decided(decided: Decided): void {
    for (const one of this.#all) one.decided?.(decided);
  }

  requestDone(summary: RequestSummary): void {
    for (const one of this.#all) one.requestDone?.(summary);
  }

  refused(refusal: Refusal): void {
    for (const one of this.#all) one.refused?.(refusal);
  }

  claimed(claim: Claimed): void {
    for (const one of this.#all) one.claimed?.(claim);
  }

  leftAlone(message: LeftAlone): void {
    for (const one of this.#all) one.leftAlone?.(message);
  }

  egressSilent(silence: EgressSilence): void {
    for (const one of this.#all) one.egressSilent?.(silence);
  }

  nodesSilent(silence: NodesSilence): void {
    for (const one of this.#all) one.nodesSilent?.(silence);
  }
}
