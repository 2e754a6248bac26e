import { randomBytes } from 'node:crypto';
import { EMPTY_FILTER, type Filter } from '../../envelope/filter.ts';
import type { Hop, ReplyPayload, RequestPayload } from '../../envelope/message.ts';
import type { Link } from '../../transport/link.ts';
import {
  base64Style,
  broadcastSubject,
  type Dialect,
  decodeReply,
  decodeReplyBody,
  decodeSecureReply,
  decodeTransport,
  encodeRequest,
  encodeRequestBody,
  encodeSecureRequest,
  encodeTransport,
  federationSubject,
  nodeSubject,
  replySubject,
  signSecureRequest,
  verifyHash,
} from '../../wire/choria/index.ts';
import type { DemoIdentity } from './keys.ts';

export interface DemoClientOptions {
  readonly link: Link;
  readonly cluster: string;
  readonly collective: string;
  readonly caller: DemoIdentity;
  readonly dialect: Dialect;
  readonly clock: () => number;
}

export interface DemoReply {
  readonly node: string;
  readonly payload: ReplyPayload;
  readonly trail: readonly Hop[] | undefined;
}

export interface DemoQuestion {
  readonly agent: string;
  readonly payload: RequestPayload;
  readonly filter?: Partial<Filter>;
  /** Undefined asks all. */
  readonly nodes?: readonly string[];
  readonly trace?: boolean;
  /** How many replies are awaited. */
  readonly expect: number;
}

/** Ms after which a missing reply is not awaited any longer. */
const PATIENCE = 2_000;

/** A federated Choria client inside this process: signs, publishes for the cluster, collects replies. */
export const ask = async (
  question: DemoQuestion,
  options: DemoClientOptions,
): Promise<readonly DemoReply[]> => {
  const { link, caller, collective, cluster, dialect } = options;
  const { agent, payload, nodes } = question;
  const callerId = `choria=${caller.name}`;
  const requestId = randomBytes(16).toString('hex');
  const replyTo = replySubject(collective, callerId, requestId);
  const message = encodeRequest({
    requestId,
    senderId: caller.name,
    callerId,
    collective,
    agent,
    ttl: 60,
    time: Math.floor(options.clock() / 1000),
    filter: { ...EMPTY_FILTER, ...question.filter },
    message: encodeRequestBody(payload, { agent, callerId }, dialect),
  });
  const secure = encodeSecureRequest(
    signSecureRequest(message, caller.privateKey, caller.certificate, base64Style(dialect)),
  );
  const targets = nodes?.map((node) => nodeSubject(collective, node)) ?? [
    broadcastSubject(collective, agent),
  ];
  const headers = {
    replyTo,
    sender: caller.name,
    federation: { request: requestId, targets },
    ...(question.trace ? { seenBy: [] } : {}),
  };
  const replies: DemoReply[] = [];
  let done: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => {
    done = resolve;
  });
  const subscription = await link.subscribe({
    destination: replyTo,
    onMessage: ({ body }) => {
      const transport = decodeTransport(body, { maxBytes: 1024 * 1024 });
      const sealed = decodeSecureReply(transport.data);
      verifyHash(sealed);
      const reply = decodeReply(sealed.message);
      replies.push({
        node: reply.senderId,
        payload: decodeReplyBody(reply.message, agent),
        trail: transport.headers.seenBy,
      });
      if (replies.length >= question.expect) done();
    },
  });
  const timer = setTimeout(done, PATIENCE);
  const body = Buffer.from(encodeTransport(secure, headers, base64Style(dialect)));
  link.send({ destination: federationSubject(cluster), replyTo, body, expires: options.clock() + 60_000 });
  await enough;
  clearTimeout(timer);
  await subscription.unsubscribe();
  return replies.sort((a, b) => a.node.localeCompare(b.node));
};
