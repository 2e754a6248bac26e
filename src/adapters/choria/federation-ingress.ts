import { isOpaqueReply, type OpaqueReply, type OpaqueRequest } from '../../envelope/message.ts';
import type { Ingress, RequestSink } from '../../envelope/port.ts';
import { asRejection, Rejection } from '../../envelope/rejection.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../transport/link.ts';
import type { NotSent } from '../kit/send.ts';
import { readOpaque } from './federation/opaque.ts';
import { joinGroup } from './group-share.ts';
import { createAnswerer } from './requests/answer.ts';
import { type Addressing, createRequestOpener } from './requests/open.ts';
import { createReplyExit } from './requests/reply-exit.ts';
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
  readonly link: Link;
  readonly cluster: string;
  /** Members of the cluster's queue group; one unless told. */
  readonly subscriptions?: number;
  readonly verifier: CallerVerifier;
  /** Collectives below which reply subjects are accepted. */
  readonly replyCollectives: ReadonlySet<string>;
  /** The collectives whose requests pass as they are, and whether they are verified before. */
  readonly opaque?: ReadonlyMap<string, { readonly verify: boolean }>;
  readonly maxMessageBytes: number;
  readonly maxTargets: number;
  /** Seconds. */
  readonly maxTtl: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** Requests of a Choria federation's clients in, protocol 1 in both dialects; replies back as from Choria nodes. */
export const createChoriaFederationIngress = (options: ChoriaFederationIngressOptions): Ingress => {
  const { name, link } = options;
  let subscriptions: readonly LinkSubscription[] = [];

  const exit = createReplyExit(link, options.replyCollectives);
  const opener = createRequestOpener({ ...options, exit, federated: true });
  const answer = createAnswerer({ exit, trailOf: ({ home }) => home.hops });
  const opaque = options.opaque ?? new Map();
  const gate = { ...options, opaque, exit, answerTo: opener.answerTo };

  const addressing: Addressing = ({ federation }) => {
    if (federation === undefined)
      throw new Rejection('missing_field', 'the transport message has no federation header');
    return (request) => readTargets(federation.targets ?? [], request, options);
  };

  const onMessage = ({ body }: IncomingMessage, sink: RequestSink): void => {
    const transport = opener.read(body, sink);
    if (transport === undefined) return;
    let request: OpaqueRequest | undefined;
    try {
      request = opaque.size === 0 ? undefined : readOpaque(transport, gate);
    } catch (error) {
      sink.rejected(asRejection(error), opener.answerTo(transport));
      return;
    }
    if (request === undefined) {
      opener.open(transport, addressing, sink);
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
        destination: federationSubject(options.cluster),
        group: federationGroup(options.cluster),
        onMessage: (message: IncomingMessage) => onMessage(message, sink),
      };
      subscriptions = await joinGroup(link, requests, options.subscriptions ?? 1);
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
