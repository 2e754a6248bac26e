import type { Home, PayloadKind, Reply, Request } from './message.ts';
import type { Rejection, RejectionContext } from './rejection.ts';

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
   * @param copy where every instance of the cluster has got it too
   */
  request(request: Request, copy?: Copy): void;
  /**
   * A message that is no request.
   * @param home where to send an RPC error, as far as the message says it
   * @param copy where every instance of the cluster has got it too, and one answers
   */
  rejected(rejection: Rejection, home?: Home, copy?: Copy): void;
  /** A request that is somebody else's to handle; counted, and told at log level debug. */
  ignored(why: Ignored, context: RejectionContext): void;
  /** A step of a request's way in, for the log at level debug. */
  step?(step: Step, context: RejectionContext): void;
}

/**
 * Why an ingress leaves a request alone: `bridged` where a bridge (this or another) put it on that side, which would
 * make a loop; `another_instance` where another instance of the cluster has got it too and handles it; `claims_unknown`
 * where nobody can tell whether another one does; `redelivered` where
 * the broker has given it to an instance before, which may have handled it; `native` where the node that is meant, or that
 * answers, is reached on the requester's own side.
 */
export type Ignored = 'bridged' | 'another_instance' | 'claims_unknown' | 'redelivered' | 'native';

/** Which nodes an ingress stands in for: those that live beyond one of its routes and not on its own side. */
export interface Residents {
  /** Globs of identities in a collective, as configured: `*` is any text, `?` any character. */
  patterns(collective: string): readonly string[];
  /** Identities in a collective that have answered of late, whether a pattern covers them or not. */
  names(collective: string): ReadonlySet<string>;
  /** Whether the node is one of these, by name or by pattern. */
  has(collective: string, identity: string): boolean;
  /** Calls when `names` or `has` may answer otherwise than before. */
  onChange(listener: () => void): void;
}

/**
 * Where a node that a request names lives, as far as an egress is told: `here` where it has answered from beyond the
 * egress of late, `elsewhere` where it has not, and is said to live beyond another one.
 */
export type Whereabouts = 'here' | 'elsewhere' | 'unknown';

/** Who lives where, asked by one egress. */
export interface NodeDirectory {
  whereabouts(collective: string, identity: string): Whereabouts;
}

/** A message of which every instance of the cluster has got a copy. */
export interface Copy {
  /** The key that is claimed; the same in all instances, see `claim-key.ts`. */
  readonly claim: string;
}

/** What has become of a claim: whether this instance handles what every instance has got a copy of. */
export type Claim =
  | { readonly result: 'won' | 'lost' }
  /** Nobody can tell, and so nobody handles it: it might be handled twice. */
  | { readonly result: 'unknown'; readonly reason: string };

/** Decides which instance of a cluster handles what each of them has got a copy of: at most one claim for a key is won. */
export interface Claims {
  /**
   * @param key the same in all instances
   * @param bytes what waits in memory until it is decided, about
   */
  claim(key: string, bytes: number): Promise<Claim>;
}

/** The side where requests come in. Five methods; every implementation passes the same contract suite. */
export interface Ingress {
  readonly name: string;
  /** What replies it takes home; no route brings it others. */
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
   * A message that is no reply. Its context names the node that it claims to come from.
   * @param home where the RPC error goes in its place, where the message proved that
   * @param broadcast whether it answers a request to all that listen, where the message proved that
   */
  rejected(rejection: Rejection, home?: Home, broadcast?: boolean): void;
  /** A step of a request's way out, for the log at level debug. */
  step?(step: Step, context: RejectionContext): void;
}

/**
 * Told later, and at most once, that messages of a request which the transport had taken did not go out.
 * @param extent whether others of the same request did
 * @param home where the RPC error goes, as far as that is known
 */
export type Undelivered = (rejection: Rejection, extent: 'all' | 'some', home: Home | undefined) => void;

/** The side where requests go out. */
export interface Egress {
  readonly name: string;
  /** What requests it takes; no route brings it others. */
  readonly accepts: readonly PayloadKind[];
  /** What may be the cause where nothing at all comes back from there: questions to an operator. */
  readonly silence?: string;
  start(sink: ReplySink): Promise<void>;
  /**
   * Signs and sends a mapped request, or passes an opaque one of its own protocol: to all of its targets or, where it
   * throws, to none.
   * @returns once it has been handed to the transport, which keeps it until its ttl ends
   * @throws Rejection e.g. `no_signing_key`, `overloaded`
   */
  deliver(request: Request, undelivered?: Undelivered): Promise<void>;
  /**
   * Asks all nodes of a collective who is there, in the bridge's own name; the answers come to this instance alone.
   * Undefined where the egress cannot sign.
   * @param found called for each node that answers, also after the promise has resolved
   * @returns once the question has been handed to the transport
   */
  readonly discover?: (collective: string, found: (node: string) => void) => Promise<void>;
  close(): Promise<void>;
  status(): LinkStatus;
}
