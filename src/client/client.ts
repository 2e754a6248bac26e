import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Filter } from '../envelope/filter.ts';
import type { RequestPayload } from '../envelope/message.ts';
import { asRejection } from '../envelope/rejection.ts';
import type { ValueMap } from '../envelope/value.ts';
import type { Link } from '../transport/link.ts';
import { type Answer, Collector, type TimedReply } from './collector.ts';
import { type ClientReply, openReply } from './reply.ts';
import { buildRequest, type Sender } from './request.ts';

export interface ChoriaClientOptions extends Sender {
  /** A link to the federation network, or to the nodes' own; opened and closed by its owner. */
  readonly link: Link;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** What every question has. */
export interface Common {
  /** Which nodes are meant by a broadcast. */
  readonly filter?: Partial<Filter>;
  /** Asks these nodes alone; all that the filter fits where absent. */
  readonly nodes?: readonly string[];
  /** Asks everybody on the way to record the hop. */
  readonly trace?: boolean;
  /** Ms to wait for replies. */
  readonly timeout: number;
  /** It is over as soon as so many nodes have answered; the number of `nodes` unless told. */
  readonly expect?: number;
  readonly onReply?: (reply: TimedReply) => void;
}

export type DiscoverQuestion = Common;

export interface RpcQuestion extends Common {
  readonly agent: string;
  readonly action: string;
  readonly data?: ValueMap;
}

/** A small Choria client of protocol 1. */
export interface ChoriaClient {
  /** Who is there? Each node answers with a bare pong. */
  discover(question: DiscoverQuestion): Promise<Answer>;
  /** @throws LinkError where the link takes no message, Rejection `unsupported_value` for data that JSON cannot hold */
  rpc(question: RpcQuestion): Promise<Answer>;
}

/** Seconds that a request lives at least, as with Choria's own clients. */
const MIN_TTL_SECONDS = 60;
const MAX_REPLY_BYTES = 64 * 1024 ** 2;

export const createChoriaClient = (options: ChoriaClientOptions): ChoriaClient => {
  const { link, clock } = options;

  const ask = async (question: Common & { readonly agent: string; readonly payload: RequestPayload }) => {
    const { agent, payload, filter, nodes, trace, timeout, expect, onReply } = question;
    const requestId = randomBytes(16).toString('hex');
    // Choria writes nats:// of servers with TLS too.
    const server = link.state().server?.replace(/^tls:/, 'nats:') ?? 'nats';
    const ttl = Math.max(MIN_TTL_SECONDS, Math.ceil(timeout / 1000));
    const { replyTo, messages } = buildRequest(
      {
        requestId,
        agent,
        payload,
        ttl,
        time: Math.floor(clock() / 1000),
        ...(filter && { filter }),
        ...(nodes && { nodes: [...new Set(nodes)] }),
        ...(trace === true && { tracedFrom: server }),
      },
      options,
    );
    let done: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      done = resolve;
    });
    const collector = new Collector(
      { requestId, nodes, expect, sent: messages.length, onReply: onReply ?? (() => undefined) },
      () => performance.now(),
      done,
    );
    const subscription = await link.subscribe({
      destination: replyTo,
      onMessage: ({ body }) => {
        let reply: ClientReply;
        try {
          reply = openReply(body, { requestId, agent, maxBytes: MAX_REPLY_BYTES });
        } catch (error) {
          collector.reject(asRejection(error));
          return;
        }
        collector.reply(reply, body.byteLength);
      },
      onNoResponders: () => collector.unheard(),
    });
    const timer = setTimeout(done, timeout);
    try {
      // Subscribing took a round trip of its own, which is not the nodes'.
      collector.start();
      const expires = clock() + ttl * 1000;
      link.sendAll(messages.map((message) => ({ ...message, replyTo, expires })));
      await over;
    } finally {
      clearTimeout(timer);
      await subscription.unsubscribe();
    }
    return collector.answer();
  };

  return {
    discover: (question) => ask({ ...question, agent: 'discovery', payload: { kind: 'discovery' } }),
    rpc: ({ agent, action, data = new Map(), ...question }) =>
      ask({ ...question, agent, payload: { kind: 'rpc', action, data } }),
  };
};
