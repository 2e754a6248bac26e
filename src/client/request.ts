import type { KeyObject } from 'node:crypto';
import {
  base64Style,
  broadcastSubject,
  type Dialect,
  encodeRequest,
  encodeRequestBody,
  encodeSecureRequest,
  encodeTransport,
  federationSubject,
  nodeSubject,
  replySubject,
  signSecureRequest,
  transportContent,
} from '../adapters/choria/wire/index.ts';
import { EMPTY_FILTER, type Filter } from '../envelope/filter.ts';
import type { Hop, RequestPayload } from '../envelope/message.ts';

/** Both Choria clients put this many nodes into one federated message (go-choria `protocol/v1`, Choria's connector). */
export const MAX_NODES_PER_MESSAGE = 200;

/**
 * Whose way of writing: that of one kind of client, or what nodes of both kinds read. Each kind reads all of the other's
 * but the body of a ping: Ruby's want the JSON string, Go's look for the word in it, bare or in base64.
 */
export type Writing = Dialect | 'both';

/** Who asks, and how. */
export interface Sender {
  /** `mc_sender` and `senderid`. */
  readonly identity: string;
  readonly callerId: string;
  readonly privateKey: KeyObject;
  /** PEM. */
  readonly certificate: string;
  readonly dialect: Writing;
  readonly collective: string;
  /** Clusters that carry the request; none: it goes to the nodes' own subjects. */
  readonly federation: readonly string[];
}

/** What is asked, of whom. */
export interface RequestContent {
  readonly requestId: string;
  readonly agent: string;
  readonly payload: RequestPayload;
  /** For broadcasts: a directed request has its nodes, and the agent's name where it is an RPC. */
  readonly filter?: Partial<Filter>;
  /** Undefined asks all that listen. */
  readonly nodes?: readonly string[];
  /** Seconds. */
  readonly ttl: number;
  /** Seconds since the epoch. */
  readonly time: number;
  /** The server that the client is connected to: everybody is asked to record the hop, beginning with the client. */
  readonly tracedFrom?: string;
}

export interface ReadyMessage {
  readonly destination: string;
  readonly body: Buffer;
}

export interface ReadyRequest {
  readonly replyTo: string;
  readonly messages: readonly ReadyMessage[];
}

const filterOf = ({ agent, payload, filter, nodes }: RequestContent): Filter => {
  // Both clients add the agent of an RPC request by themselves.
  const agents = payload.kind === 'rpc' ? [agent] : [];
  // Of a directed request only the agent filter matters: others were applied by discovery (MCollective's Message#type=).
  if (nodes !== undefined) return { ...EMPTY_FILTER, agent: agents };
  return { ...EMPTY_FILTER, ...filter, agent: [...new Set([...agents, ...(filter?.agent ?? [])])] };
};

/** Ruby's clients say among the data that they want replies; those who do not are not a concern here. */
const payloadFor = (dialect: Writing, payload: RequestPayload): RequestPayload =>
  dialect === 'ruby' && payload.kind === 'rpc'
    ? { ...payload, data: new Map([['process_results', true], ...payload.data]) }
    : payload;

/** As Go's clients write it, without fields that are not needed. */
const bodyFor = ({ agent, payload }: RequestContent, { callerId, dialect }: Sender): string => {
  const body = dialect === 'both' ? (payload.kind === 'discovery' ? 'ruby' : 'go') : dialect;
  return encodeRequestBody(payloadFor(dialect, payload), { agent, callerId }, body);
};

const groupsOf = (subjects: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(subjects.length / MAX_NODES_PER_MESSAGE) }, (_, at) =>
    subjects.slice(at * MAX_NODES_PER_MESSAGE, (at + 1) * MAX_NODES_PER_MESSAGE),
  );

/** Ruby's clients leave out the hop's way out. */
const ownHop = (server: string, { identity, dialect }: Sender): Hop =>
  dialect === 'ruby' ? [identity, server] : [server, identity, server];

/** A request signed once, in as many messages as it takes: for each cluster one for every 200 nodes, or one a node. */
export const buildRequest = (content: RequestContent, sender: Sender): ReadyRequest => {
  const { agent, requestId, nodes, tracedFrom } = content;
  const { identity, callerId, collective, dialect, federation } = sender;
  const style = base64Style(dialect === 'both' ? 'go' : dialect);
  const text = encodeRequest({
    requestId,
    senderId: identity,
    callerId,
    collective,
    agent,
    ttl: content.ttl,
    time: content.time,
    filter: filterOf(content),
    message: bodyFor(content, sender),
  });
  // Ruby's clients write the certificate without the line feed at its end.
  const pubcert = dialect === 'ruby' ? sender.certificate.trimEnd() : sender.certificate;
  const secure = encodeSecureRequest(signSecureRequest(text, sender.privateKey, pubcert, style));
  // As Go writes; Ruby ends in `<pid>.<sequence>`, which only one client in a process may count.
  const replyTo = replySubject(collective, callerId, requestId);
  const transport = {
    content: transportContent(secure, style),
    replyTo,
    sender: identity,
    ...(tracedFrom === undefined ? {} : { hops: [ownHop(tracedFrom, sender)] }),
  };
  const targets = nodes?.map((node) => nodeSubject(collective, node)) ?? [
    broadcastSubject(collective, agent),
  ];
  const message = (federation?: { readonly request: string; readonly targets: readonly string[] }): Buffer =>
    Buffer.from(encodeTransport({ ...transport, ...(federation && { federation }) }));
  if (federation.length === 0) {
    const body = message();
    return { replyTo, messages: targets.map((destination) => ({ destination, body })) };
  }
  const bodies = groupsOf(targets).map((group) => message({ request: requestId, targets: group }));
  return {
    replyTo,
    messages: federation.flatMap((cluster) =>
      bodies.map((body) => ({ destination: federationSubject(cluster), body })),
    ),
  };
};
