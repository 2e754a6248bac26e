import type { PayloadKind, ReadableReplyAddress, Reply, Request } from './message.ts';
import type { Rejection, RejectionCode, RejectionContext } from './rejection.ts';

/** Whether a side can be reached now, and why not. */
export interface LinkStatus {
  readonly name: string;
  readonly up: boolean;
  /** The server that it is connected to, as a URL without credentials. */
  readonly server?: string;
  readonly reason?: string;
  /** Messages that wait for the connection, or for it to take more. */
  readonly buffered?: number;
}

/** What an adapter has done with a message so far. */
export type Step = 'decoded' | 'verified' | 'signed';

/** What an ingress hands over to the bridge. */
export interface RequestSink {
  /**
   * A verified request, or an opaque one for a route that passes such.
   * @param copy given where every instance of the cluster has got it too
   * @param done told once it has gone out, or why it was refused: for an ingress whose client can be told so. It has been counted
   *   then, and answered as far as an RPC reply can say it
   */
  request(request: Request, copy?: Copy, done?: (refused: Rejection | undefined) => void): void;
  /**
   * What would become of a request now, by its route, the caller's name there and the policy. Nothing is sent, counted or written
   * down.
   * @returns why it would be refused, as its client would be told; undefined where it would be handed to the egress
   */
  foresee(request: Request): Rejection | undefined;
  /**
   * A message that is not a request.
   * @param home where to send an RPC error, as far as the message says it
   * @param copy given where every instance of the cluster has got it too, and one answers
   */
  rejected(rejection: Rejection, home?: ReadableReplyAddress, copy?: Copy): void;
  /** A request that others handle; counted, and logged at level debug. */
  ignored(why: Ignored, context: RejectionContext): void;
  /** A step of a request's way in, for the log at level debug. */
  step?(step: Step, context: RejectionContext): void;
}

/**
 * Why an ingress leaves a request alone: `bridged` where a bridge (this or another) put it on that side, which would
 * make a loop; `another_instance` where another instance of the cluster has got it too and handles it; `claims_unknown`
 * where it is unknown whether another one does; `native` where the node that is meant, or that answers, is reached on the
 * requester's own side.
 */
export type Ignored = 'bridged' | 'another_instance' | 'claims_unknown' | 'native';

/** The nodes that an ingress stands in for: they live behind one of its routes and not on its own side. */
export interface RemoteNodes {
  /** Globs of identities in a collective, as configured: `*` is any text, `?` any character. */
  patterns(collective: string): readonly string[];
  /** Identities in a collective that have answered of late, whether a pattern covers them or not. */
  names(collective: string): ReadonlySet<string>;
  /** Whether the node is one of these, by name or by pattern. */
  has(collective: string, identity: string): boolean;
  /** Calls when the answers of `names` or `has` may have changed. */
  onChange(listener: () => void): void;
}

/**
 * Where a node that a request names lives, seen from an egress: `here` if it has answered through the
 * egress of late, `elsewhere` if it has not and belongs to another egress.
 */
export type Whereabouts = 'here' | 'elsewhere' | 'unknown';

/** Where nodes live, asked by one egress. */
export interface NodeDirectory {
  whereabouts(collective: string, identity: string): Whereabouts;
}

/** A message of which every instance of the cluster has got a copy. */
export interface Copy {
  /** The key that is claimed; the same in all instances, see `claim-key.ts`. */
  readonly claim: string;
}

/** The result of a claim: whether this instance handles the copy. */
export type Claim =
  | { readonly result: 'won' | 'lost' }
  /** It is unknown, so this instance does not handle it: it might be handled twice. */
  | { readonly result: 'unknown'; readonly reason: string };

/** Decides which instance of a cluster handles a copy: at most one claim for a key is won. */
export interface Claims {
  /**
   * @param key the same in all instances
   * @param bytes about the memory that waits for the decision
   */
  claim(key: string, bytes: number): Promise<Claim>;
}

/** The side where requests come in. Five methods; every implementation passes the same contract suite. */
export interface Ingress {
  readonly name: string;
  /** The kinds of replies that it sends; no route brings it others. */
  readonly accepts: readonly PayloadKind[];
  /** Connects and subscribes; resolves once requests can arrive. */
  start(sink: RequestSink): Promise<void>;
  /**
   * Sends a reply to `reply.home`, in that requester's dialect. Buffers while the link is down or busy, until the home
   * expires.
   * @param unsent told later, and at most once, when it could not be sent after all
   */
  reply(reply: Reply, unsent?: (rejection: Rejection) => void): void;
  /** Takes no more requests; replies can still be sent. */
  drain(): Promise<void>;
  close(): Promise<void>;
  status(): LinkStatus;
}

/** What an egress hands over to the bridge. */
export interface ReplySink {
  reply(reply: Reply): void;
  /**
   * A message that is not a reply. Its context names the node that it claims to come from.
   * @param home where the RPC error goes in its place, where the message proved that
   * @param broadcast whether it answers a request to all that listen, where the message proved that
   */
  rejected(rejection: Rejection, home?: ReadableReplyAddress, broadcast?: boolean): void;
  /** A step of a request's way out, for the log at level debug. */
  step?(step: Step, context: RejectionContext): void;
}

/**
 * Told later, and at most once, that messages of a request which the transport had taken did not go out.
 * @param extent whether others of the same request did
 * @param home where the RPC error goes, as far as that is known
 */
export type Undelivered = (
  rejection: Rejection,
  extent: 'all' | 'some',
  home: ReadableReplyAddress | undefined,
) => void;

/** Why nothing may come back from nodes, though requests go out, or nothing that can be read. */
export interface Cause {
  /** For programs: `serializer`, `key`, `collective`, `clock`, … */
  readonly cause: string;
  /** For people: what would be wrong, and what to compare; a sentence without its full stop. */
  readonly sentence: string;
  /**
   * `all` where no node would answer whoever asks, so that it is not one once nodes have answered; `none` where they answer,
   * and their replies cannot be read.
   */
  readonly silences: 'all' | 'some' | 'none';
  /** What replies are refused for where this is it. */
  readonly codes?: readonly RejectionCode[];
}

/**
 * @param found called for each node that answers, also after the promise has resolved; with the time of its answer by its
 *   own clock where that says it, in ms since the epoch
 * @param unread called for each answer that cannot be read or believed
 * @param as a caller of this side in whose name it asks, where the egress can sign for callers; the bridge's own unless told
 */
export type Discover = (
  collective: string,
  found: (node: string, time?: number) => void,
  unread?: (rejection: Rejection) => void,
  as?: string,
) => Promise<void>;

/** The side where requests go out. */
export interface Egress {
  readonly name: string;
  /** The kinds of requests that it takes; no route brings it others. */
  readonly accepts: readonly PayloadKind[];
  /** What may be wrong where nothing comes back from there, the likeliest first. */
  readonly causes?: readonly Cause[];
  start(sink: ReplySink): Promise<void>;
  /**
   * Signs and sends a mapped request, or passes an opaque one of its own protocol: to all of its targets or, where it
   * throws, to none.
   * @returns once it has been handed to the transport, which keeps it until its ttl ends
   * @throws Rejection e.g. `no_signing_key`, `overloaded`
   */
  deliver(request: Request, undelivered?: Undelivered): Promise<void>;
  /**
   * Sends discovery to all nodes of a collective; the answers come to this instance alone.
   * Undefined where the egress cannot sign. Also before `start`, and then nothing else is heard there.
   * @returns once the question has been handed to the transport
   */
  readonly discover?: Discover;
  close(): Promise<void>;
  status(): LinkStatus;
}
