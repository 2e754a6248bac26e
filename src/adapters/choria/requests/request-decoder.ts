import type { Filter } from '../../../envelope/filter.ts';
import type { Hop, ReadableReplyAddress, Target } from '../../../envelope/message.ts';
import type { RequestSink } from '../../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../../envelope/rejection.ts';
import { checkTime } from '../../../envelope/time.ts';
import type { AdapterContext, Services } from '../../descriptor.ts';
import { contextOf } from '../../kit/claim-context.ts';
import {
  actionIn,
  type CallerVerifier,
  type Dialect,
  decodeRequestBody,
  decodeSecureRequest,
  decodeTransport,
  decodeUnreadRequest,
  detectDialect,
  type Protocol2Claim,
  protocol2Claim,
  refuseYaml,
  repliesNameAction,
  requireProtocol1,
  type TargetContext,
  type Transport,
  transportData,
} from '../wire/index.ts';
import type { ReplyExit } from './reply-sender.ts';
import { PROTOCOL_2 } from './reply-sender.ts';

export interface RequestDecoderOptions {
  /** The ingress's name. */
  readonly name: string;
  readonly verifier: CallerVerifier;
  readonly exit: Pick<ReplyExit, 'check'>;
  /** Whether requests come with a federation header. Where they do not, it is not looked at. */
  readonly federated: boolean;
  readonly around: Pick<AdapterContext, 'maxMessageBytes' | 'maxTtl'>;
  readonly services: Pick<Services, 'clock'>;
}

/**
 * Whom a message is for, by what its sender did not sign: read first, then tied to what was signed, once that is
 * verified. Either step throws Rejection.
 */
export type Addressing = (transport: Transport) => (request: TargetContext) => readonly Target[];

/** Decodes and verifies requests of protocol 1. */
export interface RequestDecoder {
  /** The transport message, read once for all that looks at it; undefined once the sink has been told that it is not one. */
  read(body: Buffer, sink: RequestSink): Transport | undefined;
  /** Hands the sink the verified request, or why it is not one, with the reply address as far as the message says it. */
  open(transport: Transport, addressing: Addressing, sink: RequestSink): void;
  /** Where an error goes, for a message that is not opened otherwise. */
  errorReplyAddress(transport: Transport): ReadableReplyAddress | undefined;
}

const MAX_TRAIL_HOPS = 64;
const MAX_HOP_TEXT_CHARS = 512;
/** Longer ones name no action; they would only make the reply token longer. */
const MAX_ACTION_CHARS = 128;
/** How long an answer to what is not a valid request is worth sending, in seconds. */
const ANSWER_TTL_SECONDS = 60;

export const createRequestDecoder = (options: RequestDecoderOptions): RequestDecoder => {
  const { around } = options;
  const { clock } = options.services;
  const limits = { maxBytes: around.maxMessageBytes };

  /** The fields that say where an error goes: read first, so that most later failures can be answered. */
  const replySubject = ({ replyTo }: Transport, data: Buffer): string => {
    try {
      if (replyTo === undefined)
        throw new Rejection('missing_field', 'the transport message has no reply-to header');
      options.exit.check(replyTo);
      return replyTo;
    } catch (error) {
      throw asRejection(error, claimIn(data).context);
    }
  };

  /** The reply address of a message whose time is not verified yet. */
  const homeOf = (
    { transport, wrapped, replyTo, body, action }: Origin,
    about: About,
  ): ReadableReplyAddress => {
    const { federation, hops } = transport;
    const dialect = detectDialect({ wrapped, body });
    const isNamed = action !== undefined && action.length <= MAX_ACTION_CHARS && repliesNameAction(dialect);
    const federationRequestId = options.federated ? federation?.request : undefined;
    return {
      ingress: options.name,
      replyTo,
      requestId: about.requestId,
      agent: about.agent,
      ...(isNamed ? { action } : {}),
      collective: about.collective,
      dialect,
      expires: (Math.floor(clock() / 1000) + Math.min(ANSWER_TTL_SECONDS, around.maxTtl)) * 1000,
      ...(federationRequestId === undefined || federationRequestId === about.requestId
        ? {}
        : { federationRequestId }),
      ...(hops === undefined || isTooLong(hops) ? {} : { hops }),
    };
  };

  /** Where a client of protocol 2 is told that its request is refused; undefined where replies are not carried there. */
  const protocol2Home = (claim: Protocol2Claim | undefined): ReadableReplyAddress | undefined => {
    const about = claim && identified(claim.about);
    if (claim === undefined || about === undefined) return undefined;
    try {
      options.exit.check(claim.replyTo);
    } catch {
      return undefined;
    }
    const expires = (Math.floor(clock() / 1000) + Math.min(ANSWER_TTL_SECONDS, around.maxTtl)) * 1000;
    return { ingress: options.name, replyTo: claim.replyTo, ...about, dialect: PROTOCOL_2, expires };
  };

  const read = (body: Buffer, sink: RequestSink): Transport | undefined => {
    try {
      return decodeTransport(body, limits);
    } catch (error) {
      sink.rejected(asRejection(error), undefined);
      return undefined;
    }
  };

  const open = (transport: Transport, addressing: Addressing, sink: RequestSink): void => {
    let origin: Origin | undefined;
    let context: RejectionContext = {};
    let json: string | undefined;
    try {
      requireProtocol1(transport.content);
      const { data, wrapped } = transportData(transport.content);
      origin = { transport, wrapped, replyTo: replySubject(transport, data) };
      const secure = decodeSecureRequest(data);
      json = secure.message;
      refuseYaml(json);
      const wire = decodeUnreadRequest(json);
      context = contextOf(wire);
      sink.step?.('decoded', context);
      const targetsOf = addressing(transport);
      if (transport.hops !== undefined && isTooLong(transport.hops))
        throw new Rejection('limit_exceeded', "the seen-by trail is longer than any federation's");
      // A client that can publish can send what takes long to read: no more of it is read before its signature is known to be good.
      const { privileged } = options.verifier.verify(secure, wire.callerId, clock());
      sink.step?.('verified', context);
      const { payload, dialect } = decodeRequestBody(wire.message, { ...wire, vouched: privileged });
      origin = {
        ...origin,
        ...(dialect === undefined ? {} : { body: dialect }),
        ...(payload.kind === 'rpc' ? { action: payload.action } : {}),
      };
      const { ttl, expires } = checkTime(wire.time, wire.ttl, clock(), around);
      const home = { ...homeOf(origin, wire), expires: expires * 1000 };
      sink.request({
        id: wire.requestId,
        collective: wire.collective,
        agent: wire.agent,
        caller: wire.callerId,
        sender: wire.senderId,
        time: wire.time * 1000,
        ttl: ttl * 1000,
        filter: inDialect(wire.readFilter(), home),
        targets: targetsOf(wire),
        payload,
        home,
      });
    } catch (error) {
      const other = origin === undefined ? protocol2Claim(transport) : undefined;
      const rejection = asRejection(error, other?.about ?? context);
      const about = identified(rejection.context);
      const action = json === undefined ? undefined : actionIn(json);
      const asked = action === undefined ? {} : { action };
      const home =
        origin === undefined ? protocol2Home(other) : about && homeOf({ ...origin, ...asked }, about);
      sink.rejected(rejection, home);
    }
  };

  return {
    read,
    open,

    errorReplyAddress: (transport) => {
      const other = protocol2Claim(transport);
      if (other !== undefined) return protocol2Home(other);
      try {
        requireProtocol1(transport.content);
        const { data, wrapped } = transportData(transport.content);
        const { context, action } = claimIn(data);
        const about = identified(context);
        const replyTo = replySubject(transport, data);
        return (
          about && homeOf({ transport, wrapped, replyTo, ...(action === undefined ? {} : { action }) }, about)
        );
      } catch {
        return undefined;
      }
    },
  };
};

/** What a message without a reply address says about itself, for the log. */
const claimIn = (data: Buffer): { readonly context: RejectionContext; readonly action?: string } => {
  try {
    const { message } = decodeSecureRequest(data);
    const action = actionIn(message);
    return { context: contextIn(message), ...(action === undefined ? {} : { action }) };
  } catch (error) {
    return { context: asRejection(error).context };
  }
};

const contextIn = (json: string): RejectionContext => {
  try {
    refuseYaml(json);
    return contextOf(decodeUnreadRequest(json));
  } catch (error) {
    return asRejection(error).context;
  }
};

/** A Ruby client means what MCollective's matcher makes of it: case counts, and a dot is part of a fact's name. */
const inDialect = (filter: Filter, { dialect }: ReadableReplyAddress): Filter =>
  dialect === 'ruby' ? { ...filter, language: 'choria-ruby' } : filter;

/** What is known of where a message came from. */
interface Origin {
  readonly transport: Transport;
  /** Whether its data came in lines. */
  readonly wrapped: boolean;
  readonly replyTo: string;
  /** What the body shows of its writer, once it has been read. */
  readonly body?: Dialect;
  /** Which action the body asks for, where it is known. */
  readonly action?: string;
}

type About = Pick<ReadableReplyAddress, 'requestId' | 'agent' | 'collective'>;

/** Enough to answer a message that could not be read to its end. */
const identified = ({ requestId, agent, collective }: RejectionContext): About | undefined =>
  requestId === undefined || agent === undefined || collective === undefined
    ? undefined
    : { requestId, agent, collective };

/** A trail comes from outside and has to fit a reply token. */
const isTooLong = (hops: readonly Hop[]): boolean =>
  hops.length > MAX_TRAIL_HOPS ||
  hops.some((hop) => hop.length > 3 || hop.some((part) => part.length > MAX_HOP_TEXT_CHARS));
