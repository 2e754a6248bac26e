import { type ReadableReplyAddress, UNKNOWN_SERVER } from '../../envelope/message.ts';

/**
 * The reply address with the hop of a node that has recorded none itself, as Choria's nodes write theirs: server, node, server.
 * A client that traces a request takes the hop between the brokers' for the node's (`mco federation trace`).
 * @param server where its reply came from; undefined: where the request went
 */
export const withNodeHop = (
  home: ReadableReplyAddress,
  node: string,
  server: string | undefined,
): ReadableReplyAddress => {
  const { hops } = home;
  if (hops === undefined) return home;
  const sentTo = hops.at(-1)?.[2] || UNKNOWN_SERVER;
  const reached = sentTo === UNKNOWN_SERVER ? (server ?? UNKNOWN_SERVER) : sentTo;
  return { ...home, hops: [...hops, [reached, node, server ?? reached]] };
};
