import type { AnswerResult } from '../envelope/audit.ts';
import type { Line } from '../inspect/text.ts';

/** A request on one line, as far as the audit would show it. */
export interface TrailLine {
  /** The bridge's own id of the request. */
  readonly id: string;
  /** Ms since the epoch. */
  readonly time: number;
  /** As the signature proved it; undefined where nobody verified it. */
  readonly caller?: string;
  /** In whose name it went out. */
  readonly mapped?: string;
  readonly agent?: string;
  readonly action?: string;
  readonly collective: string;
  readonly ingress: string;
  /** Undefined where it was refused before it had a route. */
  readonly egress?: string;
  /** What policy said, or `refused` by another step. */
  readonly verdict: string;
  readonly rule?: string;
  /** Why it did not pass, in words. */
  readonly reason?: string;
  /** The reason as counters name it. */
  readonly code?: string;
  /** Nodes that were named; else the kind of target. */
  readonly targets: number | string;
  /** Replies that came by this instance. */
  readonly replies: Readonly<Record<AnswerResult, number>>;
  /** Ms from the request to its last reply; undefined before the first. */
  readonly took?: number;
  /** No more replies are awaited. */
  readonly done: boolean;
}

/** A reply that was not carried home. */
export interface RefusedReply {
  readonly node?: string;
  readonly code: string;
  readonly sentence: string;
}

/** One request, opened. */
export interface TrailDetail {
  readonly line: TrailLine;
  /** As its client made it up. */
  readonly requestId: string;
  /** When the client made it, in ms since the epoch. */
  readonly requestTime?: number;
  readonly sender: string;
  /** The inputs, redacted, as JSON text. */
  readonly data?: string;
  readonly filter?: unknown;
  /** Those that were named, as many as the audit would name. */
  readonly nodes: readonly string[];
  /** How it came here and went on; undefined where its client did not ask for a trail. */
  readonly hops?: readonly (readonly string[])[];
  /** Replies that came by this instance, in their order, as many as are kept. */
  readonly answers: readonly {
    readonly node?: string;
    readonly result: AnswerResult;
    readonly after: number;
  }[];
  readonly refused: readonly RefusedReply[];
  /** As it came, and as it went out; undefined where that is not known. */
  readonly came?: ShownMessage;
  readonly sent?: ShownMessage;
  /** Messages that it went out as; the first one is shown. */
  readonly sentMessages: number;
}

/** A message of a link, read. */
export interface ShownMessage {
  readonly link: string;
  readonly bytes: number;
  /** The tree of its layers, redacted; undefined where it is too long to be kept. */
  readonly lines?: readonly Line[];
}
