import { performance } from 'node:perf_hooks';
import pTimeout from 'p-timeout';
import { decodeStats, statsSubject } from '../../adapters/choria/wire/stats.ts';
import type { Answer, ChoriaClient, TimedReply } from '../../client/index.ts';
import type { Link, LinkSubscription } from '../../transport/link.ts';

/** What is known of one way to a node: by the brokers of a cluster, or straight. */
export interface Probe {
  /** Undefined: straight to the node's own subject. */
  readonly cluster: string | undefined;
  readonly requestId: string;
  /** The node's pongs; more than one where two nodes have one name. */
  readonly replies: readonly TimedReply[];
  readonly rejected: Answer['rejected'];
  /** Whether anybody listens where the request went. */
  readonly heard: boolean;
  /** Of an unanswered request: why a broker refuses such a one, where it says so. */
  readonly refusals: readonly { readonly broker: string; readonly message: string }[];
  /** Of an unanswered request: instances of the cluster whose statistics have been heard. */
  readonly brokers: readonly string[];
}

export interface ProbeOptions {
  readonly link: Link;
  readonly client: ChoriaClient;
  readonly cluster: string | undefined;
  readonly node: string;
  /** Ms to wait for the pong. */
  readonly timeout: number;
  /** Ms to listen for statistics when there is none, from the beginning on. */
  readonly statsTimeout: number;
}

/** Names the cluster's living instances, as far as they publish statistics. */
const listenForBrokers = async (link: Link, cluster: string) => {
  const found = new Set<string>();
  let tell: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const subscription: LinkSubscription = await link.subscribe({
    destination: statsSubject(cluster),
    onMessage: ({ body }) => {
      try {
        found.add(`${cluster}:${decodeStats(body).instance}`);
      } catch {
        // What is no such document says nothing of a broker.
        return;
      }
      tell();
    },
  });
  return { found, first, end: () => subscription.unsubscribe() };
};

/** A broker does not refuse a ping aloud, as clients take any answer for a node; an RPC it does. */
const askWhy = async ({ client, node, timeout }: ProbeOptions): Promise<Probe['refusals']> => {
  const { replies } = await client.rpc({ agent: 'rpcutil', action: 'ping', nodes: [node], timeout });
  return replies.flatMap(({ node: broker, payload }) =>
    payload.kind === 'rpc' && payload.statusCode !== 0 ? [{ broker, message: payload.statusMessage }] : [],
  );
};

/** Pings one node with the trail recorded; unanswered, finds out how far the request came. */
export const probe = async (options: ProbeOptions): Promise<Probe> => {
  const { client, cluster, link, node, statsTimeout, timeout } = options;
  const until = performance.now() + statsTimeout;
  const brokers = cluster === undefined ? undefined : await listenForBrokers(link, cluster);
  try {
    const { requestId, replies, rejected, sent, unheard } = await client.discover({
      nodes: [node],
      trace: true,
      timeout,
    });
    const heard = unheard < sent;
    const known = { cluster, requestId, replies, rejected, heard };
    if (replies.length > 0 || !heard) return { ...known, refusals: [], brokers: [] };
    const refusals = await askWhy(options);
    if (brokers !== undefined && refusals.length === 0) {
      const milliseconds = Math.max(1, until - performance.now());
      await pTimeout(brokers.first, { milliseconds, message: false });
    }
    return { ...known, refusals, brokers: [...(brokers?.found ?? [])].sort() };
  } finally {
    await brokers?.end();
  }
};
