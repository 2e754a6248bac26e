import type { Claim, Ignored } from './port.ts';
import type { RejectionCode, RejectionContext } from './rejection.ts';

/** From which ingress to which egress. One object a route, so that it may be compared. */
export interface Passage {
  readonly from: string;
  readonly to: string;
  /** `<from> → <to>`, as the log and the metrics name it. */
  readonly name: string;
}

/** How far a message has come. The bridge tells of each in this order; a message may end at any of them. */
export type Step =
  /** By the adapters: their own form is read, a signature holds, a new one is made. */
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
  /** A reply came in by an egress, and went home by an ingress. */
  | 'reply received'
  | 'reply sent'
  /** The bridge itself has answered, for there is no better answer. */
  | 'error sent'
  /** A reply or an error that counts as sent has not gone out after all; it is told as refused as well. */
  | 'reply lost';

/** What is known of a message at a step of its way. */
export interface About extends RejectionContext {
  /** Messages to nodes that it stands for; a broadcast is one. */
  readonly targets?: number;
  /** In whose name it goes out. */
  readonly callerOut?: string;
}

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

/** A message that came to nothing. */
export interface Refusal {
  readonly code: RejectionCode;
  readonly stage: Stage;
  /** As the message says it, or the way home that it bore. */
  readonly context: RejectionContext;
  /** In words, for people. */
  readonly sentence: string;
  /** Of a fault of the bridge itself. */
  readonly cause?: unknown;
  /** The link has lost it with others, and tells of them together. */
  readonly byLink?: true;
  /** It is the bridge's own answer to a request that it refused: whoever sends many of those brings about as many of these. */
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

/** A claim of a message that every instance has got a copy of. */
export interface Claimed {
  readonly key: string;
  readonly result: Claim['result'];
  /** Until it was decided. */
  readonly seconds: number;
  readonly context: RejectionContext;
}

/** A request of which no more replies are awaited. */
export interface RequestSummary {
  /** Who asked what of whom, how many answered, how long it took: as the log says it. Called by whoever needs it. */
  readonly fields: () => Readonly<Record<string, unknown>>;
  /** Undefined where another instance took the request, and its replies came here. */
  readonly route: string | undefined;
  readonly replies: number;
  /** Ms from the request to its last reply. */
  readonly duration: number;
}

/** Nothing comes back from an egress, while somebody waits. */
export interface EgressSilence {
  readonly egress: string;
  /** Requests that went there since something came back. */
  readonly requests: number;
  /** Ms. */
  readonly wait: number;
  /** What may be the cause: questions to an operator. */
  readonly hint?: string;
}

/** Nodes that leave request after request without an answer, while others of their route answer. */
export interface NodesSilence {
  readonly route: string;
  /** How many there are. */
  readonly silent: number;
  /** Some of them, first the one that has been silent longest. */
  readonly nodes: readonly string[];
  /** Requests that each of them has left so, at least. */
  readonly requests: number;
}

/** For people: what was refused, and why. */
export const refusalText = ({ stage, sentence }: Pick<Refusal, 'stage' | 'sentence'>): string =>
  `${stage === 'reply' ? 'reply not sent' : 'rejected'}: ${sentence}`;

/**
 * Told of what the bridge does, message by message. The log, the counters, a recording and a replay are made of it:
 * nothing is read out of a line of the log. What an observer throws ends the message's way: it must not.
 */
export interface BridgeObserver {
  /**
   * @param passage undefined before a route is found
   * @param about called by whoever needs it: this is the hot path
   */
  step(step: Step, passage: Passage | undefined, about: () => About): void;
  /** The bridge is done with a message, whatever became of it. @param seconds of work and of waiting for a signature */
  handled(what: 'request' | 'reply', seconds: number): void;
  requestDone(summary: RequestSummary): void;
  /** A message was refused as it came in or went out, or a reply could not be sent home. */
  refused(refusal: Refusal): void;
  claimed(claim: Claimed): void;
  leftAlone(message: LeftAlone): void;
  egressSilent(silence: EgressSilence): void;
  nodesSilent(silence: NodesSilence): void;
}

/** Tells several observers, in the order in which they came. */
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

  step(step: Step, passage: Passage | undefined, about: () => About): void {
    for (const one of this.#all) one.step?.(step, passage, about);
  }

  handled(what: 'request' | 'reply', seconds: number): void {
    for (const one of this.#all) one.handled?.(what, seconds);
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
