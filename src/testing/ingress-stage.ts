import {
  isOpaque,
  type ReadableReplyAddress,
  type ReadableRequest,
  type ReplyPayload,
} from '../envelope/message.ts';
import type { Ignored, Ingress, RequestSink } from '../envelope/port.ts';
import type { Rejection, RejectionContext } from '../envelope/rejection.ts';

/** What the contract has a client ask. */
export interface Question {
  readonly agent: string;
  readonly action?: string;
  readonly nodes?: readonly string[];
  /** Seconds. */
  readonly ttl?: number;
  /** How long ago it was made, as it says itself, in seconds; below zero: how far ahead its clock is. */
  readonly age?: number;
  /** The collective that it is for, as it says itself; the one that it is sent in unless told. */
  readonly collective?: string;
  /** What its action is asked with; nothing unless told. */
  readonly data?: ReadonlyMap<string, string>;
}

/** What the ingress was made with. */
export interface IngressLimits {
  /** Seconds. */
  readonly maxTtl: number;
  /** How far a request's clock may be ahead at most, whatever its ttl, in seconds. */
  readonly maxAhead: number;
  readonly maxMessageBytes: number;
  /** Undefined where clients send a message to each node, and what comes apart is not bounded together. */
  readonly maxTargets: number | undefined;
}

/** What came back to the one who asked, in terms of no protocol. */
export interface Answer {
  readonly requestId: string;
  readonly node: string;
  readonly payload: ReplyPayload;
}

/**
 * What proves who asks. Each `message` does, and says by itself who asks, when and in which collective, and its id; or a `session` does
 * before its first request, and the ingress gives the ids.
 */
export type Proof = 'message' | 'session';

/** An ingress that is not started, and its side of the world. */
export interface IngressStage {
  readonly ingress: Ingress;
  /** The caller whose signature the questions bear. */
  readonly caller: string;
  readonly collective: string;
  readonly limits: IngressLimits;
  /**
   * Sends a request that is good but for what the question says.
   * The nodes that are named are `n1.example.net`, `n2.example.net` and so on, one more than `maxTargets` at most.
   * @returns its id; undefined where the ingress gives it one
   */
  ask(question: Question): string | undefined;
  /** Sends a request with the signature of another caller than it says, or comes with such a proof. @returns its id, as `ask` does */
  impersonate(question: Question): string | undefined;
  /** Sends what is not a message of the protocol at all. */
  garble(): void;
  /** All that have come so far. */
  answers(): readonly Answer[];
  /** A place on its side where replies must never go. */
  readonly forbiddenReplyTo: string;
}

/** What an ingress has handed over. */
export interface Handed {
  readonly requests: ReadableRequest[];
  readonly rejections: { readonly rejection: Rejection; readonly home: ReadableReplyAddress | undefined }[];
  readonly ignored: { readonly why: Ignored; readonly context: RejectionContext }[];
  readonly sink: RequestSink;
}

export const recordingSink = (): Handed => {
  const requests: ReadableRequest[] = [];
  const rejections: Handed['rejections'] = [];
  const ignored: Handed['ignored'] = [];
  return {
    requests,
    rejections,
    ignored,
    sink: {
      request: (request, _, done) => {
        if (!isOpaque(request)) requests.push(request);
        done?.(undefined);
      },
      rejected: (rejection, home) => void rejections.push({ rejection, home }),
      foresee: () => undefined,
      ignored: (why, context) => void ignored.push({ why, context }),
    },
  };
};
