import { encodeBase64 } from '../../../codec/base64.ts';
import { namedNodes, type ReadableReplyAddress, type ReadableRequest } from '../../../envelope/message.ts';
import type { Undelivered, Whereabouts } from '../../../envelope/port.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { OutgoingMessage } from '../../../transport/link.ts';
import { inGroups } from '../../kit/in-groups.ts';
import { type NotSent, notSentTo, sendAllVia } from '../../kit/send.ts';
import { createSigningQueue } from '../../kit/signing-queue.ts';
import { encodeToken } from '../../kit/token.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  directedDestination,
  EXPIRY_SLACK_SECONDS,
  messageHeaders,
  replyDestination,
} from '../wire/addressing.ts';
import { namingNodes } from '../wire/named-nodes.ts';
import { encodeRequestBody, encodeSignedRequest, type LegacyRequest } from '../wire/request.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { DirectedInFlightLimit } from './directed-in-flight-limit.ts';
import type { McollectiveStompEgressOptions } from './options.ts';

export interface DispatchParts {
  readonly serializer: Serializer;
  readonly limit: DirectedInFlightLimit;
  /** The name below which replies of a collective come to this instance alone, once it hears them there. */
  readonly ownReplies: (collective: string) => Promise<string>;
  readonly onSigned: (request: ReadableRequest) => void;
}

/** The way out of the egress: one signature a request, then as many frames as it takes, all of them or none. */
export interface Dispatch {
  deliver(request: ReadableRequest, undelivered?: Undelivered): Promise<void>;
  /** A node's reply to that request is home. */
  answered(home: ReadableReplyAddress, node: string): void;
}

/** Nodes whose frames share one reply token, and with it one reply queue; as many as Choria's clients group. */
const MAX_NODES_PER_TOKEN = 200;

export const createDispatch = (
  { config, around, services, signers }: McollectiveStompEgressOptions,
  { serializer, limit, ownReplies, onSigned }: DispatchParts,
): Dispatch => {
  const { link, tokenKey, nodes: directory, pool, clock } = services;
  const { identity, cluster } = around;
  const frame = { priority: config.priority, identity };
  const queued = createSigningQueue({ maxUnsignedBytes: config.buffer.bytes, clock });

  const replyTo = (
    home: ReadableReplyAddress,
    nodes: readonly string[] | undefined,
    whose: string,
  ): string => {
    const { collective } = home;
    return replyDestination(
      collective,
      whose,
      encodeToken(home, nodes, { key: tokenKey, cluster, protocol: 'mcollective', collective }),
    );
  };

  const frameBody = (document: Buffer): Buffer =>
    config.base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document;

  /** For each group of nodes that share a token, one frame a node, or one that names them all in its filter. */
  const frames = (
    request: ReadableRequest,
    legacy: LegacyRequest,
    signed: Buffer,
    signature: Buffer,
    whose: string,
  ): readonly OutgoingMessage[] => {
    const { collective, agent, ttl, targets, home } = request;
    const encode = (it: LegacyRequest): Buffer =>
      frameBody(encodeSignedRequest(it, signed, signature, serializer));
    const headers = { ...messageHeaders(clock(), ttl / 1000, frame), [BRIDGE_MARKER]: cluster };
    const expires = home.expires;
    const broadcast = broadcastDestination(collective, agent, config.agentsMultiplex);
    const named = namedNodes(targets);
    if (named === undefined) {
      return [
        {
          destination: broadcast,
          headers,
          replyTo: replyTo(home, undefined, whose),
          body: encode(legacy),
          expires,
        },
      ];
    }
    const groups = inGroups(named, MAX_NODES_PER_TOKEN).map((nodes) => ({
      nodes,
      replyTo: replyTo(home, nodes, whose),
    }));
    // Before the limit notes it: what cannot be said to daemons never lies in their queue.
    const body = encode(legacy);
    if (isDirected(request, named)) {
      const destination = directedDestination(collective);
      return groups.flatMap(({ nodes, replyTo }) =>
        nodes.map((node) => ({
          destination,
          headers: { ...headers, mc_identity: node },
          replyTo,
          body,
          expires,
        })),
      );
    }
    return groups.map(({ nodes, replyTo }) => {
      const filter = namingNodes(legacy.filter, nodes);
      if (filter === undefined)
        throw new Rejection(
          'unsupported_filter',
          `the filter by identity cannot be joined with the names of ${nodes.length} nodes, which are too many to be asked one by one`,
        );
      return { destination: broadcast, headers, replyTo, body: encode({ ...legacy, filter }), expires };
    });
  };

  const isDirected = ({ ttl, home, collective }: ReadableRequest, nodes: readonly string[]): boolean => {
    const now = clock();
    const expires = now + ttl + EXPIRY_SLACK_SECONDS * 1000;
    const whereabouts = (node: string): Whereabouts => directory.whereabouts(collective, node);
    return limit.admits({ request: keyOf(home), nodes, expires }, whereabouts, now);
  };

  /** Tells the limit that the last so many frames will never lie in the broker's queue. */
  const givesBack =
    (home: ReadableReplyAddress, all: readonly OutgoingMessage[]) =>
    (missing: number): void => {
      for (const { headers } of all.slice(all.length - missing)) {
        const node = headers?.['mc_identity'];
        if (node !== undefined) limit.gone(keyOf(home), node);
      }
    };

  return {
    deliver: async (request, undelivered) => {
      const { callerId, key } = signers.signerFor(request.caller);
      const whose = request.home.bound === true ? await ownReplies(request.collective) : cluster;
      const legacy: LegacyRequest = {
        ...request,
        time: Math.floor(request.time / 1000),
        ttl: Math.ceil(request.ttl / 1000),
        requestId: request.id,
        senderId: identity,
        callerId,
      };
      const body = encodeRequestBody(legacy, serializer);
      const signature = await queued(request, body.length, (check) =>
        pool.sign('sha1', body, key, 'request', check),
      );
      onSigned(request);
      const all = frames(request, legacy, body, signature, whose);
      const giveBack = givesBack(request.home, all);
      try {
        sendAllVia(link, all, both(giveBack, notSentTo(undelivered, request.home)));
      } catch (error) {
        giveBack(all.length);
        throw error;
      }
    },
    answered: (home, node) => limit.gone(keyOf(home), node),
  };
};

/** One request, as its replies tell it too; those with a token of the version before know no flow. */
const keyOf = ({ flow, ingress, replyTo, requestId }: ReadableReplyAddress): string =>
  flow ?? `${ingress} ${replyTo} ${requestId}`;

const both =
  (giveBack: (missing: number) => void, tell: NotSent): NotSent =>
  (rejection, missing, total) => {
    giveBack(missing);
    tell(rejection, missing, total);
  };
