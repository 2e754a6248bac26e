import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/value.ts';
import { type ReadableReply, readable } from '../../envelope/message.ts';
import type { Egress, LinkStatus, ReplySink } from '../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../envelope/rejection.ts';
import { own } from '../../envelope/text.ts';
import type { IncomingMessage } from '../../transport/link.ts';
import { withNodeHop } from '../kit/node-hop.ts';
import { tellSigned } from '../kit/signed.ts';
import { checkReplyToken, readToken, type VerifiedReplyToken } from '../kit/token.ts';
import { mcollectiveCauses } from './egress/causes.ts';
import { DirectedInFlightLimit } from './egress/directed-in-flight-limit.ts';
import { createDiscovery } from './egress/discovery.ts';
import { createDispatch } from './egress/dispatch.ts';
import type { McollectiveStompEgressOptions } from './egress/options.ts';
import { createOwnReplies } from './egress/own-replies.ts';
import { frameBody } from './frame-body.ts';
import { ownName, parseReplyDestination, replyWildcard } from './wire/addressing.ts';
import { decodeReply, verifyReply } from './wire/reply.ts';
import { createSerializer } from './wire/serializer.ts';

const MAX_CACHED_TOKENS = 2_000;

/** Requests out to a legacy SSL collective behind ActiveMQ, and replies back through reply tokens. */
export const createMcollectiveStompEgress = (options: McollectiveStompEgressOptions): Egress => {
  const { name, config, around, serverKeys } = options;
  const { link, tokenKey: key, otherTokenKeys: otherKeys, clock } = options.services;
  const { cluster, collectives } = around;
  const serializer = createSerializer(config.serializer, {
    ...DEFAULT_RUBY_LIMITS,
    maxBytes: around.maxMessageBytes,
  });
  const passes = new LRUCache<string, VerifiedReplyToken>({ max: MAX_CACHED_TOKENS });
  const ownReplyName = ownName(`${around.identity}_${process.pid}`, randomBytes(8).toString('hex'));
  let sink: ReplySink | undefined;

  /** @param whose the cluster's queues, or this instance's own */
  const passFor = (destination: string, whose: string): VerifiedReplyToken => {
    const cached = passes.get(destination);
    if (cached !== undefined) return cached;
    const kept = own(destination);
    const { collective, token } = parseReplyDestination(kept, whose);
    const context = { key, otherKeys, cluster, protocol: 'mcollective', collective };
    const pass = readToken(token, context);
    passes.set(kept, pass);
    return pass;
  };

  const replyFrom = (
    message: IncomingMessage,
    { home, asked, broadcast }: VerifiedReplyToken,
  ): ReadableReply => {
    const context: RejectionContext = { requestId: home.requestId };
    let signed: ReturnType<typeof decodeReply>;
    try {
      signed = decodeReply(frameBody(message.body, config, around), serializer);
    } catch (error) {
      throw asRejection(error, context);
    }
    try {
      if (signed.requestId !== home.requestId)
        throw new Rejection(
          'requestid_mismatch',
          `it answers request ${signed.requestId.slice(0, 40)}, its reply token belongs to another`,
        );
      if (!asked(signed.senderId))
        throw new Rejection('unexpected_sender', `${signed.senderId} was not asked`);
      const payload = verifyReply(signed, serverKeys, serializer);
      if ((payload.kind === 'discovery') !== (home.agent === 'discovery'))
        throw new Rejection('unsupported_body', `it is no reply of the agent ${home.agent}`);
      const { senderId: sender, time } = signed;
      // Daemons record no hops. Few requests ask for them, so the link is rarely asked for its state.
      const traced = home.hops === undefined ? home : withNodeHop(home, sender, link.state().server);
      return { home: traced, sender, time: time * 1000, payload, broadcast };
    } catch (error) {
      throw asRejection(error, { ...context, sender: signed.senderId });
    }
  };

  const onReply = (message: IncomingMessage, to: ReplySink, whose: string): void => {
    let proven: VerifiedReplyToken | undefined;
    try {
      const pass = passFor(message.destination, whose);
      checkReplyToken(pass, clock());
      proven = pass;
      const reply = replyFrom(message, pass);
      dispatch.answered(pass.home, reply.sender);
      to.reply(reply);
    } catch (error) {
      to.rejected(asRejection(error), proven?.home, proven?.broadcast);
    }
  };

  const dispatch = createDispatch(options, {
    serializer,
    limit: new DirectedInFlightLimit(config.directLimit),
    ownReplies: createOwnReplies(link, ownReplyName, (message) => {
      if (sink !== undefined) onReply(message, sink, ownReplyName);
    }),
    onSigned: tellSigned(() => sink),
  });

  return {
    name,
    accepts: ['rpc', 'discovery'],
    causes: mcollectiveCauses(options),

    start: async (replies) => {
      sink = replies;
      const onMessage = (message: IncomingMessage): void => onReply(message, replies, cluster);
      // Before it is open, so that the subscriptions stand before what waits is sent.
      const subscriptions = collectives.map((collective) =>
        link.subscribe({ destination: replyWildcard(collective, cluster), onMessage }),
      );
      await Promise.all([link.open(), ...subscriptions]);
    },

    deliver: async (request, undelivered) => dispatch.deliver(readable(request), undelivered),

    discover: createDiscovery(options, serializer, () => sink),

    close: () => link.close(),

    status: (): LinkStatus => ({ name, ...link.state() }),
  };
};
