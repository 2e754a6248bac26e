import { isDeepStrictEqual } from 'node:util';
import { problemAt } from '../config/files.ts';
import { ConfigError, type KeyPath } from '../config/problem.ts';
import type { Config, LoadedConfig } from '../setup/types.ts';
import { type ClaimsSettings, claimedAhead, countsNodes, sharedBy } from './sharing.ts';

/** What an app is known by, and the code that it runs: for its whole life. */
const FOR_LIFE: readonly (readonly [keyof Config, KeyPath])[] = [
  ['identity', ['identity']],
  ['cluster', ['cluster']],
  ['instance', ['instance']],
  ['adapters', ['adapters']],
];

/** A key that would be another, and the words between it and "while the bridge runs". */
type Change = readonly [path: KeyPath, what?: string];

/**
 * What a running app cannot take over from a new configuration, but for its keys.
 * @param made how the app was made to claim; undefined where nothing is claimed
 * @param claims how it would claim by now
 * @throws ConfigError that names each key
 */
export const checkUnchanged = (
  before: LoadedConfig,
  next: LoadedConfig,
  made: ClaimsSettings | undefined,
  claims: ClaimsSettings | undefined,
): void => {
  const changes: Change[] = FOR_LIFE.filter(
    ([name]) => !isDeepStrictEqual(before.config[name], next.config[name]),
  ).map(([, path]) => [path]);
  changes.push(...changesOfClaims(made, claims, before, next));
  if (changes.length === 0) return;
  throw new ConfigError(
    changes.map(([path, what = '']) =>
      problemAt(next, path, `cannot be changed ${what}while the bridge runs; restart it`),
    ),
  );
};

const KEPT = '(claims are not kept for as long) ';

/** An app's claims are there for its life. Changes of its name and its cluster are reported at their own keys. */
const changesOfClaims = (
  made: ClaimsSettings | undefined,
  now: ClaimsSettings | undefined,
  loadedBefore: LoadedConfig,
  loaded: LoadedConfig,
): readonly Change[] => {
  const [before, next] = [loadedBefore.config, loaded.config];
  const [[claimed], [claims]] = [sharedBy('claims', before), sharedBy('claims', next)];
  if (claimed === undefined && claims !== undefined) return [[['ingresses', claims, 'share'], 'to claims ']];
  if (claimed !== undefined && claims === undefined)
    return [[['ingresses', claimed, 'share'], 'from claims ']];
  if (made === undefined || now === undefined) {
    const counts = made !== now && (countsNodes(loadedBefore) || countsNodes(loaded));
    return counts ? [[['claims'], '(max_nodes is counted by them) ']] : [];
  }
  const changes: Change[] = [];
  // Kept for longer than it takes is well.
  if (made.bucket.maxAge < now.bucket.maxAge) {
    const ahead = claimedAhead(next);
    if (before.maxTtl !== next.maxTtl) changes.push([['max_ttl'], KEPT]);
    if (claimedAhead(before).seconds !== ahead.seconds)
      changes.push([['ingresses', ahead.name ?? '', 'callers', 'max_ahead'], KEPT]);
  }
  if (made.bucket.maxBytes !== now.bucket.maxBytes) changes.push([['claims', 'max_bytes']]);
  if (made.bucket.replicas !== now.bucket.replicas) changes.push([['claims', 'replicas']]);
  return changes;
};
