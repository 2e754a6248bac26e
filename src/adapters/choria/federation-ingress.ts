import { isOpaqueReply, type OpaqueReply, type OpaqueRequest } from '../../envelope/message.ts';
import type { Ingress, RequestSink } from '../../envelope/port.ts';
import { asRejection, Rejection } from '../../envelope/rejection.ts';
import type { IncomingMessage, LinkSubscription } from '../../transport/link.ts';
import type { AdapterContext, IngressServices } from '../descriptor.ts';
import type { NotSent } from '../kit/send.ts';
import { readOpaque } from './federation/opaque.ts';
import type { ChoriaFederationConfig } from './federation-config.ts';
import { joinGroup } from './group-share.ts';
import { createReplyExit, createReplySender } from './requests/reply-sender.ts';
import { type Addressing, createRequestDecoder } from './requests/request-decoder.ts';
import { choriaStatus } from './status.ts';
import {
  type CallerVerifier,
  encodeTransport,
  federationGroup,
  federationSubject,
  readTargets,
} from './wire/index.ts';

export interface ChoriaFederationIngressOptions {
  readonly name: string;
  readonly config: Pick<ChoriaFederationConfig, 'cluster' | 'subscriptions'>;
  readonly around: Pick<AdapterContext, 'maxMessageBytes' | 'maxTargets' | 'maxTtl'>;
  readonly services: Pick<IngressServices, 'link' | 'clock'>;
  readonly verifier: CallerVerifier;
  /** Collectives below which reply subjects are accepted. */
  readonly replyCollectives: ReadonlySet<string>;
  /** The collectives whose requests pass unchanged, and whether they are verified before. */
  readonly opaque: ReadonlyMap<string, { readonly verify: boolean }>;
}

/** Requests of a Choria federation's clients in, protocol 1 in both dialects; replies back as from Choria nodes. */
export const createChoriaFederationIngress = (options: ChoriaFederationIngressOptions): Ingress => {
  const { name, config, opaque } = options;
  const { link } = options.services;
  let subscriptions: readonly LinkSubscription[] = [];

  const exit = createReplyExit(link, options.replyCollectives);
  const decoder = createRequestDecoder({ ...options, exit, federated: true });
  const answer = createReplySender({ exit, trailOf: ({ home }) => home.hops });
  const gate = { ...options, exit, errorReplyAddress: decoder.errorReplyAddress };

  const addressing: Addressing = ({ federation }) => {
    if (federation === undefined)
      throw new Rejection('missing_field', 'the transport message has no federation header');
    return (request) => readTargets(federation.targets ?? [], request, options.around);
  };

  const onMessage = ({ body }: IncomingMessage, sink: RequestSink): void => {
    const transport = decoder.read(body, sink);
    if (transport === undefined) return;
    let request: OpaqueRequest | undefined;
    try {
      request = opaque.size === 0 ? undefined : readOpaque(transport, gate);
    } catch (error) {
      sink.rejected(asRejection(error), decoder.errorReplyAddress(transport));
      return;
    }
    if (request === undefined) {
      decoder.open(transport, addressing, sink);
      return;
    }
    const { home, sender, caller } = request;
    const context = { requestId: home.requestId, sender, ...(caller === undefined ? {} : { caller }) };
    sink.step?.('decoded', context);
    if (caller !== undefined) sink.step?.('verified', context);
    sink.request(request);
  };

  const pass = ({ home, sender, payload }: OpaqueReply, unsent?: NotSent): void => {
    const { content } = payload;
    const body = Buffer.from(encodeTransport({ content, sender, ...(home.hops && { hops: home.hops }) }));
    exit.send({ destination: home.replyTo, body, expires: home.expires }, unsent);
  };

  return {
    name,
    accepts: ['rpc', 'discovery', 'opaque'],

    start: async (sink) => {
      await link.open();
      const requests = {
        destination: federationSubject(config.cluster),
        group: federationGroup(config.cluster),
        onMessage: (message: IncomingMessage) => onMessage(message, sink),
      };
      subscriptions = await joinGroup(link, requests, config.subscriptions);
    },

    reply: (reply, unsent) => (isOpaqueReply(reply) ? pass(reply, unsent) : answer(reply, unsent)),

    drain: async () => {
      const listening = subscriptions;
      subscriptions = [];
      await Promise.all(listening.map((subscription) => subscription.unsubscribe()));
    },

    close: () => link.close(),

    status: () => choriaStatus(name, link),
  };
};
