import type { OpaqueReply, OpaqueRequest, OpaqueRequestPayload } from '../../../envelope/message.ts';
import type { Undelivered } from '../../../envelope/port.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import { type NotSent, sendAllVia } from '../../kit/send.ts';
import {
  collectiveSubject,
  decodeTransport,
  encodeTransport,
  parseReplySubject,
  type Transport,
  targetSubject,
} from '../wire/index.ts';
import type { ChoriaCollectiveEgressOptions } from './options.ts';

/** What a Federation Broker does: it puts new headers around the content. */
export interface Forwarder {
  /** @throws Rejection `overloaded`, `draining` or `too_large` */
  deliver(request: OpaqueRequest, undelivered?: Undelivered): void;
  /** @throws Rejection `missing_field` or `invalid_reply_to` for a reply without its reply address */
  replyFrom(transport: Transport, cluster: string): OpaqueReply;
}

/** How long a reply is worth sending, whose request's ttl only its content knows: Choria's default, in ms. */
const DEFAULT_REPLY_TTL_MS = 60_000;

/** Holds only the part of the request that goes out. */
const notSent =
  (
    body: Buffer,
    errorReplyAddress: OpaqueRequestPayload['errorReplyAddress'],
    undelivered: Undelivered,
  ): NotSent =>
  (rejection, count, total) => {
    const { content } = decodeTransport(body, { maxBytes: body.length });
    undelivered(rejection, count < total ? 'some' : 'all', errorReplyAddress(content));
  };

export const createForwarder = ({
  name,
  homes,
  services: { link, clock },
}: Pick<ChoriaCollectiveEgressOptions, 'name' | 'homes' | 'services'>): Forwarder => {
  const clusters = new Map([...homes].map(([cluster, ingress]) => [ingress, cluster]));

  return {
    deliver: ({ home, sender, targets, payload }, undelivered) => {
      const { content, errorReplyAddress } = payload;
      const { expires } = home;
      const cluster = clusters.get(home.ingress);
      if (cluster === undefined)
        throw new Rejection('internal', `no replies are awaited for the ingress ${home.ingress}`);
      const body = Buffer.from(
        encodeTransport({
          content,
          sender,
          replyTo: collectiveSubject(cluster),
          federation: { request: home.requestId, home: home.replyTo },
          ...(home.hops && { hops: home.hops }),
        }),
      );
      const messages = targets.map((target) => ({ destination: targetSubject(target), body, expires }));
      sendAllVia(link, messages, undelivered && notSent(body, errorReplyAddress, undelivered));
    },

    replyFrom: ({ content, sender = '', hops, federation }, cluster) => {
      const context = { sender, ...(federation?.request !== undefined && { requestId: federation.request }) };
      if (federation?.home === undefined)
        throw new Rejection('missing_field', 'the reply has no federation header with its way home', context);
      const ingress = homes.get(cluster);
      if (ingress === undefined)
        throw new Rejection(
          'token_malformed',
          `the reply bears no reply token, and the egress ${name} passes no replies of cluster ${cluster}`,
          context,
        );
      try {
        parseReplySubject(federation.home);
      } catch (error) {
        throw asRejection(error, context);
      }
      return {
        sender,
        payload: { kind: 'opaque', content },
        home: {
          ingress,
          replyTo: federation.home,
          requestId: federation.request ?? '',
          expires: clock() + DEFAULT_REPLY_TTL_MS,
          ...(hops && { hops }),
        },
      };
    },
  };
};
