import type { KeyObject } from 'node:crypto';
import { encodeBase64 } from '../../../codec/base64.ts';
import { type Home, namedNodes, type ReadableRequest } from '../../../envelope/message.ts';
import type { NodeDirectory, Undelivered, Whereabouts } from '../../../envelope/port.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { SigningPool } from '../../../pki/signing-pool.ts';
import type { Link, OutgoingMessage } from '../../../transport/link.ts';
import { type NotSent, notSentTo, sendAllVia } from '../../kit/send.ts';
import { createSigningQueue } from '../../kit/signing-queue.ts';
import { encodeToken } from '../../kit/token.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  directedDestination,
  EXPIRY_SLACK,
  messageHeaders,
  replyDestination,
} from '../wire/addressing.ts';
import { namingNodes } from '../wire/named-nodes.ts';
import { encodeRequestBody, encodeSignedRequest, type LegacyRequest } from '../wire/request.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { DirectLimit } from './direct-limit.ts';
import type { Signers } from './signing.ts';

export interface DispatchOptions {
  readonly link: Link;
  readonly identity: string;
  readonly cluster: string;
  readonly tokenKey: KeyObject;
  readonly serializer: Serializer;
  readonly base64: boolean;
  readonly multiplex: boolean;
  readonly priority: number;
  readonly signers: Signers;
  readonly pool: SigningPool;
  /** What may wait for its signature, in bytes, see `SigningQueue`. */
  readonly maxUnsignedBytes: number;
  readonly limit: DirectLimit;
  readonly nodes: NodeDirectory;
  readonly clock: () => number;
  readonly onSigned: (request: ReadableRequest) => void;
}

/** The way out of the egress: one signature a request, then as many frames as it takes, all of them or none. */
export interface Dispatch {
  deliver(request: ReadableRequest, undelivered?: Undelivered): Promise<void>;
  /** A node's reply to that request is home. */
  answered(home: Home, node: string): void;
}

/** Nodes whose frames share one reply token, and with it one reply queue; as many as Choria's clients group. */
const NODES_PER_TOKEN = 200;

export const createDispatch = (options: DispatchOptions): Dispatch => {
  const { link, identity, cluster, tokenKey, serializer, clock, limit, pool } = options;
  const queued = createSigningQueue(options);

  const replyTo = (home: Home, nodes: readonly string[] | undefined): string => {
    const { collective } = home;
    return replyDestination(
      collective,
      cluster,
      encodeToken(home, nodes, { key: tokenKey, cluster, protocol: 'mcollective', collective }),
    );
  };

  const frameBody = (document: Buffer): Buffer =>
    options.base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document;

  /** For each group of nodes that share a token, one frame a node, or one that names them all in its filter. */
  const frames = (
    request: ReadableRequest,
    legacy: LegacyRequest,
    signed: Buffer,
    signature: Buffer,
  ): readonly OutgoingMessage[] => {
    const { collective, agent, ttl, targets, home } = request;
    const encode = (it: LegacyRequest): Buffer =>
      frameBody(encodeSignedRequest(it, signed, signature, serializer));
    const headers = { ...messageHeaders(clock(), ttl / 1000, options), [BRIDGE_MARKER]: cluster };
    const expires = home.expires;
    const broadcast = broadcastDestination(collective, agent, options.multiplex);
    const named = namedNodes(targets);
    if (named === undefined) {
      return [
        { destination: broadcast, headers, replyTo: replyTo(home, undefined), body: encode(legacy), expires },
      ];
    }
    const groups = inGroups(named, NODES_PER_TOKEN).map((nodes) => ({
      nodes,
      replyTo: replyTo(home, nodes),
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
    const expires = now + ttl + EXPIRY_SLACK * 1000;
    const whereabouts = (node: string): Whereabouts => options.nodes.whereabouts(collective, node);
    return limit.admits({ request: keyOf(home), nodes, expires }, whereabouts, now);
  };

  /** Tells the limit that the last so many frames will never lie in the broker's queue. */
  const givesBack =
    (home: Home, all: readonly OutgoingMessage[]) =>
    (missing: number): void => {
      for (const { headers } of all.slice(all.length - missing)) {
        const node = headers?.['mc_identity'];
        if (node !== undefined) limit.gone(keyOf(home), node);
      }
    };

  return {
    deliver: async (request, undelivered) => {
      const { callerId, key } = options.signers.signerFor(request.caller);
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
      options.onSigned(request);
      const all = frames(request, legacy, body, signature);
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
const keyOf = ({ flow, ingress, replyTo, requestId }: Home): string =>
  flow ?? `${ingress} ${replyTo} ${requestId}`;

const both =
  (giveBack: (missing: number) => void, tell: NotSent): NotSent =>
  (rejection, missing, total) => {
    giveBack(missing);
    tell(rejection, missing, total);
  };

const inGroups = <T>(items: readonly T[], size: number): readonly T[][] => {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  return groups;
};
