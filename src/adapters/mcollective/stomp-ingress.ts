import type { KeyObject } from 'node:crypto';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/value.ts';
import { isIdentity } from '../../envelope/check.ts';
import { readableReply } from '../../envelope/message.ts';
import type { Ingress, LinkStatus, RequestSink, Residents } from '../../envelope/port.ts';
import { asRejection, Rejection, type RejectionContext } from '../../envelope/rejection.ts';
import type { SigningPool } from '../../pki/signing-pool.ts';
import type { IncomingMessage, Link, LinkSubscription, Purpose } from '../../transport/link.ts';
import { Bundle } from '../kit/bundle.ts';
import type { Handled } from '../kit/handled.ts';
import { sendVia } from '../kit/send.ts';
import { Answering } from './ingress/answering.ts';
import type { Callers } from './ingress/callers.ts';
import { DirectedSubscriptions } from './ingress/directed.ts';
import { type Arrival, Intake, idFormOf } from './ingress/intake.ts';
import { Lull } from './ingress/lull.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  broadcastWildcard,
  directedDestination,
  HELLO_MARKER,
} from './wire/addressing.ts';
import { createSerializer, type SerializerName } from './wire/serializer.ts';

export interface McollectiveStompIngressOptions {
  readonly name: string;
  readonly link: Link;
  /** What the bridge calls itself in the marker of frames that it hands back. */
  readonly identity: string;
  /** The bridge's own, in whose reply queues no client awaits replies. */
  readonly cluster: string;
  /** The collectives whose requests are taken. */
  readonly collectives: readonly string[];
  readonly serializer: SerializerName;
  /** `plugin.activemq.base64` of the collectives. */
  readonly base64: boolean;
  /** `plugin.activemq.agents_multiplex` of the clients; topics of single agents are listened to all the same. */
  readonly multiplex: boolean;
  readonly priority: number;
  readonly callers: Callers;
  /** What it handles is not handled by the ingress of its name that comes after it. */
  readonly handled: Handled;
  /** MCollective's `plugin.ssl.enforce_ttl`. */
  readonly enforceTtl: boolean;
  /** The private key that all daemons share; signs replies. */
  readonly serverKey: KeyObject;
  readonly signing: SigningPool;
  /** What replies that wait for their signature may take, in bytes. */
  readonly maxUnsignedBytes: number;
  readonly residents: Residents;
  /** How instances share broadcasts, of which a topic gives each of them a copy. */
  readonly share: 'claims' | 'queue' | 'single';
  /** The queue that the broker forwards broadcasts to, `{collective}` in it stands for each; undefined: the topics. */
  readonly broadcastQueue: string | undefined;
  readonly maxMessageBytes: number;
  /** Seconds. */
  readonly maxTtl: number;
  /** How far ahead of this clock a client's may be, in seconds. */
  readonly maxAhead: number;
  /** Further places where clients may await replies than the reply queues of the collectives. */
  readonly allowsReplyTo: (replyTo: string) => boolean;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Told of what went wrong where nobody waits for it: a selection that could not be changed. */
  readonly onError: (rejection: Rejection) => void;
  /** Told what is odd about a request that is taken all the same, with `enforceTtl: false`. */
  readonly onNote: (text: string, context: RejectionContext) => void;
}

/** How long `close` waits for signatures, in ms. */
const SIGNING_TIMEOUT = 3_000;
/** How long a frame that says nothing of its end is worth handing back, in ms: MCollective's default ttl. */
const DEFAULT_LIFE = 60_000;
/** What of a frame's headers the broker does not set anew. */
const HANDED_BACK = ['priority', 'persistent', 'timestamp', 'expires', 'mc_sender', 'mc_identity'];

/** Instances say hello on a topic of the collective. */
const purposeOf = ({ headers }: IncomingMessage): Purpose =>
  headers[HELLO_MARKER] === undefined ? 'traffic' : 'cluster';

/** Requests of legacy clients behind ActiveMQ in; replies back as from legacy nodes. */
export const createMcollectiveStompIngress = (options: McollectiveStompIngressOptions): Ingress => {
  const { name, link, collectives, residents, broadcastQueue } = options;
  const serializer = createSerializer(options.serializer, {
    ...DEFAULT_RUBY_LIMITS,
    maxBytes: options.maxMessageBytes,
  });
  const intake = new Intake({ ...options, serializer, collectives: new Set(collectives) });
  const answering = new Answering({ ...options, serializer });
  const broadcasts: LinkSubscription[] = [];
  /** Between broadcasts. */
  const lull = new Lull();
  const directed: DirectedSubscriptions[] = [];
  const bundles: Bundle[] = [];
  /** The subscriptions to broadcasts end. */
  let isEnding = false;
  let drained = false;
  let closing = false;

  /** One way for all frames: what a bridge has sent is no client's request. */
  const ifOurs = (
    collective: string,
    sink: RequestSink,
    onMessage: (message: IncomingMessage) => void,
  ): ((message: IncomingMessage, isEnding?: boolean) => void) => {
    return (message, isEnding = false) => {
      if (purposeOf(message) === 'cluster') return;
      if (message.headers[BRIDGE_MARKER] !== undefined) sink.ignored('bridged', claims(message, collective));
      // The broker has given it to a subscription that has ended since, mostly another instance's: there it was taken. What
      // comes late by such a subscription itself may have the mark already.
      else if (message.headers['redelivered'] === 'true' && !isEnding)
        sink.ignored('redelivered', claims(message, collective));
      else if (drained) sink.ignored('another_instance', claims(message, collective));
      else onMessage(message);
    };
  };

  // What comes through the queue does not prove its topic: `original-destination` is for the sender to write.
  const subscribeBroadcasts = async (collective: string, sink: RequestSink): Promise<void> => {
    const queue = broadcastQueue?.replaceAll('{collective}', collective);
    const topics = [broadcastWildcard(collective)];
    if (options.multiplex) topics.push(broadcastDestination(collective, '', true));
    const copied = options.share === 'claims';
    const take = ifOurs(collective, sink, (message) =>
      intake.take({ message, collective, nodes: undefined, copied }, sink),
    );
    const onMessage = (message: IncomingMessage): void => {
      lull.heard();
      take(message, isEnding);
    };
    const subscribed = (queue === undefined ? topics : [queue]).map(async (destination) => {
      const subscription = await link.subscribe({ destination, purpose: purposeOf, onMessage });
      // Ended while it was being made, as by a link that was down.
      if (isEnding) await subscription.unsubscribe();
      else broadcasts.push(subscription);
    });
    await Promise.all(subscribed);
  };

  /** Of a topic other instances have got copies, of a queue nobody has got what comes here. */
  const endBroadcasts = async (): Promise<void> => {
    if (broadcastQueue !== undefined) await lull.wait();
    isEnding = true;
    await Promise.all(broadcasts.splice(0).map((subscription) => subscription.unsubscribe()));
    if (broadcastQueue !== undefined) await lull.late();
  };

  const subscribeDirected = async (collective: string, sink: RequestSink): Promise<void> => {
    const arrival = (message: IncomingMessage, nodes: readonly string[]): Arrival => ({
      message,
      collective,
      nodes,
      copied: false,
    });
    const bundle = new Bundle({ take: (message, nodes) => intake.take(arrival(message, nodes), sink) });
    const onMessage = ifOurs(collective, sink, (message) => {
      const node = message.headers['mc_identity'] ?? '';
      if (!isIdentity(node))
        intake.refuse(
          arrival(message, []),
          new Rejection('invalid_target', 'the mc_identity of the frame is not an identity'),
          sink,
        );
      else if (residents.has(collective, node)) bundle.add(message, node);
      else handBack(arrival(message, [node]), sink);
    });
    const onError = (error: unknown): void => options.onError(asRejection(error, { collective }));
    const subscriptions = new DirectedSubscriptions({ link, collective, residents, onMessage, onError });
    bundles.push(bundle);
    directed.push(subscriptions);
    await subscriptions.start();
  };

  /**
   * A pattern may select a frame for a node that is on the requester's own side: it goes back into the queue, marked
   * so that no bridge takes it again.
   */
  const handBack = (arrival: Arrival, sink: RequestSink): void => {
    const { message, collective } = arrival;
    const { replyTo, body } = message;
    const headers: Record<string, string> = { [BRIDGE_MARKER]: options.identity };
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
        expires: expires > 0 ? expires : options.clock() + DEFAULT_LIFE,
      });
      sink.ignored('native', claims(message, collective));
    } catch (error) {
      // The broker has taken it off the queue: nobody else will tell whoever asked.
      intake.refuse(arrival, asRejection(error), sink);
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
      intake.checkReplyTo(reply.home.replyTo);
      answering.send(reply, unsent);
    },

    drain: async () => {
      await Promise.all([
        endBroadcasts(),
        ...directed.splice(0).map((subscriptions) => subscriptions.stop()),
      ]);
      drained = true;
      for (const bundle of bundles) bundle.flush();
    },

    close: async () => {
      closing = true;
      lull.cut();
      for (const subscriptions of directed.splice(0)) subscriptions.abandon();
      await answering.settled(SIGNING_TIMEOUT);
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
