import { isIdentity, isRequestId } from '../../envelope/check.ts';
import { type Hop, type ReadableReply, readableReply } from '../../envelope/message.ts';
import type { Ingress, RequestSink, Residents } from '../../envelope/port.ts';
import type { RejectionContext } from '../../envelope/rejection.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../transport/link.ts';
import { Bundle } from '../kit/bundle.ts';
import { createNodeSubscriptions, type NodeSubscriptions, nodeOf } from './collective/node-subscriptions.ts';
import { createAnswerer } from './requests/answer.ts';
import { createRequestOpener } from './requests/open.ts';
import { createReplyExit } from './requests/reply-exit.ts';
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
  readonly link: Link;
  /** Instances of one cluster share requests. */
  readonly cluster: string;
  /** The exported ones: where requests are listened for, and below which replies are sent. */
  readonly collectives: readonly string[];
  readonly verifier: CallerVerifier;
  /** Whom directed requests are taken for. */
  readonly residents: Residents;
  readonly maxMessageBytes: number;
  /** Nodes of one request, however many messages it came as. */
  readonly maxTargets: number;
  /** How long a request to nodes waits for further copies, in ms: Go's clients send one to each node. */
  readonly collect: number;
  /** Seconds. */
  readonly maxTtl: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** How long the server's name in a trail may be that of the one before, in ms; each reply to Go bears it. */
const SERVER_AGE = 1_000;

/**
 * Requests of a Choria collective's own clients in, those that are not federated, protocol 1 in both dialects. The
 * bridge listens where the nodes that it stands in for would, and replies as they would.
 */
export const createChoriaCollectiveIngress = (options: ChoriaCollectiveIngressOptions): Ingress => {
  const { name, link, cluster, collectives, residents, clock } = options;
  const bundles = new Map<string, Bundle>();
  let broadcasts: readonly LinkSubscription[] = [];
  let nodes: NodeSubscriptions | undefined;
  let connected = { server: '', until: 0 };

  /** As in status(); looking at all subscriptions for it is not for free. */
  const server = (): string => {
    if (clock() >= connected.until)
      connected = {
        server: choriaStatus(name, link).server ?? connected.server,
        until: clock() + SERVER_AGE,
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
  const opener = createRequestOpener({ ...options, exit, federated: false });
  const answer = createAnswerer({ exit, trailOf });

  /** A message goes where the subjects say that it came by, and nowhere else. */
  const take = (body: Buffer, subjects: readonly string[], sink: RequestSink): void => {
    // What `mcbridge check` sends to see whether it may is empty.
    if (body.length === 0) {
      sink.ignored('bridged', {});
      return;
    }
    const transport = opener.read(body, sink);
    if (transport === undefined) return;
    const bridged = brokersMark(transport);
    if (bridged !== undefined) sink.ignored('bridged', bridged);
    else opener.open(transport, () => (request) => readTargets(subjects, request, options), sink);
  };

  // Each collective's copies apart: those that somebody has sent on to another one's subjects are refused alone.
  const collectCopies = (sink: RequestSink): void => {
    for (const collective of collectives) {
      const subjects = (nodes: readonly string[]) => nodes.map((node) => nodeSubject(collective, node));
      const bundle = new Bundle({
        take: ({ body }, nodes) => take(body, subjects(nodes), sink),
        quiet: options.collect,
        most: options.maxTargets,
      });
      bundles.set(collective, bundle);
    }
  };

  const onDirected = (message: IncomingMessage, sink: RequestSink): void => {
    const { collective, node } = nodeOf(message.destination);
    const bundle = bundles.get(collective);
    // A pattern lets in names that are none.
    if (bundle === undefined || !isIdentity(node)) take(message.body, [message.destination], sink);
    else bundle.add(message, node);
  };

  const flush = (): void => {
    for (const bundle of bundles.values()) bundle.flush();
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
        residents,
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
 * protocol 1 or 2; undefined for any other message. Nothing is verified: who writes the mark only takes himself out.
 */
const brokersMark = ({ replyTo, sender, federation }: Transport): RejectionContext | undefined => {
  if (replyTo === undefined || !isFromBroker(replyTo)) return undefined;
  const requestId = federation?.request;
  return {
    ...(requestId !== undefined && isRequestId(requestId) && { requestId }),
    ...(sender !== undefined && isIdentity(sender) && { sender }),
  };
};
