import type { Filter } from '../../../envelope/filter.ts';
import { namedNodes, type OpaqueContent, type ReadableRequest } from '../../../envelope/message.ts';
import type { Undelivered } from '../../../envelope/port.ts';
import type { OutgoingMessage } from '../../../transport/link.ts';
import { inGroups } from '../../kit/in-groups.ts';
import { notSentTo, sendAllVia } from '../../kit/send.ts';
import { createSigningQueue } from '../../kit/signing-queue.ts';
import {
  broadcastSubject,
  choriaRequestId,
  collectiveSubject,
  encodeRequest,
  encodeRequestBody,
  encodeTransport,
  nodeSubject,
} from '../wire/index.ts';
import type { SigningEgressOptions } from './options.ts';
import type { ReplyCorrelation } from './reply-correlation.ts';
import type { RequestSigner } from './signing.ts';

export interface DispatchParts {
  readonly sign: RequestSigner;
  readonly replyCorrelation: ReplyCorrelation;
  /** Where replies come to this instance alone, once it hears them there. */
  readonly ownReplies: () => Promise<string>;
  readonly onSigned: (request: ReadableRequest) => void;
}

/** The shortest ttl that go-choria's schema of `choria:request:1` has, in seconds. */
const MIN_TTL_SECONDS = 30;

/** Nodes whose messages share one reply token; as many as Choria's clients group. */
const MAX_NODES_PER_TOKEN = 200;

/** Both of Choria's clients add the agent of an RPC request to its filter, those of legacy MCollective too. */
const filterOf = ({ agent, filter, payload }: ReadableRequest): Filter =>
  payload.kind === 'discovery' || filter.agent.includes(agent)
    ? filter
    : { ...filter, agent: [...filter.agent, agent] };

/** A ttl below what nodes accept becomes a longer one that began earlier and ends at the same moment. */
const lifeOf = (request: ReadableRequest): { readonly time: number; readonly ttl: number } => {
  const [time, ttl] = [Math.floor(request.time / 1000), Math.ceil(request.ttl / 1000)];
  return ttl >= MIN_TTL_SECONDS
    ? { time, ttl }
    : { time: time - (MIN_TTL_SECONDS - ttl), ttl: MIN_TTL_SECONDS };
};

/** Sends a translated request: one signature, then as many messages as needed, all of them or none. */
export const createDispatch = (
  { config, around, services, credentials }: SigningEgressOptions,
  { sign, replyCorrelation, ownReplies, onSigned }: DispatchParts,
): ((request: ReadableRequest, undelivered?: Undelivered) => Promise<void>) => {
  const { link, clock } = services;
  const { identity, cluster } = around;
  const queued = createSigningQueue({ maxUnsignedBytes: config.buffer.bytes, clock });

  const textOf = (request: ReadableRequest): string => {
    const { id, caller, collective, agent, payload } = request;
    const wire = {
      requestId: choriaRequestId(id),
      senderId: identity,
      callerId: caller,
      collective,
      agent,
      ...lifeOf(request),
      filter: filterOf(request),
      message: encodeRequestBody(payload, { agent, callerId: caller }, 'ruby'),
    };
    return encodeRequest(wire, { compound: config.compound });
  };

  const messageFor = (
    { id, home }: ReadableRequest,
    content: OpaqueContent,
    nodes: readonly string[] | undefined,
    replyTo: string,
  ): Buffer =>
    Buffer.from(
      encodeTransport({
        content,
        replyTo,
        sender: identity,
        ...(home.hops && { hops: home.hops }),
        federation: { request: choriaRequestId(id), home: replyCorrelation.replyTo(home, nodes) },
      }),
    );

  const messagesFor = (
    request: ReadableRequest,
    content: OpaqueContent,
    replyTo: string,
  ): readonly OutgoingMessage[] => {
    const { collective, agent, targets, home } = request;
    const expires = home.expires;
    const named = namedNodes(targets);
    if (named === undefined) {
      const body = messageFor(request, content, undefined, replyTo);
      return [{ destination: broadcastSubject(collective, agent), body, expires }];
    }
    const messages: OutgoingMessage[] = [];
    for (const nodes of inGroups(named, MAX_NODES_PER_TOKEN)) {
      const body = messageFor(request, content, nodes, replyTo);
      for (const node of nodes) messages.push({ destination: nodeSubject(collective, node), body, expires });
    }
    return messages;
  };

  return async (request, undelivered) => {
    const { caller, home } = request;
    const credential = credentials.forCaller(caller);
    const text = textOf(request);
    const replyTo = home.bound === true ? await ownReplies() : collectiveSubject(cluster);
    const content = await queued(request, text.length, (check) => sign(text, credential, check));
    onSigned(request);
    sendAllVia(link, messagesFor(request, content, replyTo), notSentTo(undelivered, home));
  };
};
