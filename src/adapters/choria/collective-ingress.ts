import { isIdentity, isRequestId } from '../../envelope/check.ts';
import { type Hop, type ReadableReply, readableReply } from '../../envelope/message.ts';
import type { Ingress, RequestSink } from '../../envelope/port.ts';
import type { RejectionContext } from '../../envelope/rejection.ts';
import type { IncomingMessage, LinkSubscription } from '../../transport/link.ts';
import type { AdapterContext, IngressServices } from '../descriptor.ts';
import { RequestCoalescer } from '../kit/request-coalescer.ts';
import { createNodeSubscriptions, type NodeSubscriptions, nodeOf } from './collective/node-subscriptions.ts';
import { createReplyExit, createReplySender } from './requests/reply-sender.ts';
import { createRequestDecoder } from './requests/request-decoder.ts';
import { choriaStatus } from './status.ts';
import {
  bridgeGroup,
  broadcastsSubject,
  type CallerVerifier,
  type Dialect,
  isFromBroker,
  nodeSubject,
  readTargets,
  type Transport,
} from './wire/index.ts';

export interface ChoriaCollectiveIngressOptions {
  readonly name: string;
  /** Requests are listened for in its collectives, and replies sent below them; instances of its cluster share requests. */
  readonly around: Pick<
    AdapterContext,
    'cluster' | 'collectives' | 'maxMessageBytes' | 'maxTargets' | 'maxTtl'
  >;
  readonly services: Pick<IngressServices, 'link' | 'remoteNodes' | 'collect' | 'clock'>;
  readonly verifier: CallerVerifier;
}

/** How long the server's name in a trail may be that of the one before, in ms; each reply to Go bears it. */
const MAX_SERVER_NAME_AGE_MS = 1_000;

/**
 * Requests of a Choria collective's own clients in, those that are not federated, protocol 1 in both dialects. The
 * bridge listens where the nodes that it stands in for would, and replies as they would.
 */
export const createChoriaCollectiveIngress = (options: ChoriaCollectiveIngressOptions): Ingress => {
  const { name, around, services } = options;
  const { cluster, collectives } = around;
  const { link, remoteNodes, clock } = services;
  const coalescers = new Map<string, RequestCoalescer>();
  let broadcasts: readonly LinkSubscription[] = [];
  let nodes: NodeSubscriptions | undefined;
  let connected = { server: '', until: 0 };

  /** As in status(), which is slower: it goes through all subscriptions. */
  const server = (): string => {
    if (clock() >= connected.until)
      connected = {
        server: choriaStatus(name, link).server ?? connected.server,
        until: clock() + MAX_SERVER_NAME_AGE_MS,
      };
    return connected.server;
  };

  /**
   * Ruby's nodes add their hop to the trail of a request that has one, so its client takes the way as it was: the bridge,
   * the node, the bridge. Go's record theirs always, but copy the trail of a federated request only
   * (`CopyFederationData` of go-choria's protocol/federation.go): there the bridge is where the node would be.
   */
  const trailOf = ({ home, sender }: ReadableReply, dialect: Dialect): readonly Hop[] | undefined =>
    dialect === 'go' ? [[server(), sender, server()]] : home.hops;

  const exit = createReplyExit(link, new Set(collectives));
  const decoder = createRequestDecoder({ ...options, exit, federated: false });
  const answer = createReplySender({ exit, trailOf });

  /** A message goes where the subjects say that it came by, and nowhere else. */
  const take = (body: Buffer, subjects: readonly string[], sink: RequestSink): void => {
    // What `mcbridge check` sends to see whether it may is empty.
    if (body.length === 0) {
      sink.ignored('bridged', {});
      return;
    }
    const transport = decoder.read(body, sink);
    if (transport === undefined) return;
    const bridged = brokersMark(transport);
    if (bridged !== undefined) sink.ignored('bridged', bridged);
    else decoder.open(transport, () => (request) => readTargets(subjects, request, around), sink);
  };

  // Each collective's copies apart: those that were sent on to another one's subjects are refused alone.
  const collectCopies = (sink: RequestSink): void => {
    for (const collective of collectives) {
      const subjects = (nodes: readonly string[]) => nodes.map((node) => nodeSubject(collective, node));
      const coalescer = new RequestCoalescer({
        take: ({ body }, nodes) => take(body, subjects(nodes), sink),
        quiet: services.collect,
        most: around.maxTargets,
      });
      coalescers.set(collective, coalescer);
    }
  };

  const onDirected = (message: IncomingMessage, sink: RequestSink): void => {
    const { collective, node } = nodeOf(message.destination);
    const coalescer = coalescers.get(collective);
    // A pattern lets in names that are invalid.
    if (coalescer === undefined || !isIdentity(node)) take(message.body, [message.destination], sink);
    else coalescer.add(message, node);
  };

  const flush = (): void => {
    for (const coalescer of coalescers.values()) coalescer.flush();
  };

  return {
    name,
    accepts: ['rpc', 'discovery'],

    start: async (sink) => {
      collectCopies(sink);
      nodes = createNodeSubscriptions({
        link,
        cluster,
        collectives,
        remoteNodes,
        onMessage: (message) => onDirected(message, sink),
      });
      await link.open();
      const heard = collectives.map((collective) =>
        link.subscribe({
          destination: broadcastsSubject(collective),
          group: bridgeGroup(cluster),
          onMessage: ({ body, destination }) => take(body, [destination], sink),
        }),
      );
      [broadcasts] = await Promise.all([Promise.all(heard), nodes.start()]);
    },

    reply: (reply, unsent) => answer(readableReply(reply), unsent),

    drain: async () => {
      const listening = broadcasts;
      broadcasts = [];
      await Promise.all([nodes?.stop(), ...listening.map((subscription) => subscription.unsubscribe())]);
      flush();
    },

    close: async () => {
      flush();
      // At once: a server that has stalled confirms nothing, and must not hold up the end.
      await Promise.all([nodes?.stop(), link.close()]);
    },

    status: () => choriaStatus(name, link),
  };
};

/**
 * What the headers of a request say that a Federation Broker, this one or another, has put into the collective, in
 * protocol 1 or 2; undefined for any other message. Nothing is verified: a sender who writes the mark only excludes its own message.
 */
const brokersMark = ({ replyTo, sender, federation }: Transport): RejectionContext | undefined => {
  if (replyTo === undefined || !isFromBroker(replyTo)) return undefined;
  const requestId = federation?.request;
  return {
    ...(requestId !== undefined && isRequestId(requestId) && { requestId }),
    ...(sender !== undefined && isIdentity(sender) && { sender }),
  };
};
