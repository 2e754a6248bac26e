import { shown } from '../../../codec/shown.ts';
import { Rejection } from '../../../envelope/rejection.ts';

/** How ActiveMQ's destinations are named; see MCollective's connector/activemq.rb, `make_target`. */
export const broadcastDestination = (collective: string, agent: string, multiplex: boolean): string =>
  multiplex ? `/topic/${collective}.agents` : `/topic/${collective}.${agent}.agent`;

export const directedDestination = (collective: string): string => `/queue/${collective}.nodes`;

/** Every agent's topic of a collective that is not multiplexed; ActiveMQ's `*` stands for one token. */
export const broadcastWildcard = (collective: string): string => `/topic/${collective}.*.agent`;

/** The agent that a topic of a collective belongs to; undefined for the one topic of a multiplexed collective. */
export const topicAgent = (destination: string, collective: string): string | undefined => {
  const [start, end] = broadcastWildcard(collective).split('*');
  if (start === undefined || end === undefined) return undefined;
  return destination.startsWith(start) && destination.endsWith(end)
    ? destination.slice(start.length, -end.length)
    : undefined;
};

/**
 * On every frame that a bridge sends to the legacy side in place of a client, so that no bridge takes it in again;
 * daemons ignore it. Its value is for people: who sent it.
 */
export const BRIDGE_MARKER = 'mcbridge';

/** The queue of one request's replies, below the `<collective>.reply.>` that brokers' ACLs already grant to clients. */
export const replyDestination = (collective: string, cluster: string, token: string): string =>
  `/queue/${collective}.reply.${cluster}.${token}`;

/** What every instance of the cluster subscribes: ActiveMQ shares the messages of a wildcard queue among its consumers. */
export const replyWildcard = (collective: string, cluster: string): string =>
  `/queue/${collective}.reply.${cluster}.>`;

/**
 * The collective and the token of a reply's destination.
 * @throws Rejection `token_malformed` for a destination that is not one of this cluster's
 */
export const parseReplyDestination = (
  destination: string,
  cluster: string,
): { readonly collective: string; readonly token: string } => {
  const marker = `.reply.${cluster}.`;
  const at = destination.indexOf(marker);
  const token = destination.slice(at + marker.length);
  if (!destination.startsWith('/queue/') || at < 0 || token.length === 0) {
    throw new Rejection(
      'token_malformed',
      `a reply came to ${destination}, which bears no reply token of cluster ${cluster}`,
    );
  }
  return { collective: destination.slice('/queue/'.length, at), token };
};

/**
 * Where an instance of a bridge awaits the answers to its own questions, below the same `<collective>.reply.>`. All of
 * the name is one token, its dots taken out, so that no cluster's wildcard holds it.
 */
export const discoveryDestination = (collective: string, name: string, unique: string): string =>
  `/queue/${collective}.reply.${DISCOVERY}${name.replaceAll('.', '_')}.${unique}`;

/**
 * A name in the place of the cluster's, below which replies come to one instance alone. It is one token, and no client's name as that
 * of discovery is none.
 */
export const ownName = (name: string, unique: string): string =>
  `${DISCOVERY}${name.replaceAll('.', '_')}_${unique}`;

/** No client's name: theirs is that of their host, with `_<pid>` behind it. */
const DISCOVERY = 'mcbridge-discovery_';

/**
 * Where instances of a bridge say hello to each other: the one topic that MCollective's own documentation lets daemons both
 * read and write ("Detailed Restrictions" of its ActiveMQ page).
 */
export const helloDestination = (collective: string): string =>
  broadcastDestination(collective, 'registration', false);

/** On every hello, so that it is not taken for a request. */
export const HELLO_MARKER = 'mcbridge-hello';

// ActiveMQ sends to each of several destinations between commas, takes options after "?", and lets `*` and `>` stand
// for many; none of that is one place of a client's own. What a connection has of its own, others see with `remote-`.
const PLACE = /^\/(?:queue|topic|remote-temp-queue|remote-temp-topic)\/[\w:@~+=%-]+(?:\.[\w:@~+=%-]+)*$/;
const CLIENT_REPLY = /^\/queue\/([\w-]+)\.reply\.([^.]+)/;

/**
 * The collective in whose reply namespace a client awaits its replies, `/queue/<collective>.reply.<…>`; undefined where it
 * awaits them elsewhere.
 * @param cluster the bridge's own, whose reply queues are no client's
 * @throws Rejection `invalid_reply_to` for what is not one place, and for a place of the bridge
 */
export const replyToCollective = (replyTo: string, cluster: string): string | undefined => {
  if (!PLACE.test(replyTo)) throw notAQueue(replyTo);
  const [, collective, client = ''] = CLIENT_REPLY.exec(replyTo) ?? [];
  // What the bridge sends there would come back to it as the reply of a legacy node.
  if (client === cluster || client.startsWith(DISCOVERY))
    throw new Rejection(
      'invalid_reply_to',
      `the reply-to ${shown(replyTo)} is a queue in which the bridge itself awaits replies`,
    );
  return collective;
};

/** @returns the Rejection `invalid_reply_to` of a place that is not one of a client's replies */
export const notAQueue = (replyTo: string): Rejection =>
  new Rejection(
    'invalid_reply_to',
    `the reply-to ${shown(replyTo)} is not a queue of the form /queue/<collective>.reply.<client>, nor allowed by callers.reply_to`,
  );

export interface FrameOptions {
  /** Host or program that sends, for `mc_sender`. */
  readonly identity: string;
  /** 1 to 9; 0 leaves the header out, as the connector does. */
  readonly priority: number;
}

/** Slack for network and clocks that MCollective adds to a message's expiry, in seconds. */
export const EXPIRY_SLACK_SECONDS = 10;

/** The headers that every message bears. @param now ms since the epoch @param ttl seconds */
export const messageHeaders = (now: number, ttl: number, options: FrameOptions): Record<string, string> => {
  const seconds = Math.floor(now / 1000);
  const headers: Record<string, string> = {};
  if (options.priority > 0) headers['priority'] = String(options.priority);
  headers['timestamp'] = String(seconds * 1000);
  headers['expires'] = String((seconds + ttl + EXPIRY_SLACK_SECONDS) * 1000);
  headers['mc_sender'] = options.identity;
  return headers;
};
