import { createHash } from 'node:crypto';
import type { Home, ReadableRequest } from '../../../envelope/message.ts';
import type { Copy, RequestSink } from '../../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../../envelope/rejection.ts';
import { checkAge } from '../../../envelope/time.ts';
import type { IncomingMessage } from '../../../transport/link.ts';
import { claimKey, refusalKey } from '../../kit/claim-key.ts';
import type { Handled } from '../../kit/handled.ts';
import { frameBody } from '../frame-body.ts';
import { notAQueue, replyToCollective, topicAgent } from '../wire/addressing.ts';
import { decodeRequest, type SignedRequest, verifyRequest } from '../wire/request.ts';
import type { IdForm } from '../wire/request-id.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { Callers } from './callers.ts';

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
export const idFormOf = ({ dialect }: Home): IdForm | undefined => {
  if (!FORMS.has(dialect))
    throw new Rejection('invalid_field', `${dialect} is no dialect of legacy MCollective`);
  return FORMS.get(dialect);
};

export interface IntakeOptions {
  readonly name: string;
  /** The bridge's own; no client awaits replies where it does. */
  readonly cluster: string;
  readonly collectives: ReadonlySet<string>;
  readonly serializer: Serializer;
  readonly base64: boolean;
  readonly callers: Callers;
  /** By the ingresses of this name before it too. */
  readonly handled: Handled;
  readonly enforceTtl: boolean;
  readonly maxMessageBytes: number;
  /** Seconds. */
  readonly maxTtl: number;
  /** How far ahead of this clock a client's may be, in seconds. */
  readonly maxAhead: number;
  /** Further places where clients may await replies than the reply queues of the collectives. */
  readonly allowsReplyTo: (replyTo: string) => boolean;
  readonly clock: () => number;
  /** Told what is odd about a request that is taken all the same. */
  readonly onNote: (text: string, context: RejectionContext) => void;
}

/** A frame, and what its destination says of it. */
export interface Arrival {
  readonly message: IncomingMessage;
  readonly collective: string;
  /** Of a directed request; undefined for a broadcast. */
  readonly nodes: readonly string[] | undefined;
  /** Whether every instance of the cluster has got it, as from a topic, and one is to handle it. */
  readonly copied: boolean;
}

/** How long an answer to what is no valid request is worth sending, in seconds. */
const ANSWER_TTL = 60;

/** Makes requests of frames: cheap checks first, the signature last. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #self = Symbol('intake');

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  take(arrival: Arrival, sink: RequestSink): void {
    let context: RejectionContext = {};
    let idForm: IdForm | undefined;
    try {
      const signed = this.#decode(arrival);
      context = contextOf(signed);
      sink.step?.('decoded', context);
      ({ idForm } = signed);
      const request = this.#open(arrival, signed, context);
      if (request === undefined) sink.ignored('another_instance', context);
      else {
        sink.step?.('verified', context);
        sink.request(request, this.#copyOf(arrival, claimKey));
      }
    } catch (error) {
      const rejection = asRejection(error, context);
      const home = this.#answerTo(arrival, rejection.context, idForm);
      if (home !== undefined && this.#isRefused(arrival)) sink.ignored('another_instance', rejection.context);
      else sink.rejected(rejection, home, home && this.#copyOf(arrival, refusalKey));
    }
  }

  /** Whether the ingress before or after this one has answered for a copy of the broadcast. */
  #isRefused({ message: { destination, body }, nodes }: Arrival): boolean {
    const { name: ingress, handled, clock } = this.#options;
    if (nodes !== undefined) return false;
    return handled.refuse(refusalKey({ ingress, destination, body }), this.#self, clock());
  }

  /** Hands over as refused what is wrong for a reason outside the message. */
  refuse(arrival: Arrival, rejection: Rejection, sink: RequestSink): void {
    try {
      const signed = this.#decode(arrival);
      const known = rejection.with(contextOf(signed));
      sink.rejected(known, this.#answerTo(arrival, known.context, signed.idForm));
    } catch (error) {
      const known = rejection.with(asRejection(error).context);
      sink.rejected(known, this.#answerTo(arrival, known.context));
    }
  }

  /** @throws Rejection `invalid_reply_to` */
  checkReplyTo(replyTo: string): void {
    const { cluster, collectives, allowsReplyTo } = this.#options;
    const collective = replyToCollective(replyTo, cluster);
    if (allowsReplyTo(replyTo)) return;
    if (collective === undefined) throw notAQueue(replyTo);
    if (!collectives.has(collective))
      throw new Rejection(
        'invalid_reply_to',
        `its reply-to is in the collective ${collective}, to which no replies are carried here`,
      );
  }

  #decode({ message }: Arrival): SignedRequest {
    return decodeRequest(frameBody(message.body, this.#options), this.#options.serializer);
  }

  /** What is claimed: all of the message as it came, so that it is another claim with another byte. */
  #copyOf({ copied, message }: Arrival, keyOf: typeof claimKey): Copy | undefined {
    const { destination, body } = message;
    if (!copied) return undefined;
    return { claim: keyOf({ ingress: this.#options.name, destination, body }) };
  }

  /** The verified request; undefined where it has been handed over already. */
  #open(arrival: Arrival, signed: SignedRequest, context: RejectionContext): ReadableRequest | undefined {
    const { serializer, callers, enforceTtl, clock, onNote } = this.#options;
    const { collective, nodes, message } = arrival;
    const replyTo = this.#replyTo(message);
    tie(signed, arrival);
    // Unless it is enforced that this is the signed time, it says nothing yet.
    if (enforceTtl) checkAge(signed.time, signed.ttl, clock(), this.#options);
    const fresh = this.#unhandled(signed, nodes);
    if (fresh === 'none') return undefined;
    const { requestId, idForm, agent, callerId, senderId, filter, payload, ...legacy } = verifyRequest(
      signed,
      callers.keyFor(signed.callerId),
      serializer,
      { enforceTtl, note: (text) => onNote(text, context) },
    );
    const { time, ttl, expires } = checkAge(legacy.time, legacy.ttl, clock(), this.#options);
    // Only now: a forgery must not keep out the request whose id it bears.
    for (const key of keysOf(signed, fresh)) this.#options.handled.add(key);
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
    const isNew = (_: string, at: number): boolean => !this.#options.handled.has(keys[at] ?? '');
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
  #answerTo(
    { message, collective }: Arrival,
    { requestId, agent }: RejectionContext,
    idForm?: IdForm,
  ): Home | undefined {
    if (requestId === undefined || agent === undefined) return undefined;
    const { name, clock, maxTtl } = this.#options;
    const expires = (Math.floor(clock() / 1000) + Math.min(ANSWER_TTL, maxTtl)) * 1000;
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
const tie = (signed: SignedRequest, { message: { destination }, collective }: Arrival): void => {
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

const contextOf = ({
  requestId,
  senderId,
  callerId,
  agent,
  collective,
}: SignedRequest): RejectionContext => ({
  requestId,
  sender: senderId,
  caller: callerId,
  agent,
  collective,
});
