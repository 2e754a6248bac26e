import type { NodeKnowledge } from '../bridge/bridge.ts';
import { compileGlobs } from '../envelope/glob.ts';
import type { NodeDirectory, RemoteNodes } from '../envelope/port.ts';
import type { Inventory } from './inventory.ts';

export interface RemoteNodesOptions {
  readonly inventory: Pick<Inventory, 'learned' | 'version'> & {
    onChange(listener: () => void): void;
  };
  /** The routes of the ingress, by the names of their egresses. */
  readonly routes: readonly { readonly to: string; readonly collectives: Iterable<string> }[];
  /** The egress that reaches the nodes on the ingress's own side. */
  readonly localEgress?: string;
  /** Globs of identities that live behind an egress, by its name. */
  readonly patterns: ReadonlyMap<string, readonly string[]>;
}

/** The nodes behind the routes of one collective. */
interface Beyond {
  readonly egresses: readonly string[];
  readonly patterns: readonly string[];
  readonly matches: (identity: string) => boolean;
}

const beyondOf = ({ routes, patterns }: RemoteNodesOptions): ReadonlyMap<string, Beyond> => {
  const egresses = new Map<string, Set<string>>();
  for (const { to, collectives } of routes)
    for (const collective of collectives)
      egresses.set(collective, (egresses.get(collective) ?? new Set<string>()).add(to));
  return new Map(
    [...egresses].map(([collective, names]) => {
      const globs = [...new Set([...names].flatMap((name) => patterns.get(name) ?? []))];
      return [collective, { egresses: [...names], patterns: globs, matches: compileGlobs(globs) }];
    }),
  );
};

/**
 * The remote nodes of an ingress: those that were learned or configured behind its routes, without those that
 * are local to its own side. Local is only a node that was learned there, never one that is merely configured: where globs
 * of both sides overlap, a node would otherwise be left to a side on which it may not answer at all.
 */
export const remoteNodesOf = (options: RemoteNodesOptions): RemoteNodes => {
  const { inventory, localEgress } = options;
  const beyond = beyondOf(options);
  const snapshots = new Map<string, { readonly version: number; readonly names: ReadonlySet<string> }>();
  const isLocal = (collective: string, identity: string): boolean =>
    localEgress !== undefined && inventory.learned(localEgress, collective).has(identity);
  const learned = (collective: string): ReadonlySet<string> => {
    const names = new Set<string>();
    for (const egress of beyond.get(collective)?.egresses ?? [])
      for (const name of inventory.learned(egress, collective))
        if (!isLocal(collective, name)) names.add(name);
    return names;
  };
  return {
    patterns: (collective) => beyond.get(collective)?.patterns ?? [],
    names: (collective) => {
      const { version } = inventory;
      const snapshot = snapshots.get(collective);
      if (snapshot?.version === version) return snapshot.names;
      const names = learned(collective);
      if (beyond.has(collective)) snapshots.set(collective, { version, names });
      return names;
    },
    has: (collective, identity) => {
      const place = beyond.get(collective);
      if (place === undefined || isLocal(collective, identity)) return false;
      return (
        place.egresses.some((egress) => inventory.learned(egress, collective).has(identity)) ||
        place.matches(identity)
      );
    },
    onChange: (listener) => inventory.onChange(listener),
  };
};

/**
 * Where the nodes that an egress is to reach live. A node that has answered through it is there; a pattern says where
 * a node belongs, and not whether it is there.
 * @param patterns globs of identities that live behind an egress, by its name
 */
export const directoryOf = (
  inventory: Inventory,
  egress: string,
  patterns: ReadonlyMap<string, readonly string[]>,
): NodeDirectory => {
  const belongsHere = compileGlobs(patterns.get(egress) ?? []);
  const belongsElsewhere = compileGlobs(
    [...patterns].flatMap(([name, globs]) => (name === egress ? [] : globs)),
  );
  const others = [...patterns.keys()].filter((name) => name !== egress);
  return {
    whereabouts: (collective, identity) => {
      if (inventory.learned(egress, collective).has(identity)) return 'here';
      const isElsewhere =
        others.some((other) => inventory.learned(other, collective).has(identity)) ||
        (belongsElsewhere(identity) && !belongsHere(identity));
      return isElsewhere ? 'elsewhere' : 'unknown';
    },
  };
};

/**
 * What the bridge tells the inventory and asks it. A node that runs both agents during its own move answers once,
 * because its reply across the bridge is dropped where it was learned on the requester's side.
 * @param localEgresses the egress on each ingress's own side, by the names of the ingresses that have one
 * @param identity the bridge's own, in whose name it tells errors
 */
export const knowledgeOf = (
  inventory: Inventory,
  localEgresses: ReadonlyMap<string, string>,
  identity: string,
): NodeKnowledge => ({
  // An error of the bridge is not a node; one that has its name, on the same host, is found by asking.
  observe: (egress, collective, node) => {
    if (node !== identity) inventory.observe(egress, collective, node, 'reply');
  },
  isLocal: (ingress, collective, node) => {
    const egress = localEgresses.get(ingress);
    return egress !== undefined && inventory.learned(egress, collective).has(node);
  },
});

/**
 * For the egress on an ingress's own side, those that the ingress's routes lead to: between them nodes move.
 */
export const peerEgressesOf = (
  routes: readonly { readonly from: string; readonly to: string }[],
  localEgresses: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadonlySet<string>> => {
  const all = new Map<string, Set<string>>();
  for (const { from, to } of routes) {
    const local = localEgresses.get(from);
    if (local !== undefined) all.set(local, (all.get(local) ?? new Set<string>()).add(to));
  }
  return all;
};
