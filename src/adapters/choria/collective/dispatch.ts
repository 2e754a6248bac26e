import type { Filter } from '../../../envelope/filter.ts';
import { namedNodes, type OpaqueContent, type ReadableRequest } from '../../../envelope/message.ts';
import type { Undelivered } from '../../../envelope/port.ts';
import type { Link, OutgoingMessage } from '../../../transport/link.ts';
import { notSentTo, sendAllVia } from '../../kit/send.ts';
import { createSigningQueue } from '../../kit/signing-queue.ts';
import type { CompoundStyle } from '../wire/filter.ts';
import {
  broadcastSubject,
  choriaRequestId,
  collectiveSubject,
  encodeRequest,
  encodeRequestBody,
  encodeTransport,
  nodeSubject,
} from '../wire/index.ts';
import type { Credentials } from './credentials.ts';
import type { Homecoming } from './homecoming.ts';
import type { RequestSigner } from './signing.ts';

export interface DispatchOptions {
  readonly link: Link;
  /** What the bridge calls itself in `mc_sender` and `senderid`. */
  readonly identity: string;
  readonly cluster: string;
  readonly sign: RequestSigner;
  readonly credentials: Credentials;
  /** What may wait for its signature, in bytes, see `SigningQueue`. */
  readonly maxUnsignedBytes: number;
  readonly compound: CompoundStyle;
  readonly homecoming: Homecoming;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly onSigned: (request: ReadableRequest) => void;
}

/** The shortest ttl that go-choria's schema of `choria:request:1` has, in seconds. */
const SHORTEST_TTL = 30;

/** Nodes whose messages share one reply token; as many as Choria's clients group. */
const NODES_PER_TOKEN = 200;

/** Both of Choria's clients add the agent of an RPC request to its filter, those of legacy MCollective too. */
const filterOf = ({ agent, filter, payload }: ReadableRequest): Filter =>
  payload.kind === 'discovery' || filter.agent.includes(agent)
    ? filter
    : { ...filter, agent: [...filter.agent, agent] };

/** A shorter life than nodes accept becomes one that began earlier, so that it ends at the same moment. */
const lifeOf = (request: ReadableRequest): { readonly time: number; readonly ttl: number } => {
  const [time, ttl] = [Math.floor(request.time / 1000), Math.ceil(request.ttl / 1000)];
  return ttl >= SHORTEST_TTL ? { time, ttl } : { time: time - (SHORTEST_TTL - ttl), ttl: SHORTEST_TTL };
};

/** The way out of a translated request: one signature, then as many messages as it takes, all of them or none. */
export const createDispatch = (
  options: DispatchOptions,
): ((request: ReadableRequest, undelivered?: Undelivered) => Promise<void>) => {
  const { link, identity, cluster, compound, homecoming } = options;
  const queued = createSigningQueue(options);

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
    return encodeRequest(wire, { compound });
  };

  const messageFor = (
    { id, home }: ReadableRequest,
    content: OpaqueContent,
    nodes: readonly string[] | undefined,
  ): Buffer =>
    Buffer.from(
      encodeTransport({
        content,
        replyTo: collectiveSubject(cluster),
        sender: identity,
        ...(home.hops && { hops: home.hops }),
        federation: { request: choriaRequestId(id), home: homecoming.replyTo(home, nodes) },
      }),
    );

  const messagesFor = (request: ReadableRequest, content: OpaqueContent): readonly OutgoingMessage[] => {
    const { collective, agent, targets, home } = request;
    const expires = home.expires;
    const named = namedNodes(targets);
    if (named === undefined) {
      const body = messageFor(request, content, undefined);
      return [{ destination: broadcastSubject(collective, agent), body, expires }];
    }
    const messages: OutgoingMessage[] = [];
    for (let at = 0; at < named.length; at += NODES_PER_TOKEN) {
      const nodes = named.slice(at, at + NODES_PER_TOKEN);
      const body = messageFor(request, content, nodes);
      for (const node of nodes) messages.push({ destination: nodeSubject(collective, node), body, expires });
    }
    return messages;
  };

  return async (request, undelivered) => {
    const { caller, home } = request;
    const credential = options.credentials.forCaller(caller);
    const text = textOf(request);
    const content = await queued(request, text.length, (check) => options.sign(text, credential, check));
    options.onSigned(request);
    sendAllVia(link, messagesFor(request, content), notSentTo(undelivered, home));
  };
};
