import type { KeyObject } from 'node:crypto';
import { isOpaque, type ReadableRequest } from '../../envelope/message.ts';
import type { Discover, Egress, LinkStatus, ReplySink, Undelivered } from '../../envelope/port.ts';
import { asRejection } from '../../envelope/rejection.ts';
import type { SigningPool } from '../../pki/signing-pool.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../transport/link.ts';
import { tellSigned } from '../kit/signed.ts';
import { choriaCauses } from './collective/causes.ts';
import type { Credentials } from './collective/credentials.ts';
import { createDiscovery } from './collective/discovery.ts';
import { createDispatch } from './collective/dispatch.ts';
import { createForwarder } from './collective/forwarder.ts';
import { createOwnReplies } from './collective/own-replies.ts';
import { createReplyCorrelation, type ReplyCorrelation } from './collective/reply-correlation.ts';
import { createRequestSigner } from './collective/signing.ts';
import { joinGroup } from './group-share.ts';
import { choriaStatus } from './status.ts';
import type { CompoundStyle } from './wire/filter.ts';
import { collectiveGroup, collectiveSubject, decodeTransport } from './wire/index.ts';

export interface ChoriaCollectiveEgressOptions {
  readonly name: string;
  readonly link: Link;
  /** The ingresses whose requests pass unchanged, by their cluster: the subject of replies tells them apart. */
  readonly homes: ReadonlyMap<string, string>;
  /** Members of each queue group of replies; one unless told. */
  readonly subscriptions?: number;
  /** Undefined where all requests pass unchanged, so that there is nothing to sign. */
  readonly signing?: ChoriaSigning;
  readonly maxMessageBytes: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** What it takes to translate requests for Choria nodes, and their replies back. */
export interface ChoriaSigning {
  readonly credentials: Credentials;
  readonly pool: SigningPool;
  /** What the bridge calls itself in `mc_sender` and `senderid`. */
  readonly identity: string;
  /** The bridge's own, where replies to translated requests come to. */
  readonly cluster: string;
  /** Authenticates reply tokens; the same in every instance of the cluster. */
  readonly tokenKey: KeyObject;
  readonly otherTokenKeys?: (() => readonly KeyObject[]) | undefined;
  /** What may wait for its signature, in bytes, see `SigningQueue`. */
  readonly maxUnsignedBytes: number;
  /** Whose certificate signs: one for all callers unless told. */
  readonly signs?: 'callers' | 'privileged';
  /** How compound filters are written; for Go's nodes, `expr`, unless told. */
  readonly compound?: CompoundStyle;
}

/** The part of the egress that signs in callers' names. */
interface Translation {
  readonly deliver: (request: ReadableRequest, undelivered?: Undelivered) => Promise<void>;
  readonly discover: Discover;
  readonly replyCorrelation: ReplyCorrelation;
}

/**
 * A Choria collective. Requests of a federation pass as Federation Brokers carry them: what is inside is neither decoded
 * nor signed anew, protocol 1 and 2 alike (see go-choria's broker/federation). Translated ones are signed in their
 * caller's name, with his own certificate or with a privileged one.
 */
export const createChoriaCollectiveEgress = (options: ChoriaCollectiveEgressOptions): Egress => {
  const { name, link, homes, signing } = options;
  const forwarder = createForwarder(options);
  const subscriptions: LinkSubscription[] = [];
  let sink: ReplySink | undefined;
  const ownReplies = createOwnReplies(link, (message) => {
    if (sink !== undefined) onReply(message, signing?.cluster ?? '', sink);
  });
  const translation = signing && createTranslation(options, signing, ownReplies, () => sink);
  // The bridge's own cluster may be that of a federation's ingress as well; then one subscription is both's.
  const clusters = new Set([...homes.keys(), ...(signing === undefined ? [] : [signing.cluster])]);

  const onReply = ({ body }: IncomingMessage, cluster: string, to: ReplySink): void => {
    try {
      const transport = decodeTransport(body, { maxBytes: options.maxMessageBytes });
      const home = transport.federation?.home;
      if (translation?.replyCorrelation.isOurs(home) === true)
        translation.replyCorrelation.receive(transport, home, to);
      else to.reply(forwarder.replyFrom(transport, cluster));
    } catch (error) {
      to.rejected(asRejection(error));
    }
  };

  return {
    name,
    accepts: translation === undefined ? ['opaque'] : ['opaque', 'rpc', 'discovery'],
    causes: choriaCauses(signing?.signs),

    start: async (replies) => {
      sink = replies;
      // Before it is open, so that the subscriptions stand before what waits is sent.
      const standing = [...clusters].map((cluster) => {
        const answers = {
          destination: collectiveSubject(cluster),
          group: collectiveGroup(cluster),
          onMessage: (message: IncomingMessage) => onReply(message, cluster, replies),
        };
        return joinGroup(link, answers, options.subscriptions ?? 1);
      });
      // Together: all of them fail where the link is closed before it was ever connected.
      const [, ...made] = await Promise.all([link.open(), ...standing]);
      subscriptions.push(...made.flat());
    },

    deliver: async (request, undelivered) => {
      if (isOpaque(request)) forwarder.deliver(request, undelivered);
      else if (translation !== undefined) await translation.deliver(request, undelivered);
      else throw new Error(`a request to sign came to the egress ${name}, which has nothing to sign it with`);
    },

    ...(translation && { discover: translation.discover }),

    close: async () => {
      // No other member of the queue group gets what the broker has given to this one.
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.unsubscribe()));
      await link.close();
    },

    status: (): LinkStatus => choriaStatus(name, link),
  };
};

const createTranslation = (
  { link, maxMessageBytes, clock }: ChoriaCollectiveEgressOptions,
  signing: ChoriaSigning,
  ownReplies: () => Promise<string>,
  sink: () => ReplySink | undefined,
): Translation => {
  const { identity, cluster, credentials, maxUnsignedBytes, compound = 'expr' } = signing;
  const sign = createRequestSigner(signing.pool);
  const replyCorrelation = createReplyCorrelation({ ...signing, clock });
  const onSigned = tellSigned(sink);
  return {
    replyCorrelation,
    deliver: createDispatch({
      link,
      identity,
      cluster,
      compound,
      credentials,
      sign,
      maxUnsignedBytes,
      replyCorrelation,
      ownReplies,
      clock,
      onSigned,
    }),
    discover: createDiscovery({ link, identity, credentials, sign, maxMessageBytes, clock }, sink),
  };
};
