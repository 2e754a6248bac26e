import { Rejection } from '../../envelope/rejection.ts';

/** How ActiveMQ's destinations are named; see MCollective's connector/activemq.rb, `make_target`. */
export const broadcastDestination = (collective: string, agent: string, multiplex: boolean): string =>
  multiplex ? `/topic/${collective}.agents` : `/topic/${collective}.${agent}.agent`;

export const directedDestination = (collective: string): string => `/queue/${collective}.nodes`;

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

export interface FrameOptions {
  /** Host or program that sends, for `mc_sender`. */
  readonly identity: string;
  /** 1 to 9; 0 leaves the header out, as the connector does. */
  readonly priority: number;
}

/** Slack for network and clocks that MCollective adds to a message's expiry, in seconds. */
export const EXPIRY_SLACK = 10;

/** The headers that every message bears. @param now ms since the epoch @param ttl seconds */
export const messageHeaders = (now: number, ttl: number, options: FrameOptions): Record<string, string> => {
  const seconds = Math.floor(now / 1000);
  const headers: Record<string, string> = {};
  if (options.priority > 0) headers['priority'] = String(options.priority);
  headers['timestamp'] = String(seconds * 1000);
  headers['expires'] = String((seconds + ttl + EXPIRY_SLACK) * 1000);
  headers['mc_sender'] = options.identity;
  return headers;
};
