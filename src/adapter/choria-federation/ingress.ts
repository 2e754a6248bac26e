import { checkTime } from '../../envelope/check.ts';
import type { Home, Hop, Reply } from '../../envelope/message.ts';
import { asRejection, Rejection, type RejectionContext } from '../../envelope/rejection.ts';
import { isSealedReply, type SealedReply, type SealedRequest } from '../../envelope/sealed.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../transport/link.ts';
import {
  base64Style,
  type CallerVerifier,
  type Dialect,
  decodeRequest,
  decodeRequestBody,
  decodeSecureRequest,
  decodeTransport,
  detectDialect,
  encodeRelay,
  encodeReply,
  encodeReplyBody,
  encodeSecureReply,
  encodeTransport,
  federationGroup,
  federationSubject,
  isDialect,
  parseReplySubject,
  readTargets,
  type Transport,
  type WireRequest,
} from '../../wire/choria/index.ts';
import { choriaStatus } from '../choria-status.ts';
import type { Ingress, RequestSink } from '../port.ts';
import { sendVia } from '../send.ts';
import { readSealed } from './sealed.ts';

export interface ChoriaFederationIngressOptions {
  readonly name: string;
  readonly link: Link;
  readonly cluster: string;
  readonly verifier: CallerVerifier;
  /** Collectives below which reply subjects are accepted. */
  readonly replyCollectives: ReadonlySet<string>;
  /** The collectives whose requests pass as they are, and whether they are verified before. */
  readonly sealed?: ReadonlyMap<string, { readonly verify: boolean }>;
  readonly maxMessageBytes: number;
  readonly maxTargets: number;
  /** Seconds. */
  readonly maxTtl: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const MAX_TRAIL = 64;
const MAX_HOP_TEXT = 512;
/** How long an answer to what is no valid request is worth sending, in seconds. */
const ANSWER_TTL = 60;

/** Requests of a Choria federation's clients in, protocol 1 in both dialects; replies back as from Choria nodes. */
export const createChoriaFederationIngress = (options: ChoriaFederationIngressOptions): Ingress => {
  const { name, link, clock } = options;
  let subscription: LinkSubscription | undefined;
  let checked: string | undefined;

  /** @throws Rejection `invalid_reply_to` */
  const checkReplySubject = (subject: string): void => {
    const { collective } = parseReplySubject(subject);
    if (!options.replyCollectives.has(collective))
      throw new Rejection(
        'collective_not_exported',
        `replies to the collective ${collective} are not carried here`,
      );
  };

  /** What tells where an error goes: read first, so that as much as possible of what fails later is answered. */
  const replySubject = ({ data, headers: { replyTo } }: Transport): string => {
    try {
      if (replyTo === undefined)
        throw new Rejection('missing_field', 'the transport message has no reply-to header');
      checkReplySubject(replyTo);
      return replyTo;
    } catch (error) {
      throw asRejection(error, claimIn(data));
    }
  };

  /** The way home of a message whose own word of its time is not known to be right yet. */
  const homeOf = ({ transport, replyTo, body }: Origin, about: About): Home => {
    const { federation, seenBy } = transport.headers;
    const federationRequestId = federation?.request;
    return {
      ingress: name,
      replyTo,
      requestId: about.requestId,
      agent: about.agent,
      collective: about.collective,
      dialect: detectDialect({ wrapped: transport.wrapped, body }),
      expires: Math.floor(clock() / 1000) + Math.min(ANSWER_TTL, options.maxTtl),
      ...(federationRequestId === undefined || federationRequestId === about.requestId
        ? {}
        : { federationRequestId }),
      ...(seenBy === undefined || isTooLong(seenBy) ? {} : { hops: seenBy }),
    };
  };

  /** Where an error to a sealed request goes: the same look inside as for one that is translated. */
  const answerTo = (body: Buffer): Home | undefined => {
    try {
      const transport = decodeTransport(body, { maxBytes: options.maxMessageBytes });
      const about = identified(claimIn(transport.data));
      return about && homeOf({ transport, replyTo: replySubject(transport), body: undefined }, about);
    } catch {
      return undefined;
    }
  };

  const sealed = options.sealed ?? new Map();
  const gate = { ...options, sealed, checkReplySubject, answerTo };

  const onMessage = (message: IncomingMessage, sink: RequestSink): void => {
    let request: SealedRequest | undefined;
    try {
      request = sealed.size === 0 ? undefined : readSealed(message.body, gate);
    } catch (error) {
      sink.rejected(asRejection(error), answerTo(message.body));
      return;
    }
    if (request === undefined) open(message, sink);
    else sink.request(request);
  };

  const open = (message: IncomingMessage, sink: RequestSink): void => {
    let origin: Origin | undefined;
    let context: RejectionContext = {};
    try {
      const transport = decodeTransport(message.body, { maxBytes: options.maxMessageBytes });
      const { federation, seenBy } = transport.headers;
      origin = { transport, replyTo: replySubject(transport), body: undefined };
      const secure = decodeSecureRequest(transport.data);
      const wire = decodeRequest(secure.message);
      context = contextOf(wire);
      if (federation === undefined)
        throw new Rejection('missing_field', 'the transport message has no federation header');
      if (seenBy !== undefined && isTooLong(seenBy))
        throw new Rejection('limit_exceeded', "the seen-by trail is longer than any federation's");
      options.verifier.verify(secure, wire.callerId, clock());
      const { payload, dialect } = decodeRequestBody(wire.message, wire);
      origin = { ...origin, body: dialect };
      const { ttl, expires } = checkTime(wire.time, wire.ttl, clock(), options);
      sink.request({
        id: wire.requestId,
        collective: wire.collective,
        agent: wire.agent,
        caller: wire.callerId,
        sender: wire.senderId,
        time: wire.time,
        ttl,
        filter: wire.filter,
        target: readTargets(federation.targets ?? [], wire, options),
        payload,
        home: { ...homeOf(origin, wire), expires },
      });
    } catch (error) {
      const rejection = asRejection(error, context);
      const about = identified(rejection.context);
      sink.rejected(rejection, origin && about && homeOf(origin, about));
    }
  };

  const answer = ({ home, sender, time, payload }: Reply): void => {
    if (!isDialect(home.dialect))
      throw new Rejection('invalid_field', `${home.dialect} is no dialect of Choria`);
    // The replies to one request come with one subject.
    if (home.replyTo !== checked) checkReplySubject(home.replyTo);
    checked = home.replyTo;
    const body = encodeReplyBody(payload, home.dialect);
    const reply = encodeReply({
      requestId: home.requestId,
      senderId: sender,
      agent: home.agent,
      time,
      message: body,
    });
    const headers = { sender, ...(home.hops === undefined ? {} : { seenBy: home.hops }) };
    const transport = encodeTransport(encodeSecureReply(reply), headers, base64Style(home.dialect));
    sendVia(link, {
      destination: home.replyTo,
      body: Buffer.from(transport),
      expires: home.expires * 1000,
    });
  };

  const pass = ({ home, sender, content, expires }: SealedReply): void => {
    checkReplySubject(home.replyTo);
    const body = Buffer.from(encodeRelay({ content, sender, ...(home.hops && { hops: home.hops }) }));
    sendVia(link, { destination: home.replyTo, body, expires });
  };

  return {
    name,

    start: async (sink) => {
      await link.open();
      subscription = await link.subscribe({
        destination: federationSubject(options.cluster),
        group: federationGroup(options.cluster),
        onMessage: (message) => onMessage(message, sink),
      });
    },

    reply: (reply) => (isSealedReply(reply) ? pass(reply) : answer(reply)),

    drain: async () => {
      await subscription?.unsubscribe();
      subscription = undefined;
    },

    close: () => link.close(),

    status: () => choriaStatus(name, link),
  };
};

/** What an unanswerable message says of itself, for the log. */
const claimIn = (data: Buffer): RejectionContext => {
  try {
    return contextOf(decodeRequest(decodeSecureRequest(data).message));
  } catch (error) {
    return asRejection(error).context;
  }
};

/** What is known of where a message came from. */
interface Origin {
  readonly transport: Transport;
  readonly replyTo: string;
  /** What the body shows of its writer, once it has been read. */
  readonly body: Dialect | undefined;
}

type About = Pick<Home, 'requestId' | 'agent' | 'collective'>;

/** Enough to answer a message that could not be read to its end. */
const identified = ({ requestId, agent, collective }: RejectionContext): About | undefined =>
  requestId === undefined || agent === undefined || collective === undefined
    ? undefined
    : { requestId, agent, collective };

const contextOf = ({ requestId, senderId, callerId, agent, collective }: WireRequest): RejectionContext => ({
  requestId,
  sender: senderId,
  caller: callerId,
  agent,
  collective,
});

/** A trail comes from outside and has to fit a reply token. */
const isTooLong = (hops: readonly Hop[]): boolean =>
  hops.length > MAX_TRAIL ||
  hops.some((hop) => hop.length > 3 || hop.some((part) => part.length > MAX_HOP_TEXT));
