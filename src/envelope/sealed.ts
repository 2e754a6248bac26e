import type { Home, Hop, Reply, Request } from './message.ts';

/** One destination of a sealed request, as far as a broker may look at it. */
export type SealedTarget =
  | { readonly kind: 'broadcast' | 'service'; readonly collective: string; readonly agent: string }
  | { readonly kind: 'node'; readonly collective: string; readonly node: string };

/**
 * What is inside, opaque to all but the adapters of its own protocol. Its bytes go out as they came in, so that
 * the signatures in it hold.
 */
export interface SealedContent {
  /** Names the protocol and its version; an egress refuses what is not its own. */
  readonly protocol: string;
  /** In its protocol's own notation, which for Choria is the JSON text of a string, quotes and escapes as they came. */
  readonly data: string;
  /** Headers that the bridge does not know, kept as they are. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** The way home of a sealed request; what `Home` is to a request that is translated. */
export interface SealedHome {
  /**
   * As that of `Home`, in the instance that took the request: other vendors' brokers may carry its replies, so that it does
   * not travel.
   */
  readonly flow?: string;
  readonly ingress: string;
  readonly replyTo: string;
  /** The federation's id of the request; the content is not opened to look for another. */
  readonly requestId: string;
  readonly hops?: readonly Hop[];
}

/** A request that passes as it is, neither decoded nor signed anew, between two networks of one protocol. */
export interface SealedRequest {
  readonly kind: 'sealed';
  /** The host or program that sent it, as it says itself. */
  readonly sender: string;
  /** The caller, where the route has requests verified before they pass. */
  readonly caller?: string;
  readonly targets: readonly SealedTarget[];
  readonly content: SealedContent;
  readonly home: SealedHome;
  /** Ms since the epoch after which it is not worth sending. */
  readonly expires: number;
  /**
   * Where an RPC error goes, if anywhere: only a look inside tells, so it is taken only then. Holds nothing of the
   * content, for a request that waits to be sent is kept once.
   */
  readonly answerTo: (content: SealedContent) => Home | undefined;
}

/** A node's reply to a sealed request. */
export interface SealedReply {
  readonly kind: 'sealed';
  readonly sender: string;
  readonly content: SealedContent;
  readonly home: SealedHome;
  /** Ms since the epoch after which it is not worth sending. */
  readonly expires: number;
}

export const isSealedRequest = (request: Request | SealedRequest): request is SealedRequest =>
  'content' in request;

export const isSealedReply = (reply: Reply | SealedReply): reply is SealedReply => 'content' in reply;
