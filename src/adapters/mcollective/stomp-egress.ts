import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/value.ts';
import { type ReadableReply, readable } from '../../envelope/message.ts';
import type { Egress, LinkStatus, NodeDirectory, ReplySink } from '../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../envelope/rejection.ts';
import { own } from '../../envelope/text.ts';
import type { SigningPool } from '../../pki/signing-pool.ts';
import type { IncomingMessage, Link } from '../../transport/link.ts';
import { withNodeHop } from '../kit/node-hop.ts';
import { tellSigned } from '../kit/signed.ts';
import { checkPass, type ReplyPass, readToken } from '../kit/token.ts';
import { DirectLimit } from './egress/direct-limit.ts';
import { createDiscovery } from './egress/discovery.ts';
import { createDispatch } from './egress/dispatch.ts';
import type { Signers } from './egress/signing.ts';
import { frameBody } from './frame-body.ts';
import { parseReplyDestination, replyWildcard } from './wire/addressing.ts';
import { decodeReply, verifyReply } from './wire/reply.ts';
import { createSerializer, type SerializerName } from './wire/serializer.ts';

export interface McollectiveStompEgressOptions {
  readonly name: string;
  readonly link: Link;
  /** What the bridge calls itself in `mc_sender` and `:senderid`. */
  readonly identity: string;
  readonly cluster: string;
  /** Authenticates reply tokens; the same in every instance of the cluster. */
  readonly tokenKey: KeyObject;
  /** The collectives whose replies are awaited. */
  readonly collectives: readonly string[];
  readonly serializer: SerializerName;
  /** `plugin.activemq.base64` of the collective. */
  readonly base64: boolean;
  /** `plugin.activemq.agents_multiplex` of the collective. */
  readonly multiplex: boolean;
  readonly priority: number;
  /** Fewer directed frames than this lie unanswered in the broker's queue, see `DirectLimit`. */
  readonly directLimit: number;
  /** Where the nodes live that requests name. */
  readonly nodes: NodeDirectory;
  readonly signers: Signers;
  readonly pool: SigningPool;
  /** What may wait for its signature, in bytes, see `SigningQueue`. */
  readonly maxUnsignedBytes: number;
  /** In whose name the bridge asks who is there; a name of its own unless told. */
  readonly discoveryCaller?: string;
  /** The daemons' public keys. */
  readonly serverKeys: readonly KeyObject[];
  readonly maxMessageBytes: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const CACHED_TOKENS = 2_000;
/** In whose name it asks who is there where the configuration does not say. */
export const DISCOVERY_CALLER = 'cert=mcbridge';

/** Requests out to a legacy SSL collective behind ActiveMQ, and replies back through reply tokens. */
export const createMcollectiveStompEgress = (options: McollectiveStompEgressOptions): Egress => {
  const { name, link, cluster, tokenKey, clock } = options;
  const serializer = createSerializer(options.serializer, {
    ...DEFAULT_RUBY_LIMITS,
    maxBytes: options.maxMessageBytes,
  });
  const passes = new LRUCache<string, ReplyPass>({ max: CACHED_TOKENS });
  let sink: ReplySink | undefined;

  const passFor = (destination: string): ReplyPass => {
    const cached = passes.get(destination);
    if (cached !== undefined) return cached;
    const kept = own(destination);
    const { collective, token } = parseReplyDestination(kept, cluster);
    const pass = readToken(token, { key: tokenKey, cluster, protocol: 'mcollective', collective });
    passes.set(kept, pass);
    return pass;
  };

  const replyFrom = (message: IncomingMessage, { home, asked, broadcast }: ReplyPass): ReadableReply => {
    const context: RejectionContext = { requestId: home.requestId };
    let signed: ReturnType<typeof decodeReply>;
    try {
      signed = decodeReply(frameBody(message.body, options), serializer);
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
      const payload = verifyReply(signed, options.serverKeys, serializer);
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

  const onReply = (message: IncomingMessage, to: ReplySink): void => {
    let proven: ReplyPass | undefined;
    try {
      const pass = passFor(message.destination);
      checkPass(pass, clock());
      proven = pass;
      const reply = replyFrom(message, pass);
      dispatch.answered(pass.home, reply.sender);
      to.reply(reply);
    } catch (error) {
      to.rejected(asRejection(error), proven?.home, proven?.broadcast);
    }
  };

  const dispatch = createDispatch({
    ...options,
    serializer,
    limit: new DirectLimit(options.directLimit),
    onSigned: tellSigned(() => sink),
  });

  return {
    name,
    accepts: ['rpc', 'discovery'],
    silence: `do the daemons run, is their serializer ${options.serializer} (plugin.ssl_serializer), and do they have the caller's public key? Their own logs say`,

    start: async (replies) => {
      sink = replies;
      const onMessage = (message: IncomingMessage): void => onReply(message, replies);
      // Before it is open, so that the subscriptions stand before what waits is sent.
      const subscriptions = options.collectives.map((collective) =>
        link.subscribe({ destination: replyWildcard(collective, cluster), onMessage }),
      );
      await Promise.all([link.open(), ...subscriptions]);
    },

    deliver: async (request, undelivered) => dispatch.deliver(readable(request), undelivered),

    discover: createDiscovery(
      {
        ...options,
        caller: options.discoveryCaller ?? DISCOVERY_CALLER,
        serializer,
        open: (body) => frameBody(body, options),
      },
      () => sink,
    ),

    close: () => link.close(),

    status: (): LinkStatus => ({ name, ...link.state() }),
  };
};
