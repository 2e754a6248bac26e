import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/value.ts';
import { isIdentity } from '../../envelope/check.ts';
import { readableReply } from '../../envelope/message.ts';
import type { Ingress, LinkStatus, RequestSink } from '../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../envelope/rejection.ts';
import type { IncomingMessage, LinkSubscription, Purpose } from '../../transport/link.ts';
import { RequestCoalescer } from '../kit/request-coalescer.ts';
import { sendVia } from '../kit/send.ts';
import { DirectedSubscriptions } from './ingress/directed.ts';
import type { McollectiveStompIngressOptions } from './ingress/options.ts';
import { QuietPeriod } from './ingress/quiet-period.ts';
import { ReplySender } from './ingress/reply-sender.ts';
import { type IncomingRequest, idFormOf, RequestDecoder } from './ingress/request-decoder.ts';
import { queueOf } from './ingress-config.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  broadcastWildcard,
  directedDestination,
  HELLO_MARKER,
} from './wire/addressing.ts';
import { createSerializer } from './wire/serializer.ts';

/** How long `close` waits for signatures, in ms. */
const SIGNING_TIMEOUT_MS = 3_000;
/** How long a frame that says nothing of its end is worth handing back, in ms: MCollective's default ttl. */
const DEFAULT_TTL_MS = 60_000;
/** What of a frame's headers the broker does not set anew. */
const HANDED_BACK = ['priority', 'persistent', 'timestamp', 'expires', 'mc_sender', 'mc_identity'];

/** Instances say hello on a topic of the collective. */
const purposeOf = ({ headers }: IncomingMessage): Purpose =>
  headers[HELLO_MARKER] === undefined ? 'traffic' : 'cluster';

/** Requests of legacy clients behind ActiveMQ in; replies back as from legacy nodes. */
export const createMcollectiveStompIngress = (options: McollectiveStompIngressOptions): Ingress => {
  const { name, config, around } = options;
  const { link, remoteNodes, clock } = options.services;
  const { collectives } = around;
  const broadcastQueue = queueOf(config);
  const serializer = createSerializer(config.serializer, {
    ...DEFAULT_RUBY_LIMITS,
    maxBytes: around.maxMessageBytes,
  });
  const decoder = new RequestDecoder(options, serializer);
  const replySender = new ReplySender(options, serializer);
  const broadcasts: LinkSubscription[] = [];
  /** Between broadcasts. */
  const quietPeriod = new QuietPeriod();
  const directed: DirectedSubscriptions[] = [];
  const coalescers: RequestCoalescer[] = [];
  /** The subscriptions to broadcasts end. */
  let isEnding = false;
  let drained = false;
  let closing = false;

  /** One way for all frames: what a bridge has sent is no client's request. */
  const ifOurs = (
    collective: string,
    sink: RequestSink,
    onMessage: (message: IncomingMessage) => void,
  ): ((message: IncomingMessage) => void) => {
    return (message) => {
      if (purposeOf(message) === 'cluster') return;
      if (message.headers[BRIDGE_MARKER] !== undefined) sink.ignored('bridged', claims(message, collective));
      else if (drained) sink.ignored('another_instance', claims(message, collective));
      else onMessage(message);
    };
  };

  // What comes through the queue does not prove its topic: `original-destination` is for the sender to write.
  const subscribeBroadcasts = async (collective: string, sink: RequestSink): Promise<void> => {
    const queue = broadcastQueue?.replaceAll('{collective}', collective);
    const topics = [broadcastWildcard(collective)];
    if (config.agentsMultiplex) topics.push(broadcastDestination(collective, '', true));
    const copied = config.share === 'claims';
    const take = ifOurs(collective, sink, (message) =>
      decoder.take({ message, collective, nodes: undefined, copied }, sink),
    );
    const onMessage = (message: IncomingMessage): void => {
      quietPeriod.heard();
      take(message);
    };
    const subscribed = (queue === undefined ? topics : [queue]).map(async (destination) => {
      const subscription = await link.subscribe({ destination, purpose: purposeOf, onMessage });
      // Ended while it was being made, as by a link that was down.
      if (isEnding) await subscription.unsubscribe();
      else broadcasts.push(subscription);
    });
    await Promise.all(subscribed);
  };

  /** Other instances get copies of a topic's messages, but not of a queue's. */
  const endBroadcasts = async (): Promise<void> => {
    if (broadcastQueue !== undefined) await quietPeriod.waitForGap();
    isEnding = true;
    await Promise.all(broadcasts.splice(0).map((subscription) => subscription.unsubscribe()));
    if (broadcastQueue !== undefined) await quietPeriod.waitForStragglers();
  };

  const subscribeDirected = async (collective: string, sink: RequestSink): Promise<void> => {
    const incoming = (message: IncomingMessage, nodes: readonly string[]): IncomingRequest => ({
      message,
      collective,
      nodes,
      copied: false,
    });
    const coalescer = new RequestCoalescer({
      take: (message, nodes) => decoder.take(incoming(message, nodes), sink),
      most: around.maxTargets,
    });
    const onMessage = ifOurs(collective, sink, (message) => {
      const node = message.headers['mc_identity'] ?? '';
      if (!isIdentity(node))
        decoder.refuse(
          incoming(message, []),
          new Rejection('invalid_target', 'the mc_identity of the frame is not an identity'),
          sink,
        );
      else if (remoteNodes.has(collective, node)) coalescer.add(message, node);
      else handBack(incoming(message, [node]), sink);
    });
    const onError = (error: unknown): void => options.onError(asRejection(error, { collective }));
    const subscriptions = new DirectedSubscriptions({ link, collective, remoteNodes, onMessage, onError });
    coalescers.push(coalescer);
    directed.push(subscriptions);
    await subscriptions.start();
  };

  /**
   * A pattern may select a frame for a node that is on the requester's own side: it goes back into the queue, marked
   * so that no bridge takes it again.
   */
  const handBack = (incoming: IncomingRequest, sink: RequestSink): void => {
    const { message, collective } = incoming;
    const { replyTo, body } = message;
    const headers: Record<string, string> = { [BRIDGE_MARKER]: around.identity };
    for (const header of HANDED_BACK) {
      const value = message.headers[header];
      if (value !== undefined) headers[header] = value;
    }
    const expires = Number(headers['expires']);
    try {
      sendVia(link, {
        destination: directedDestination(collective),
        headers,
        ...(replyTo === undefined ? {} : { replyTo }),
        body,
        expires: expires > 0 ? expires : clock() + DEFAULT_TTL_MS,
      });
      sink.ignored('native', claims(message, collective));
    } catch (error) {
      // The broker has taken it off the queue: only this instance can answer the client.
      decoder.refuse(incoming, asRejection(error), sink);
    }
  };

  return {
    name,
    accepts: ['rpc', 'discovery'],

    start: async (sink) => {
      // Before it is open, so that all of them stand from the first connection on.
      const subscribed = collectives.flatMap((collective) => [
        subscribeBroadcasts(collective, sink),
        subscribeDirected(collective, sink),
      ]);
      await Promise.all([link.open(), ...subscribed]);
    },

    reply: (any, unsent) => {
      const reply = readableReply(any);
      if (closing) throw new Rejection('draining', `the ingress ${name} is closed`);
      idFormOf(reply.home);
      decoder.checkReplyTo(reply.home.replyTo);
      replySender.send(reply, unsent);
    },

    drain: async () => {
      await Promise.all([
        endBroadcasts(),
        ...directed.splice(0).map((subscriptions) => subscriptions.stop()),
      ]);
      drained = true;
      for (const coalescer of coalescers) coalescer.flush();
    },

    close: async () => {
      closing = true;
      quietPeriod.cancel();
      for (const subscriptions of directed.splice(0)) subscriptions.abandon();
      await replySender.settled(SIGNING_TIMEOUT_MS);
      await link.close();
    },

    status: (): LinkStatus => ({ name, ...link.state() }),
  };
};

/** What a frame says outside its message, for the log. */
const claims = ({ headers }: IncomingMessage, collective: string): RejectionContext => {
  const sender = headers['mc_sender'];
  return { collective, ...(sender === undefined ? {} : { sender }) };
};
