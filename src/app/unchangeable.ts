import { isDeepStrictEqual } from 'node:util';
import type { ReadFile } from '../config/files.ts';
import { ConfigError, formatPath, type KeyPath } from '../config/problem.ts';
import { readClusterKey } from '../setup/cluster-key.ts';
import type { Config, LoadedConfig } from '../setup/types.ts';
import { type ClaimsSettings, claimedAhead, sharedBy } from './sharing.ts';

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

/** A key that would be another, and the words between it and "while the bridge runs". */
type Change = readonly [path: KeyPath, what?: string];

/** What an app was made with, as it was read then. */
export interface MadeWith {
  /** That reply tokens are authenticated with. */
  readonly key: Buffer;
  /** Undefined where nothing is claimed. */
  readonly claims: ClaimsSettings | undefined;
}

/**
 * What of a new configuration a running app cannot take over.
 * @param made what the app was made with
 * @param claims what it would claim by now
 * @throws ConfigError that names each key
 */
export const checkUnchanged = (
  before: LoadedConfig,
  next: LoadedConfig,
  { made, read, claims }: { readonly made: MadeWith; readonly read: ReadFile } & Pick<MadeWith, 'claims'>,
): void => {
  const { clusterKey } = next.config;
  const changes: Change[] = FOR_LIFE.filter(
    ([name]) => !isDeepStrictEqual(before.config[name], next.config[name]),
  ).map(([, path]) => [path]);
  if (!readClusterKey(next, read).equals(made.key))
    changes.push([[clusterKey.kind === 'given' ? 'cluster_key' : 'cluster_key_file']]);
  changes.push(...changesOfClaims(made.claims, claims, before.config, next.config));
  if (changes.length === 0) return;
  throw new ConfigError(
    changes.map(([path, what = '']) => ({
      file: next.file,
      ...next.at(path),
      path: formatPath(path),
      message: `cannot be changed ${what}while the bridge runs; restart it`,
    })),
  );
};

const KEPT = '(claims are kept for as long) ';

/** An app's claims are there for its life. Its name and its cluster are told of by their own keys. */
const changesOfClaims = (
  made: ClaimsSettings | undefined,
  now: ClaimsSettings | undefined,
  before: Config,
  next: Config,
): readonly Change[] => {
  if (made === undefined && now === undefined) return [];
  if (made === undefined || now === undefined) {
    const [name = ''] = sharedBy('claims', made === undefined ? next : before);
    return [[['ingresses', name, 'share'], made === undefined ? 'to claims ' : 'from claims ']];
  }
  const changes: Change[] = [];
  if (made.bucket.maxAge !== now.bucket.maxAge) {
    const ahead = claimedAhead(next);
    if (before.maxTtl !== next.maxTtl) changes.push([['max_ttl'], KEPT]);
    if (claimedAhead(before).seconds !== ahead.seconds)
      changes.push([['ingresses', ahead.name ?? '', 'callers', 'max_ahead'], KEPT]);
  }
  if (made.bucket.maxBytes !== now.bucket.maxBytes) changes.push([['claims', 'max_bytes']]);
  if (made.bucket.replicas !== now.bucket.replicas) changes.push([['claims', 'replicas']]);
  const isSame = isDeepStrictEqual(made.connection, { ...now.connection, name: made.connection.name });
  if (!isSame) changes.push([['claims'], '(neither servers nor login, nor what their files hold) ']);
  return changes;
};
