import { asRejection, Rejection } from '../../envelope/rejection.ts';
import { isSealedRequest, type SealedReply, type SealedRequest } from '../../envelope/sealed.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../transport/link.ts';
import {
  collectiveGroup,
  collectiveSubject,
  decodeRelay,
  encodeRelay,
  parseReplySubject,
  targetSubject,
} from '../../wire/choria/index.ts';
import { choriaStatus } from '../choria-status.ts';
import type { Egress, LinkStatus, ReplySink } from '../port.ts';
import { sendVia } from '../send.ts';

export interface ChoriaCollectiveEgressOptions {
  readonly name: string;
  readonly link: Link;
  /** The ingresses whose requests leave here, by their cluster: the subject of replies tells them apart. */
  readonly homes: ReadonlyMap<string, string>;
  readonly maxMessageBytes: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** How long a reply is worth sending, whose request's ttl only its content knows: Choria's default, in ms. */
const REPLY_TTL = 60_000;

/**
 * A Choria collective, as Federation Brokers reach it: what is inside a message is neither decoded nor signed
 * anew, protocol 1 and 2 alike. See go-choria's broker/federation.
 */
export const createChoriaCollectiveEgress = (options: ChoriaCollectiveEgressOptions): Egress => {
  const { name, link, homes, clock } = options;
  const clusters = new Map([...homes].map(([cluster, ingress]) => [ingress, cluster]));
  const subscriptions: LinkSubscription[] = [];

  const deliver = (request: SealedRequest): void => {
    const { content, home, sender, targets, expires } = request;
    const cluster = clusters.get(home.ingress);
    if (cluster === undefined)
      throw new Rejection('internal', `no replies are awaited for the ingress ${home.ingress}`);
    const body = Buffer.from(
      encodeRelay({
        content,
        sender,
        replyTo: collectiveSubject(cluster),
        federation: { request: home.requestId, home: home.replyTo },
        ...(home.hops && { hops: home.hops }),
      }),
    );
    for (const target of targets) sendVia(link, { destination: targetSubject(target), body, expires });
  };

  const replyFrom = (message: IncomingMessage, ingress: string): SealedReply => {
    const relay = decodeRelay(message.body, { maxBytes: options.maxMessageBytes });
    const { content, sender = '', hops, federation } = relay;
    const context = { sender, ...(federation?.request !== undefined && { requestId: federation.request }) };
    if (federation?.home === undefined)
      throw new Rejection('missing_field', 'the reply has no federation header with its way home', context);
    try {
      parseReplySubject(federation.home);
    } catch (error) {
      throw asRejection(error, context);
    }
    return {
      kind: 'sealed',
      sender,
      content,
      home: { ingress, replyTo: federation.home, requestId: federation.request ?? '', ...(hops && { hops }) },
      expires: clock() + REPLY_TTL,
    };
  };

  const onReply = (message: IncomingMessage, ingress: string, sink: ReplySink): void => {
    try {
      sink.reply(replyFrom(message, ingress));
    } catch (error) {
      sink.rejected(asRejection(error));
    }
  };

  return {
    name,

    start: async (sink) => {
      // Before it is open, so that the subscriptions stand before what waits is sent.
      const standing = [...homes].map(([cluster, ingress]) =>
        link.subscribe({
          destination: collectiveSubject(cluster),
          group: collectiveGroup(cluster),
          onMessage: (message) => onReply(message, ingress, sink),
        }),
      );
      await link.open();
      subscriptions.push(...(await Promise.all(standing)));
    },

    deliver: async (request) => {
      if (!isSealedRequest(request))
        throw new Rejection('unsupported_body', `the egress ${name} passes requests, it does not sign any`);
      deliver(request);
    },

    close: async () => {
      // What the broker has given to this member of the queue group, no other will get.
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.unsubscribe()));
      await link.close();
    },

    status: (): LinkStatus => choriaStatus(name, link),
  };
};
