import { isDeepStrictEqual } from 'node:util';
import { type ReadFile, readClusterKey } from '../config/files.ts';
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError, formatPath, type KeyPath, type Problem } from '../config/problem.ts';
import type { Config } from '../config/types.ts';

/** What an app is known by, where it is looked at, and who its cluster is: for its whole life. */
const FOR_LIFE: readonly (readonly [keyof Config, KeyPath])[] = [
  ['identity', ['identity']],
  ['cluster', ['cluster']],
  ['instance', ['instance']],
  ['http', ['http']],
  ['statistics', ['statistics']],
  ['recordSocket', ['record_socket']],
  ['log', ['log']],
];

/**
 * What of a new configuration a running app cannot take over.
 * @param key that reply tokens are authenticated with
 * @throws ConfigError that names each key
 */
export const checkUnchanged = (
  before: LoadedConfig,
  next: LoadedConfig,
  { key, read, shares }: { readonly key: Buffer; readonly read: ReadFile; readonly shares: boolean },
): void => {
  const problems: Problem[] = [];
  const report = (path: KeyPath): void => {
    problems.push({
      file: next.file,
      ...next.at(path),
      path: formatPath(path),
      message: 'cannot be changed while the bridge runs; restart it',
    });
  };
  for (const [name, path] of FOR_LIFE)
    if (!isDeepStrictEqual(before.config[name], next.config[name])) report(path);
  if (!readClusterKey(next, read).equals(key))
    report([next.config.clusterKey.kind === 'given' ? 'cluster_key' : 'cluster_key_file']);
  if (!shares) report(['claims']);
  if (problems.length > 0) throw new ConfigError(problems);
};
