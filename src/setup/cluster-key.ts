import { fileProblem, fileReader, type ReadFile, trimKey } from '../config/files.ts';
import { MIN_CLUSTER_KEY } from './schema.ts';
import type { LoadedConfig } from './types.ts';

/**
 * The key that reply tokens are authenticated with.
 * @throws ConfigError where its file cannot be read or is too short
 */
export const readClusterKey = (loaded: LoadedConfig, read: ReadFile = fileReader(loaded)): Buffer => {
  const { clusterKey } = loaded.config;
  if (clusterKey.kind === 'given') return Buffer.from(clusterKey.key.reveal());
  const path = ['cluster_key_file'];
  const key = trimKey(read(clusterKey.file, path));
  if (key.length >= MIN_CLUSTER_KEY) return key;
  throw fileProblem(
    loaded,
    path,
    `${clusterKey.file} holds ${key.length} bytes, and it takes at least ${MIN_CLUSTER_KEY}`,
  );
};
