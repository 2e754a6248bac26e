import type { Filter } from './filter.ts';
import type { Value, ValueMap } from './value.ts';

/** A receiver of a request: all that listen for an agent, one of those that serve it, or a node. */
export type Target =
  | { readonly kind: 'broadcast' | 'service'; readonly collective: string; readonly agent: string }
  | { readonly kind: 'node'; readonly collective: string; readonly node: string };

/** The nodes that targets name; undefined for a broadcast. */
export const namedNodes = (targets: readonly Target[]): readonly string[] | undefined => {
  if (targets[0]?.kind !== 'node') return undefined;
  const nodes: string[] = [];
  for (const target of targets) if (target.kind === 'node') nodes.push(target.node);
  return nodes;
};

/** One step of a message's way: where it came in, who handled it, where it went out. Ruby clients leave out the last. */
export type Hop = readonly string[];

/**
 * The server of a hop by a link that has none yet: what goes out by it waits, and its trail is written already. Choria's peers
 * write no empty text there (go-choria's Connection.Publish), and some of its clients take a trail with one for none.
 */
export const UNKNOWN_SERVER = 'unknown';

/** Where the reply to a request goes, as far as the message says it. */
export interface ReplyAddress {
  /**
   * The bridge's own id of the request, 32 hex digits; undefined until a bridge has taken it. Nothing that a sender chooses, also the
   * request id, is a key inside. The flow of an opaque request stays in the instance that took it: other vendors' brokers may
   * carry its replies.
   */
  readonly flow?: string;
  /** Name of the ingress that the request came in by. */
  readonly ingress: string;
  /** Where the ingress's side wants the reply: a NATS subject or a STOMP destination. */
  readonly replyTo: string;
  /** The request id that replies must bear, 32 hex digits; of an opaque request the federation's, of any form. */
  readonly requestId: string;
  /** Ms since the epoch: when its ttl ends, and no reply is worth sending. */
  readonly expires: number;
  /** Whether only the instance that has taken the request can carry its replies: its client's session is there. */
  readonly bound?: true;
  /** The hops so far; undefined where the requester did not ask for a trail. */
  readonly hops?: readonly Hop[];
  readonly agent?: string;
  readonly collective?: string;
}

/**
 * How the reply to a request that was read finds its client. No instance stores it: it travels with the request, in a
 * federation header or in a reply token, so that any instance can carry any reply.
 */
export interface ReadableReplyAddress extends ReplyAddress {
  /** The federation's request id, where it differs from the request's. */
  readonly federationRequestId?: string;
  readonly agent: string;
  /** The action that was asked for, where the requester's dialect wants it in replies. Legacy replies do not bear it. */
  readonly action?: string;
  readonly collective: string;
  /** In which of its protocol's dialects the requester wants to be answered; the ingress knows its names. */
  readonly dialect: string;
}

/**
 * Bytes that pass between two networks of one format: as they came in, so that the signatures in them hold. Only the adapters
 * of their own protocol look inside.
 */
export interface OpaqueContent {
  /** Names the protocol and its version; an egress refuses what is not its own. */
  readonly protocol: string;
  /** In its protocol's own notation, which for Choria is the JSON text of a string, quotes and escapes as they came. */
  readonly data: string;
  /** Headers that the bridge does not know, kept as they are. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What the bytes of an opaque request say, once their signature held: for policy and audit. */
export interface OpaqueView {
  readonly caller: string;
  readonly agent: string;
  /** Undefined for discovery. */
  readonly action?: string;
  readonly data?: ValueMap;
  readonly filter: Filter;
  readonly targets: readonly Target[];
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

export interface OpaqueRequestPayload {
  readonly kind: 'opaque';
  readonly content: OpaqueContent;
  /** Where the route verifies requests before they pass. Read when it is asked for. @throws Rejection for what is not a request */
  readonly view?: () => OpaqueView;
  /**
   * Where an RPC error goes, if anywhere: only the content says it, so it is read only when needed. Holds nothing of the
   * content: a request that waits to be sent is kept once.
   */
  readonly errorReplyAddress: (content: OpaqueContent) => ReadableReplyAddress | undefined;
}

/** A verified request, independent of protocols. */
export interface ReadableRequest {
  /** 32 hex digits. */
  readonly id: string;
  readonly collective: string;
  readonly agent: string;
  /** The caller's name as the signature proved it, then as the rules mapped it: `cert=alice`, `choria=alice.mcollective`. */
  readonly caller: string;
  /** The host or program that sent it, as it says itself; for logs. */
  readonly sender: string;
  /** Ms since the epoch. */
  readonly time: number;
  /** Ms. */
  readonly ttl: number;
  readonly filter: Filter;
  /** One broadcast, or nodes, each once: all of its collective. */
  readonly targets: readonly Target[];
  readonly payload: RequestPayload;
  readonly home: ReadableReplyAddress;
}

/** An opaque request: it is neither decoded nor signed anew. What is unknown is undefined. */
export interface OpaqueRequest {
  /** The federation's, of any form; may be empty. */
  readonly id: string;
  /** That of its first target. */
  readonly collective: string;
  readonly agent?: string;
  /** Where the route has requests verified before they pass. */
  readonly caller?: string;
  readonly sender: string;
  /** As far as a broker may read them: of one collective or several, of one kind or several. */
  readonly targets: readonly Target[];
  readonly payload: OpaqueRequestPayload;
  readonly home: ReplyAddress;
}

/** `payload.kind` says which of the two it is. */
export type Request = ReadableRequest | OpaqueRequest;

export type PayloadKind = Request['payload']['kind'];

export const isOpaque = (request: Request): request is OpaqueRequest => request.payload.kind === 'opaque';

/** For adapters that accept nothing else, so that no route brings them another. */
export const readable = (request: Request): ReadableRequest => {
  if (isOpaque(request)) throw new Error('an opaque request came where none is accepted');
  return request;
};

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

/** A verified reply, or the bridge's own error in its place. */
export interface ReadableReply {
  readonly home: ReadableReplyAddress;
  /** Identity of the node that answers. */
  readonly sender: string;
  /** Ms since the epoch. */
  readonly time: number;
  readonly payload: ReplyPayload;
  /** Whether it answers a broadcast, so that local nodes may have answered as well. */
  readonly broadcast?: boolean;
  /** The bridge's own refusal of a request. Any client can cause one, so nodes' replies go first. */
  readonly refusal?: true;
}

/** A node's reply to an opaque request. */
export interface OpaqueReply {
  readonly home: ReplyAddress;
  readonly sender: string;
  readonly payload: { readonly kind: 'opaque'; readonly content: OpaqueContent };
}

export type Reply = ReadableReply | OpaqueReply;

export const isOpaqueReply = (reply: Reply): reply is OpaqueReply => reply.payload.kind === 'opaque';

/** As {@link readable}. */
export const readableReply = (reply: Reply): ReadableReply => {
  if (isOpaqueReply(reply)) throw new Error('an opaque reply came where none is accepted');
  return reply;
};

/** The same message with a changed address. */
export const readdressed = <T extends Request | Reply>(
  message: T,
  change: Pick<ReplyAddress, 'flow' | 'hops'>,
): T => ({ ...message, home: { ...message.home, ...change } });
