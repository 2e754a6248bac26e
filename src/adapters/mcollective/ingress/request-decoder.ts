import { createHash } from 'node:crypto';
import { compileGlobs } from '../../../envelope/glob.ts';
import type { ReadableReplyAddress, ReadableRequest } from '../../../envelope/message.ts';
import type { Copy, RequestSink } from '../../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../../envelope/rejection.ts';
import { type AheadLimits, checkAge } from '../../../envelope/time.ts';
import type { IncomingMessage } from '../../../transport/link.ts';
import { contextOf } from '../../kit/claim-context.ts';
import { claimKey, refusalKey } from '../../kit/claim-key.ts';
import { frameBody } from '../frame-body.ts';
import { notAQueue, replyToCollective, topicAgent } from '../wire/addressing.ts';
import { decodeRequest, type SignedRequest, verifyRequest } from '../wire/request.ts';
import type { IdForm } from '../wire/request-id.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { McollectiveStompIngressOptions } from './options.ts';

/** The dialect of legacy requesters whose ids are texts; of others, it has the form of theirs behind it. */
const LEGACY = 'legacy';
const dialectOf = (form: IdForm | undefined): string => (form === undefined ? LEGACY : `${LEGACY} ${form}`);
const FORMS: ReadonlyMap<string, IdForm | undefined> = new Map(
  ([undefined, 'integer', 'symbol', 'bytes'] as const).map((form) => [dialectOf(form), form]),
);

/**
 * What the requester's id is made of.
 * @throws Rejection `invalid_field` for a dialect of another protocol
 */
export const idFormOf = ({ dialect }: ReadableReplyAddress): IdForm | undefined => {
  if (!FORMS.has(dialect))
    throw new Rejection('invalid_field', `${dialect} is no dialect of legacy MCollective`);
  return FORMS.get(dialect);
};

/** A frame, and what its destination says of it. */
export interface IncomingRequest {
  readonly message: IncomingMessage;
  readonly collective: string;
  /** Of a directed request; undefined for a broadcast. */
  readonly nodes: readonly string[] | undefined;
  /** Whether every instance of the cluster has got it, as from a topic, and one is to handle it. */
  readonly copied: boolean;
}

/** How long an answer to what is not a valid request is worth sending, in seconds. */
const ANSWER_TTL_SECONDS = 60;

/** Makes requests of frames: cheap checks first, the signature last. */
export class RequestDecoder {
  readonly #options: McollectiveStompIngressOptions;
  readonly #serializer: Serializer;
  readonly #collectives: ReadonlySet<string>;
  /** Further places where clients may await replies than the reply queues of the collectives. */
  readonly #allowsReplyTo: (replyTo: string) => boolean;
  readonly #limits: AheadLimits;
  readonly #self = Symbol('intake');

  constructor(options: McollectiveStompIngressOptions, serializer: Serializer) {
    const { config, around } = options;
    this.#options = options;
    this.#serializer = serializer;
    this.#collectives = new Set(around.collectives);
    this.#allowsReplyTo = compileGlobs(config.callers.replyTo);
    this.#limits = { ...around, ...config.callers };
  }

  take(incoming: IncomingRequest, sink: RequestSink): void {
    let context: RejectionContext = {};
    let idForm: IdForm | undefined;
    try {
      const signed = this.#decode(incoming);
      context = contextOf(signed);
      sink.step?.('decoded', context);
      ({ idForm } = signed);
      const request = this.#open(incoming, signed, context);
      if (request === undefined) sink.ignored('another_instance', context);
      else {
        sink.step?.('verified', context);
        sink.request(request, this.#copyOf(incoming, claimKey));
      }
    } catch (error) {
      const rejection = asRejection(error, context);
      const home = this.#errorReplyAddress(incoming, rejection.context, idForm);
      if (home !== undefined && this.#isRefused(incoming))
        sink.ignored('another_instance', rejection.context);
      else sink.rejected(rejection, home, home && this.#copyOf(incoming, refusalKey));
    }
  }

  /** Whether the ingress before or after this one has answered for a copy of the broadcast. */
  #isRefused({ message: { destination, body }, nodes }: IncomingRequest): boolean {
    const { name: ingress, services } = this.#options;
    const { handled, clock } = services;
    if (nodes !== undefined) return false;
    return handled.refuse(refusalKey({ ingress, destination, body }), this.#self, clock());
  }

  /** Hands over as refused what is wrong for a reason outside the message. */
  refuse(incoming: IncomingRequest, rejection: Rejection, sink: RequestSink): void {
    try {
      const signed = this.#decode(incoming);
      const known = rejection.with(contextOf(signed));
      sink.rejected(known, this.#errorReplyAddress(incoming, known.context, signed.idForm));
    } catch (error) {
      const known = rejection.with(asRejection(error).context);
      sink.rejected(known, this.#errorReplyAddress(incoming, known.context));
    }
  }

  /** @throws Rejection `invalid_reply_to` */
  checkReplyTo(replyTo: string): void {
    const collective = replyToCollective(replyTo, this.#options.around.cluster);
    if (this.#allowsReplyTo(replyTo)) return;
    if (collective === undefined) throw notAQueue(replyTo);
    if (!this.#collectives.has(collective))
      throw new Rejection(
        'invalid_reply_to',
        `its reply-to is in the collective ${collective}, to which no replies are carried here`,
      );
  }

  #decode({ message }: IncomingRequest): SignedRequest {
    const { config, around } = this.#options;
    return decodeRequest(frameBody(message.body, config, around), this.#serializer);
  }

  /** What is claimed: all of the message as it came, so that it is another claim with another byte. */
  #copyOf({ copied, message }: IncomingRequest, keyOf: typeof claimKey): Copy | undefined {
    const { destination, body } = message;
    if (!copied) return undefined;
    return { claim: keyOf({ ingress: this.#options.name, destination, body }) };
  }

  /** The verified request; undefined where it has been handed over already. */
  #open(
    incoming: IncomingRequest,
    signed: SignedRequest,
    context: RejectionContext,
  ): ReadableRequest | undefined {
    const { config, services, keys, onNote } = this.#options;
    const { handled, clock } = services;
    const { enforceTtl } = config.callers;
    const { collective, nodes, message } = incoming;
    const replyTo = this.#replyTo(message);
    tie(signed, incoming);
    // Unless it is enforced that this is the signed time, it says nothing yet.
    if (enforceTtl) checkAge(signed.time, signed.ttl, clock(), this.#limits);
    const fresh = this.#unhandled(signed, nodes);
    if (fresh === 'none') return undefined;
    const { requestId, idForm, agent, callerId, senderId, filter, payload, ...legacy } = verifyRequest(
      signed,
      keys.callers.keyFor(signed.callerId),
      this.#serializer,
      { enforceTtl, note: (text) => onNote(text, context) },
    );
    const { time, ttl, expires } = checkAge(legacy.time, legacy.ttl, clock(), this.#limits);
    // Only now: a forgery must not keep out the request whose id it bears.
    for (const key of keysOf(signed, fresh)) handled.add(key);
    return {
      id: requestId,
      collective,
      agent,
      caller: callerId,
      sender: senderId,
      time: time * 1000,
      ttl: ttl * 1000,
      filter,
      targets:
        fresh === undefined
          ? [{ kind: 'broadcast', collective, agent }]
          : fresh.map((node) => ({ kind: 'node', collective, node })),
      payload,
      home: {
        ingress: this.#options.name,
        replyTo,
        requestId,
        agent,
        collective,
        dialect: dialectOf(idForm),
        expires: expires * 1000,
      },
    };
  }

  /**
   * Which of the nodes have not handled it yet; undefined for a broadcast that has not been handled: ActiveMQ delivers again what it was just giving to a subscription
   * that ended. Clients send batches of nodes with one request id, but no node twice.
   */
  #unhandled(
    signed: SignedRequest,
    nodes: readonly string[] | undefined,
  ): readonly string[] | undefined | 'none' {
    const keys = keysOf(signed, nodes);
    const isNew = (_: string, at: number): boolean => !this.#options.services.handled.has(keys[at] ?? '');
    if (nodes === undefined) return isNew('', 0) ? undefined : 'none';
    const fresh = nodes.filter(isNew);
    return fresh.length === 0 ? 'none' : fresh;
  }

  /** @throws Rejection `missing_field` or `invalid_reply_to` */
  #replyTo({ replyTo }: IncomingMessage): string {
    if (replyTo === undefined) throw new Rejection('missing_field', 'the frame has no reply-to header');
    this.checkReplyTo(replyTo);
    return replyTo;
  }

  /** Where an error goes: nowhere, unless the message says enough of itself. */
  #errorReplyAddress(
    { message, collective }: IncomingRequest,
    { requestId, agent }: RejectionContext,
    idForm?: IdForm,
  ): ReadableReplyAddress | undefined {
    if (requestId === undefined || agent === undefined) return undefined;
    const { name, services, around } = this.#options;
    const now = Math.floor(services.clock() / 1000);
    const expires = (now + Math.min(ANSWER_TTL_SECONDS, around.maxTtl)) * 1000;
    try {
      const replyTo = this.#replyTo(message);
      return { ingress: name, replyTo, requestId, agent, collective, dialect: dialectOf(idForm), expires };
    } catch {
      return undefined;
    }
  }
}

/**
 * Under what a request is remembered: its id, and what was signed by whom. Another action under the same id is another
 * request, which daemons run too; and what is signed holds no id, so that two equal ones of one second are two.
 */
const keysOf = (
  { callerId, requestId, body }: SignedRequest,
  nodes: readonly string[] | undefined,
): readonly string[] => {
  const request = createHash('sha256')
    .update(JSON.stringify([callerId, requestId]))
    .update(body)
    .digest('base64');
  return (nodes ?? ['']).map((node) => `${request} ${node}`);
};

/** None of this is signed, so it has to agree with where the broker's access rules let the client send to. */
const tie = (signed: SignedRequest, { message: { destination }, collective }: IncomingRequest): void => {
  if (signed.collective !== collective)
    throw new Rejection(
      'collective_mismatch',
      `the request is for the collective ${signed.collective} and was sent to ${collective}`,
    );
  const echo = signed.filterCollective;
  if (echo !== undefined && echo !== collective)
    throw new Rejection('collective_mismatch', `the filter names another collective than ${collective}`);
  const agent = topicAgent(destination, collective);
  if (agent !== undefined && agent !== signed.agent)
    throw new Rejection(
      'agent_mismatch',
      `the request is for the agent ${signed.agent} and was sent to the topic of ${agent}`,
    );
};
