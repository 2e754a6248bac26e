import { isOpaque, type ReadableRequest } from '../../envelope/message.ts';
import type { Discover, Egress, LinkStatus, ReplySink, Undelivered } from '../../envelope/port.ts';
import { asRejection } from '../../envelope/rejection.ts';
import type { IncomingMessage, LinkSubscription } from '../../transport/link.ts';
import { tellSigned } from '../kit/signed.ts';
import { choriaCauses } from './collective/causes.ts';
import { createDiscovery } from './collective/discovery.ts';
import { createDispatch } from './collective/dispatch.ts';
import { createForwarder } from './collective/forwarder.ts';
import type { ChoriaCollectiveEgressOptions, SigningEgressOptions } from './collective/options.ts';
import { createOwnReplies } from './collective/own-replies.ts';
import { createReplyCorrelation, type ReplyCorrelation } from './collective/reply-correlation.ts';
import { createRequestSigner } from './collective/signing.ts';
import { joinGroup } from './group-share.ts';
import { choriaStatus } from './status.ts';
import { collectiveGroup, collectiveSubject, decodeTransport } from './wire/index.ts';

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
  const { name, config, around, homes, credentials } = options;
  const { link } = options.services;
  const { cluster: own, maxMessageBytes } = around;
  const forwarder = createForwarder(options);
  const subscriptions: LinkSubscription[] = [];
  let sink: ReplySink | undefined;
  const ownReplies = createOwnReplies(link, (message) => {
    if (sink !== undefined) onReply(message, own, sink);
  });
  const translation = credentials && createTranslation({ ...options, credentials }, ownReplies, () => sink);
  // The bridge's own cluster may be that of a federation's ingress as well; then one subscription is both's.
  const clusters = new Set([...homes.keys(), ...(translation === undefined ? [] : [own])]);

  const onReply = ({ body }: IncomingMessage, cluster: string, to: ReplySink): void => {
    try {
      const transport = decodeTransport(body, { maxBytes: maxMessageBytes });
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
    causes: choriaCauses(credentials?.kind),

    start: async (replies) => {
      sink = replies;
      // Before it is open, so that the subscriptions stand before what waits is sent.
      const standing = [...clusters].map((cluster) => {
        const answers = {
          destination: collectiveSubject(cluster),
          group: collectiveGroup(cluster),
          onMessage: (message: IncomingMessage) => onReply(message, cluster, replies),
        };
        return joinGroup(link, answers, config.subscriptions);
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
  options: SigningEgressOptions,
  ownReplies: () => Promise<string>,
  sink: () => ReplySink | undefined,
): Translation => {
  const sign = createRequestSigner(options.services.pool);
  const replyCorrelation = createReplyCorrelation(options);
  const onSigned = tellSigned(sink);
  return {
    replyCorrelation,
    deliver: createDispatch(options, { sign, replyCorrelation, ownReplies, onSigned }),
    discover: createDiscovery(options, sign, sink),
  };
};
