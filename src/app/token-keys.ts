import { createSecretKey, type KeyObject } from 'node:crypto';
import type { EgressServices } from '../adapters/descriptor.ts';
import { networkKey } from '../adapters/kit/token/network-key.ts';
import type { HelloContext } from '../cluster/hello.ts';
import { fileProblem } from '../config/files.ts';
import type { ClusterKeys } from '../setup/cluster-key.ts';
import type { LoadedConfig } from '../setup/types.ts';

/** The keys that authenticate messages between instances of a cluster. */
export interface TokenKeys {
  /** This instance signs with it. */
  readonly tokenKey: KeyObject;
  /** The other key that is accepted. */
  readonly nextTokenKey: KeyObject | undefined;
}

export const tokenKeysOf = ({ key, next }: ClusterKeys): TokenKeys => ({
  tokenKey: createSecretKey(key),
  nextTokenKey: next && createSecretKey(next),
});

/**
 * The keys of one egress.
 * @param own the network that its requests go to
 * @param networks those whose tokens count there by now
 */
export const egressKeysOf = (
  { tokenKey, nextTokenKey }: TokenKeys,
  own: string,
  networks: () => readonly string[],
): Pick<EgressServices, 'tokenKey' | 'otherTokenKeys'> => {
  // Instances of the release before, which knew no networks, make tokens with the cluster's own.
  const roots = [tokenKey, ...(nextTokenKey === undefined ? [] : [nextTokenKey])];
  let all: readonly string[] = [];
  let keys = roots;
  return {
    tokenKey: networkKey(tokenKey, own),
    otherTokenKeys: () => {
      const now = [...new Set([own, ...networks()])];
      if (now.length !== all.length || now.some((network, i) => network !== all[i])) {
        all = now;
        keys = [...now.flatMap((network) => roots.map((root) => networkKey(root, network))), ...roots];
      }
      return keys;
    },
  };
};

/** The same for what instances say of themselves. */
export const helloKeysOf = ({
  tokenKey,
  nextTokenKey,
}: TokenKeys): Pick<HelloContext, 'key' | 'nextKey'> => ({
  key: tokenKey,
  nextKey: nextTokenKey,
});

const believes = ({ key, next }: ClusterKeys, other: Buffer): boolean =>
  key.equals(other) || next?.equals(other) === true;

/**
 * Another key takes three steps, so that at each of them every instance believes what any other has signed, and what this one
 * has sent still finds its way home.
 * @param before the keys in force
 * @throws ConfigError for a change that leaves out a step
 */
export const checkKeyStep = (before: ClusterKeys, now: ClusterKeys, next: LoadedConfig): void => {
  const path = [next.config.clusterKey.kind === 'given' ? 'cluster_key' : 'cluster_key_file'];
  const refuse = (message: string): never => {
    throw fileProblem(next, path, message);
  };
  if (!believes(before, now.key))
    refuse(
      'cannot become a key that is not known yet while the bridge runs: give it as next_cluster_key to all instances first',
    );
  if (!believes(now, before.key))
    refuse(
      'cannot be forgotten at once while the bridge runs: it stays next_cluster_key until replies to what was sent with it are home',
    );
};
