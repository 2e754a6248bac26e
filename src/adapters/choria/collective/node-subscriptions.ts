import { isIdentity } from '../../../envelope/check.ts';
import { compileGlobs } from '../../../envelope/glob.ts';
import type { RemoteNodes } from '../../../envelope/port.ts';
import type { IncomingMessage, Link, LinkSubscription } from '../../../transport/link.ts';
import { bridgeGroup, bridgeNodesGroup, nodeSubject, nodesSubject } from '../wire/index.ts';

export interface NodeSubscriptionsOptions {
  readonly link: Link;
  readonly cluster: string;
  readonly collectives: readonly string[];
  readonly remoteNodes: RemoteNodes;
  /** Called once a message to a node that is stood in for, in the whole cluster. */
  readonly onMessage: (message: IncomingMessage) => void;
}

/** Listens in place of nodes, as those come and go. */
export interface NodeSubscriptions {
  /** Resolves once the server has all of them. @throws LinkError `refused` where it does not let the bridge listen */
  start(): Promise<void>;
  /** What has arrived is handed over before it resolves. */
  stop(): Promise<void>;
}

interface Held {
  /** Undefined until the server has it. */
  subscription?: LinkSubscription;
}

/**
 * When a fleet answers, nodes become known by the thousand, and each change is a look at all of them: so the first one
 * is followed at once, and those within this time after it together. In ms; clients wait longer between discovery and
 * what they send to the nodes found.
 */
const SUBSCRIBE_DELAY_MS = 100;

/** The messages of a subscription that it takes. */
interface Wanted {
  readonly group: string;
  readonly takes: (node: string) => boolean;
}

/**
 * Each node is listened for in one of two ways, and it is its name that decides which, so that all instances of a
 * cluster agree:
 *
 * - A node that a configured pattern covers, by one wildcard for all nodes of its collective. Instances share the
 *   wildcard in a queue group of its own, and any of them may take such a message, for all have the same patterns.
 * - Any other node by its own subject. Instances learn of nodes at different moments (each asks about once a
 *   minute), and only those that know a node are in its queue group; so a message goes to one that knows it. Were
 *   both ways one queue group, NATS would give some of these messages to the wildcard of an instance that does not.
 *
 * A node that no instance has learned of yet is as one that is not there. The instance that carries a node's answer to
 * a client's discovery knows it then; the others learn of it within the minute.
 */
export const createNodeSubscriptions = (options: NodeSubscriptionsOptions): NodeSubscriptions => {
  const { link, cluster, collectives, remoteNodes, onMessage } = options;
  const held = new Map<string, Held>();
  let stopped = false;
  let pause: NodeJS.Timeout | undefined;
  let hasChanged = false;

  const wantedIn = (collective: string): readonly (readonly [destination: string, wanted: Wanted])[] => {
    const patterns = remoteNodes.patterns(collective);
    const isCovered = compileGlobs(patterns);
    const own: Wanted = {
      group: bridgeGroup(cluster),
      takes: (node) => remoteNodes.has(collective, node),
    };
    const singly = [...remoteNodes.names(collective)]
      // What a node calls itself becomes part of a subject.
      .filter((node) => isIdentity(node) && remoteNodes.has(collective, node) && !isCovered(node))
      .map((node): [string, Wanted] => [nodeSubject(collective, node), own]);
    if (patterns.length === 0) return singly;
    const all: Wanted = {
      group: bridgeNodesGroup(cluster),
      takes: (node) => isCovered(node) && remoteNodes.has(collective, node),
    };
    return [[nodesSubject(collective), all], ...singly];
  };

  const subscribe = async (destination: string, { group, takes }: Wanted): Promise<void> => {
    const entry: Held = {};
    held.set(destination, entry);
    try {
      const subscription = await link.subscribe({
        destination,
        group,
        onMessage: (message) => {
          // The node may have moved since; then another bridge answers, or none any more.
          if (takes(nodeOf(message.destination).node)) onMessage(message);
        },
      });
      if (held.get(destination) === entry) entry.subscription = subscription;
      else await subscription.unsubscribe();
    } catch (error) {
      // The next change tries it again.
      if (held.get(destination) === entry) held.delete(destination);
      throw error;
    }
  };

  const release = async (destination: string): Promise<void> => {
    const entry = held.get(destination);
    held.delete(destination);
    await entry?.subscription?.unsubscribe();
  };

  const update = async (): Promise<void> => {
    const wanted = new Map(collectives.flatMap(wantedIn));
    const gone = [...held.keys()].filter((destination) => !wanted.has(destination));
    const fresh = [...wanted].filter(([destination]) => !held.has(destination));
    await Promise.all([
      ...gone.map(release),
      ...fresh.map(([destination, it]) => subscribe(destination, it)),
    ]);
  };

  const onChange = (): void => {
    hasChanged = true;
    if (stopped || pause !== undefined) return;
    hasChanged = false;
    // The link reports what a server refuses; and what is closed has no use for it.
    update().catch(() => undefined);
    pause = setTimeout(() => {
      pause = undefined;
      if (hasChanged) onChange();
    }, SUBSCRIBE_DELAY_MS).unref();
  };

  return {
    start: async () => {
      remoteNodes.onChange(onChange);
      await update();
    },

    stop: async () => {
      stopped = true;
      clearTimeout(pause);
      await Promise.all([...held.keys()].map(release));
    },
  };
};

/** `<collective>.node.<identity>`; both the collective and `node` are one token. */
export const nodeOf = (subject: string): { readonly collective: string; readonly node: string } => {
  const [collective = '', , ...node] = subject.split('.');
  return { collective, node: node.join('.') };
};
