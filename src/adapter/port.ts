import type { Home, Reply, Request } from '../envelope/message.ts';
import type { Rejection } from '../envelope/rejection.ts';
import type { SealedReply, SealedRequest } from '../envelope/sealed.ts';

/** Whether a side can be reached now, and why not. */
export interface LinkStatus {
  readonly name: string;
  readonly up: boolean;
  /** The server that it is connected to, as a URL without credentials. */
  readonly server?: string;
  readonly reason?: string;
}

/** What an ingress hands over to the bridge. */
export interface RequestSink {
  /** A verified request, or a sealed one for a route that passes such. */
  request(request: Request | SealedRequest): void;
  /**
   * A message that is no request.
   * @param home where to send an RPC error, as far as the message says it
   */
  rejected(rejection: Rejection, home?: Home): void;
}

/** The side where requests come in. Five methods; every implementation passes the same contract suite. */
export interface Ingress {
  readonly name: string;
  /** Connects and subscribes; resolves once requests can arrive. */
  start(sink: RequestSink): Promise<void>;
  /** Sends a reply to `reply.home`, in that requester's dialect. Buffers while the link is down, until the home expires. */
  reply(reply: Reply | SealedReply): void;
  /** Takes no more requests; replies can still be sent. */
  drain(): Promise<void>;
  close(): Promise<void>;
  status(): LinkStatus;
}

/** What an egress hands over to the bridge. */
export interface ReplySink {
  reply(reply: Reply | SealedReply): void;
  /**
   * A message that is no reply. Its context names the node that it claims to come from.
   * @param home where the RPC error goes in its place, where the message proved that
   */
  rejected(rejection: Rejection, home?: Home): void;
}

/** The side where requests go out. */
export interface Egress {
  readonly name: string;
  start(sink: ReplySink): Promise<void>;
  /**
   * Signs and sends a mapped request, or passes a sealed one of its own protocol.
   * @returns once it has been handed to the transport, which keeps it until its ttl ends
   * @throws Rejection e.g. `no_signing_key`, `overloaded`
   */
  deliver(request: Request | SealedRequest): Promise<void>;
  close(): Promise<void>;
  status(): LinkStatus;
}
