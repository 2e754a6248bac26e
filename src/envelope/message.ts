import type { Filter } from './filter.ts';
import type { Value, ValueMap } from './value.ts';

/** Whom a request is for: all that listen, or named nodes. */
export type Target =
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'directed'; readonly nodes: readonly string[] };

/** One step of a message's way: where it came in, who handled it, where it went out. Ruby clients leave out the last. */
export type Hop = readonly string[];

/**
 * How a reply finds its way home. No instance stores it: it travels with the request, in a federation header or
 * in a reply token, so that any instance can carry any reply.
 */
export interface Home {
  /**
   * The bridge's own id of the request, 32 hex digits; undefined until a bridge has taken it. What a sender chooses, also the
   * request id, keys nothing inside.
   */
  readonly flow?: string;
  /** Name of the ingress that the request came in by. */
  readonly ingress: string;
  /** Where the ingress's side wants the reply: a NATS subject or a STOMP destination. */
  readonly replyTo: string;
  /** The request id that replies must bear, 32 hex digits. */
  readonly requestId: string;
  /** The federation's request id, where it differs from the request's. */
  readonly federationRequestId?: string;
  readonly agent: string;
  /** The action that was asked for, where the requester's dialect wants it in replies. Legacy replies do not bear it. */
  readonly action?: string;
  readonly collective: string;
  /** In which of its protocol's dialects the requester wants to be answered; the ingress knows its names. */
  readonly dialect: string;
  /** When the request's ttl ends, in seconds since the epoch. */
  readonly expires: number;
  /** The hops so far; undefined where the requester did not ask for a trail. */
  readonly hops?: readonly Hop[];
}

export type RequestPayload =
  | { readonly kind: 'discovery' }
  | {
      readonly kind: 'rpc';
      readonly action: string;
      readonly data: ValueMap;
      /** `:process_results` beside `data`; clients of today write it into `data`, where it stays. */
      readonly processResults?: boolean;
    };

/** A request whose sender has been verified, in terms of neither protocol. */
export interface Request {
  /** 32 hex digits. */
  readonly id: string;
  readonly collective: string;
  readonly agent: string;
  /** The caller's name as the signature proved it, then as the rules mapped it: `cert=alice`, `choria=alice.mcollective`. */
  readonly caller: string;
  /** The host or program that sent it, as it says itself; for logs. */
  readonly sender: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** Seconds. */
  readonly ttl: number;
  readonly filter: Filter;
  readonly target: Target;
  readonly payload: RequestPayload;
  readonly home: Home;
}

/** SimpleRPC's status codes: 0 ok, 1 aborted, 2 unknown action, 3 missing data, 4 invalid data, 5 unknown error. */
export type StatusCode = number;

export const UNKNOWN_ERROR: StatusCode = 5;

export type ReplyPayload =
  | { readonly kind: 'discovery' }
  | {
      readonly kind: 'rpc';
      readonly statusCode: StatusCode;
      readonly statusMessage: string;
      readonly data: Value;
    };

/** A verified reply, or the bridge's own word that there will be none. */
export interface Reply {
  readonly home: Home;
  /** Identity of the node that answers. */
  readonly sender: string;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly payload: ReplyPayload;
  /** Whether it answers a request to all that listen, so that others may have answered on the requester's own side. */
  readonly broadcast?: boolean;
  /** The bridge's own refusal of a request. Anybody can bring one about, so nodes' replies go before it. */
  readonly refusal?: true;
}
