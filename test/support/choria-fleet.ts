import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Dialect } from './choria-messages.ts';
import { type ChoriaNode, createChoriaNode, type Handled, type NodeOptions, Refused } from './choria-node.ts';
import type { RubySecurity } from './choria-ruby-security.ts';
import { createV2Node, type V2Key } from './choria-v2.ts';

/** A node, and what filters and clients can ask of it. */
export interface FleetNode
  extends Partial<Pick<NodeOptions, 'facts' | 'classes' | 'data' | 'recordsAlways' | 'ruby'>> {
  readonly identity: string;
  /** Discovery and rpcutil by default. */
  readonly agents?: readonly string[];
  /** Of the fleet by default; the first is the main one. */
  readonly collectives?: readonly string[];
  /** Of the fleet by default. */
  readonly dialect?: Dialect;
}

interface Common {
  /** Of the collective's NATS server. */
  readonly url: string;
  /** PEM text; what the nodes connect with. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly collectives: readonly string[];
  /** Nodes, or their identities only. */
  readonly nodes: readonly (string | FleetNode)[];
  /** Agents that the nodes offer as a service: one of them gets each request. */
  readonly services?: readonly string[];
  /** How far their clocks are ahead, in ms. */
  readonly ahead?: number;
}

export type FleetOptions =
  | (Common & {
      readonly protocol?: 1;
      readonly dialect: Dialect;
      /** Of the nodes of Ruby, unless they say otherwise. */
      readonly ruby?: RubySecurity;
      /** PEM text of the CA that vouches for callers. */
      readonly callers: string;
    })
  | (Common & {
      readonly protocol: 2;
      /** Whose tokens callers show. */
      readonly issuer: V2Key;
    });

/** One request that one node has verified. */
export interface Received extends Omit<Handled, 'reply'> {
  readonly node: string;
  readonly subject: string;
  readonly answered: boolean;
}

/** Nodes of a collective, each with its own connection to the real server. */
export interface Fleet {
  /** Every request that a node believed, in order of arrival, duplicates and all. */
  received(): readonly Received[];
  /** What nodes did not believe, and why. */
  refused(): readonly { readonly node: string; readonly subject: string; readonly why: string }[];
  /** How often each node got a request of this id. */
  deliveries(requestId: string): ReadonlyMap<string, number>;
  /**
   * How often each node ran an action, whether or not anybody wanted to know the outcome; refused inputs do not count.
   * @param action `agent#action`
   */
  executions(action: string, requestId?: string): ReadonlyMap<string, number>;
  /** Starts one more, such as a node that has just moved here. */
  add(node: string | FleetNode): Promise<void>;
  /** Stops one, as before it moves elsewhere. */
  stop(identity: string): Promise<void>;
  /** Keeps replies back from now on, until the function is called. */
  hold(): () => void;
  forget(): void;
  close(): Promise<void>;
}

const AGENTS = ['discovery', 'rpcutil'];

/** Subscribes and answers as recorded servers do; see `wire-choria`'s facts on subjects in go-choria's broker. */
export const startFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { url, collectives, services = [], ahead = 0 } = options;
  const received: Received[] = [];
  const refused: { node: string; subject: string; why: string }[] = [];
  const deliveries = new Map<string, Map<string, number>>();
  let held: (() => void)[] | undefined;

  const onMessage = (nats: NatsConnection, node: ChoriaNode, message: Msg): void => {
    const { subject } = message;
    try {
      const { reply, ...handled } = node.handle(message.string(), url, Date.now() + ahead);
      received.push({ ...handled, node: node.identity, subject, answered: reply !== undefined });
      const counts = deliveries.get(handled.requestId) ?? new Map<string, number>();
      deliveries.set(handled.requestId, counts.set(node.identity, (counts.get(node.identity) ?? 0) + 1));
      if (reply === undefined) return;
      const answer = (): void => nats.publish(reply.subject, reply.payload);
      if (held === undefined) answer();
      else held.push(answer);
    } catch (error) {
      const why = error instanceof Refused ? error.message : `not readable: ${String(error)}`;
      refused.push({ node: node.identity, subject, why });
    }
  };

  const createNode = (given: FleetNode, agents: readonly string[]): ChoriaNode => {
    if (options.protocol === 2)
      return createV2Node({ identity: given.identity, issuer: options.issuer, agents });
    const ruby = options.ruby === undefined ? {} : { ruby: options.ruby };
    return createChoriaNode({
      dialect: options.dialect,
      ...ruby,
      collectives,
      ...given,
      ca: options.callers,
      agents,
    });
  };

  const startNode = async (given: FleetNode): Promise<NatsConnection> => {
    const { identity, agents = AGENTS } = given;
    const node = createNode(given, [...agents, ...services]);
    // The client checks a server given by its address for the name "localhost", unless told its host.
    const tls = { ...options.tls, host: new URL(url).hostname };
    const nats = await connect({
      servers: url,
      name: identity,
      tls,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) throw error;
      onMessage(nats, node, message);
    };
    for (const collective of given.collectives ?? collectives) {
      for (const agent of agents) nats.subscribe(`${collective}.broadcast.agent.${agent}`, { callback });
      for (const agent of services)
        nats.subscribe(`${collective}.broadcast.service.${agent}`, { callback, queue: agent });
      nats.subscribe(`${collective}.node.${identity}`, { callback });
    }
    await nats.flush();
    return nats;
  };

  const connections = new Map<string, NatsConnection>();
  const add = async (node: string | FleetNode): Promise<void> => {
    const given = typeof node === 'string' ? { identity: node } : node;
    if (connections.has(given.identity)) throw new Error(`${given.identity} runs already`);
    connections.set(given.identity, await startNode(given));
  };
  const stop = async (identity: string): Promise<void> => {
    const nats = connections.get(identity);
    if (nats === undefined) throw new Error(`there is no node ${identity}`);
    connections.delete(identity);
    await nats.close();
  };

  await Promise.all(options.nodes.map(add));
  return {
    received: () => received,
    refused: () => refused,
    deliveries: (requestId) => deliveries.get(requestId) ?? new Map(),
    executions: (action, requestId) => {
      const counts = new Map<string, number>();
      for (const one of received)
        if (`${one.agent}#${one.action}` === action && (requestId ?? one.requestId) === one.requestId)
          counts.set(one.node, (counts.get(one.node) ?? 0) + 1);
      return counts;
    },
    add,
    stop,
    hold: () => {
      const kept: (() => void)[] = [];
      held = kept;
      return () => {
        held = undefined;
        for (const answer of kept) answer();
      };
    },
    forget: () => {
      received.length = 0;
      refused.length = 0;
      deliveries.clear();
    },
    close: async () => {
      await Promise.all([...connections.keys()].map(stop));
    },
  };
};
