import { fileProblem, fileReader, type ReadFile } from '../config/files.ts';
import { readLongSecret } from '../config/long-secret.ts';
import type { KeyPath } from '../config/problem.ts';
import type { ClusterKey, LoadedConfig } from './types.ts';

/**
 * The key that reply tokens are authenticated with.
 * @throws ConfigError where its file cannot be read or is too short
 */
export const readClusterKey = (loaded: LoadedConfig, read: ReadFile = fileReader(loaded)): Buffer =>
  keyOf(loaded.config.clusterKey, ['cluster_key_file'], loaded, read);

/** The keys by which instances of a cluster trust each other. */
export interface ClusterKeys {
  /** This instance signs with it. */
  readonly key: Buffer;
  /** The other one, while the cluster changes from one to the next. */
  readonly next: Buffer | undefined;
}

/** @throws ConfigError where one of the files cannot be read or is too short, or both keys are one */
export const readClusterKeys = (loaded: LoadedConfig, read: ReadFile = fileReader(loaded)): ClusterKeys => {
  const { nextClusterKey } = loaded.config;
  const key = readClusterKey(loaded, read);
  if (nextClusterKey === undefined) return { key, next: undefined };
  const next = keyOf(nextClusterKey, ['next_cluster_key_file'], loaded, read);
  if (!next.equals(key)) return { key, next };
  const name = nextClusterKey.kind === 'given' ? 'next_cluster_key' : 'next_cluster_key_file';
  throw fileProblem(loaded, [name], 'is the cluster key that is in use: leave it out, or give the other one');
};

const keyOf = (from: ClusterKey, path: KeyPath, loaded: LoadedConfig, read: ReadFile): Buffer => {
  if (from.kind === 'given') return Buffer.from(from.key.reveal());
  return readLongSecret(from.file, path, loaded, read);
};
