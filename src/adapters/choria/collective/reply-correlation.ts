import { LRUCache } from 'lru-cache';
import { isIdentity } from '../../../envelope/check.ts';
import type { ReadableReply, ReadableReplyAddress } from '../../../envelope/message.ts';
import type { ReplySink } from '../../../envelope/port.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import { own } from '../../../envelope/text.ts';
import { withNodeHop } from '../../kit/node-hop.ts';
import { checkReplyToken, encodeToken, readToken, type VerifiedReplyToken } from '../../kit/token.ts';
import {
  bridgeReplySubject,
  choriaRequestId,
  decodeReply,
  decodeReplyBody,
  decodeSecureReply,
  parseBridgeReply,
  TRANSPORT_V1,
  type Transport,
  transportData,
  verifyHash,
  type WireReply,
} from '../wire/index.ts';
import type { ChoriaCollectiveEgressOptions } from './options.ts';

/**
 * The reply path of a translated request. It travels in the federation header, which nodes copy into their replies:
 * a reply subject as brokers expect one there, whose last part is the reply token. It has no subscriber.
 */
export interface ReplyCorrelation {
  /** @param nodes the nodes that are asked; undefined for a broadcast */
  replyTo(home: ReadableReplyAddress, nodes: readonly string[] | undefined): string;
  /** Whether a reply with this reply path answers a request that was translated. */
  isOurs(replyTo: string | undefined): replyTo is string;
  /** Proves a reply, and hands it over. */
  receive(transport: Transport, replyTo: string, sink: ReplySink): void;
}

const MAX_CACHED_TOKENS = 2_000;

export const createReplyCorrelation = ({
  around: { cluster },
  services: { tokenKey: key, otherTokenKeys: otherKeys, clock },
}: Pick<ChoriaCollectiveEgressOptions, 'around' | 'services'>): ReplyCorrelation => {
  const keys = { key, otherKeys, cluster, protocol: 'choria' };
  const passes = new LRUCache<string, VerifiedReplyToken>({ max: MAX_CACHED_TOKENS });

  const passFor = (replyTo: string): VerifiedReplyToken => {
    const cached = passes.get(replyTo);
    if (cached !== undefined) return cached;
    const kept = own(replyTo);
    const { collective = '', token = '' } = parseBridgeReply(kept) ?? {};
    const pass = readToken(token, { ...keys, collective });
    passes.set(kept, pass);
    return pass;
  };

  return {
    replyTo: (home, nodes) => {
      const { collective } = home;
      const token = encodeToken(home, nodes, { ...keys, collective });
      return bridgeReplySubject(collective, token);
    },

    isOurs: (replyTo): replyTo is string => replyTo !== undefined && parseBridgeReply(replyTo) !== undefined,

    receive: (transport, replyTo, sink) => {
      let proven: VerifiedReplyToken | undefined;
      try {
        const pass = passFor(replyTo);
        checkReplyToken(pass, clock());
        proven = pass;
        sink.reply(replyOf(transport, pass));
      } catch (error) {
        sink.rejected(asRejection(error, senderIn(transport)), proven?.home, proven?.broadcast);
      }
    },
  };
};

/** The node that a message claims to come from. */
const senderIn = ({ sender }: Transport): { readonly sender?: string } =>
  sender !== undefined && isIdentity(sender) ? { sender } : {};

/** The reply, after checks against the request. Protocol 1 signs no replies, so there are no further checks. */
const replyOf = (transport: Transport, { home, asked, broadcast }: VerifiedReplyToken): ReadableReply => {
  const { requestId, agent } = home;
  try {
    const wire = verifyNodeReply(transport);
    if (wire.requestId !== choriaRequestId(requestId))
      throw new Rejection(
        'requestid_mismatch',
        `it answers request ${wire.requestId}, its reply token belongs to another`,
        { requestId },
      );
    if (!asked(wire.senderId)) throw new Rejection('unexpected_sender', `${wire.senderId} was not asked`);
    if (wire.agent !== agent)
      throw new Rejection('agent_mismatch', `it is a reply of the agent ${wire.agent}, ${agent} was asked`, {
        agent,
      });
    return {
      home: withTrail(home, wire.senderId, transport),
      sender: wire.senderId,
      time: wire.time * 1000,
      payload: decodeReplyBody(wire.message, agent),
      broadcast,
    };
  } catch (error) {
    throw asRejection(error, { requestId, ...senderIn(transport) });
  }
};

/** The trail has come with the reply, longer by the node's hop; the token's is that of the request. */
const withTrail = (home: ReadableReplyAddress, node: string, { hops }: Transport): ReadableReplyAddress => {
  if (home.hops === undefined) return home;
  return hops === undefined ? withNodeHop(home, node, undefined) : { ...home, hops };
};

/**
 * A node's reply: its hash is good, and it comes from the node that the transport names.
 * @throws Rejection
 */
export const verifyNodeReply = ({ content, sender }: Transport): WireReply => {
  if (content.protocol !== TRANSPORT_V1)
    throw new Rejection('wrong_protocol', 'it came in protocol 2, but was asked for in protocol 1');
  const secure = decodeSecureReply(transportData(content).data);
  verifyHash(secure);
  const wire = decodeReply(secure.message);
  if (wire.senderId !== sender)
    throw new Rejection(
      'unexpected_sender',
      `the reply is by ${wire.senderId}, but its transport message by another`,
    );
  return wire;
};
