import { natsOptions } from '../adapters/kit/nats/link-options.ts';
import { HELLO_MARKER } from '../adapters/mcollective/wire/addressing.ts';
import { type BucketSettings, claimLifetimeMs } from '../cluster/bucket.ts';
import type { SharedClaims } from '../cluster/claims.ts';
import type { ConnectionSettings } from '../cluster/connection.ts';
import { type LonePlace, ShareConflict, type ShareConflictOptions } from '../cluster/share-conflict.ts';
import type { ReadFile } from '../config/files.ts';
import { ConfigError, formatPath } from '../config/problem.ts';
import type { Share } from '../config/share.ts';
import { CLAIMS_MAX_AHEAD_SECONDS } from '../config/share.ts';
import { endsOf, exportedBy } from '../setup/ends.ts';
import { sideOf } from '../setup/sides.ts';
import type { Config, LoadedConfig } from '../setup/types.ts';
import type { Trouble } from '../telemetry/health.ts';
import type { MeteredLink } from '../telemetry/meter.ts';
import { type NatsSettings, natsSettingsOf } from '../transport/nats/spec.ts';
import type { Lasting } from './generation.ts';

/** The ingresses that routes start at and that share broadcasts this way. */
export const sharedBy = (share: Share, config: Config): readonly string[] =>
  [...config.ingresses.values()]
    .filter(({ name, adapter }) => adapter.share?.how === share && endsOf(name, 'ingress', config).length > 0)
    .map(({ name }) => name);

/**
 * Where claims are made; undefined where there is no section `claims`.
 * @throws ConfigError where an adapter makes no link on NATS after all, and for a file that cannot be read
 */
export const claimsConnection = (
  { config, file, at: placeOf }: Pick<LoadedConfig, 'config' | 'file' | 'at'>,
  read: ReadFile,
): ConnectionSettings | undefined => {
  const at = config.claims?.at;
  if (at === undefined) return undefined;
  if (at.kind === 'own') return withoutBuffer(natsOptions(at.connection, ['claims'], config, read));
  const side = sideOf(config, at.name, 'ingress') ?? sideOf(config, at.name, 'egress');
  const nats = side && natsSettingsOf(side.adapter.link(config, read));
  if (nats === undefined) throw notOnNats(at.name, { file, at: placeOf });
  return withoutBuffer(nats);
};

/** As far as its type says it is on NATS; but the adapter makes another link. */
const notOnNats = (name: string, { file, at }: Pick<LoadedConfig, 'file' | 'at'>): ConfigError => {
  const path = ['claims', 'link'];
  const message = `the link of ${name} is not made by natsSpec, and claims need that`;
  const allowed = 'a link that is, or servers of their own';
  return new ConfigError([{ file, ...at(path), path: formatPath(path), message, allowed }]);
};

/** Claims have limits of their own; the link's buffer does not matter. */
const withoutBuffer = ({ buffer: _, ...connection }: NatsSettings): ConnectionSettings => connection;

/** How far ahead of this host's clock that of a claimed broadcast's sender may be, in seconds, and which ingress says so. */
export const claimedAhead = ({ ingresses }: Config): { readonly name?: string; readonly seconds: number } => {
  const each = [...ingresses.values()].flatMap(({ name, adapter: { share } }) => {
    return share?.how === 'claims' ? [{ name, seconds: share.maxAhead }] : [];
  });
  return each.toSorted((a, b) => b.seconds - a.seconds)[0] ?? { seconds: CLAIMS_MAX_AHEAD_SECONDS };
};

/** The bucket of a cluster's claims. */
export const claimsBucket = (config: Config): BucketSettings | undefined => {
  const { cluster, maxTtl, claims } = config;
  const maxAge = claimLifetimeMs(maxTtl, claimedAhead(config).seconds);
  return claims && { cluster, maxAge, maxBytes: claims.maxBytes, replicas: claims.replicas };
};

/** Where an app claims, and in what. */
export interface ClaimsSettings {
  readonly connection: ConnectionSettings;
  readonly bucket: BucketSettings;
}

/** Whether anything is claimed or counted where there are claims. */
export const usesClaims = (loaded: Pick<LoadedConfig, 'config' | 'policies'>): boolean =>
  sharedBy('claims', loaded.config).length > 0 || countsNodes(loaded);

/** Whether instances count together how many nodes requests reach, where they have claims. */
export const countsNodes = ({ config, policies }: Pick<LoadedConfig, 'config' | 'policies'>): boolean =>
  config.routes.some(({ policy }) => policy !== undefined && policies.get(policy)?.countsNodes === true);

/**
 * What ingresses claim broadcasts by and policies count nodes, with the content that files have now; undefined where there is no
 * section `claims`. A policy may begin to count while the bridge runs.
 * @throws ConfigError for a file that cannot be read
 */
export const claimsSettings = (loaded: LoadedConfig, read: ReadFile): ClaimsSettings | undefined => {
  const connection = claimsConnection(loaded, read);
  const bucket = claimsBucket(loaded.config);
  return connection && bucket && { connection, bucket };
};

/** The hellos to other instances that may handle the same broadcasts, for the life of an app. */
export const conflictOf = ({
  config: { identity, cluster, instance },
  keys,
  clock,
  log,
}: Pick<Lasting, 'clock' | 'log'> &
  Pick<ShareConflictOptions, 'keys'> & { readonly config: Config }): ShareConflict =>
  new ShareConflict({ headers: { [HELLO_MARKER]: identity }, cluster, instance, keys, clock, log });

/** Where ingresses hear broadcasts that only they must handle. */
export const lonePlaces = (links: readonly MeteredLink[], config: Config): readonly LonePlace[] => {
  const single = new Set(sharedBy('single', config));
  return links
    .filter(({ name, side }) => side === 'federation' && single.has(name))
    .flatMap(({ name, raw: link }) => {
      const helloAt = config.ingresses.get(name)?.adapter.share?.helloAt;
      if (helloAt === undefined) return [];
      return exportedBy(name, config).map((it) => ({ ingress: name, link, destination: helloAt(it) }));
    });
};

/** Problems of how instances share broadcasts. */
export const sharingTroubles = ({
  claims,
  conflict,
}: {
  readonly claims: SharedClaims | undefined;
  readonly conflict: ShareConflict | undefined;
}): readonly Trouble[] => {
  const state = claims?.state();
  const troubles = (conflict?.conflicts() ?? []).map(
    ({ instance, ingress }): Trouble => ({
      name: ingress,
      side: 'federation',
      problem: 'not alone',
      reason: `the instance ${instance} handles the same broadcasts`,
    }),
  );
  if (state?.up !== false) return troubles;
  return [...troubles, { name: 'claims', side: 'cluster', problem: 'not connected', reason: state.reason }];
};

/**
 * An ingress that is the only one of its cluster cannot be in several processes.
 * @param workers processes that run this configuration on this host
 * @throws ConfigError
 */
export const checkWorkers = ({ config, file, at }: LoadedConfig, workers: number): void => {
  if (workers <= 1) return;
  const problems = sharedBy('single', config).map((name) => {
    const path = ['ingresses', name, 'share'];
    const message = `single is for one process, and ${workers} workers would each handle every broadcast: say claims or queue`;
    return { file, ...at(path), path: formatPath(path), message };
  });
  if (problems.length > 0) throw new ConfigError(problems);
};
