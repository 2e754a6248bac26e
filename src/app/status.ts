import type { Bridge } from '../bridge/bridge.ts';
import type { Stats } from '../bridge/stats.ts';
import type { SharedClaims } from '../cluster/claims.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import { isoTime } from '../envelope/time.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { Monitor } from '../telemetry/monitor.ts';
import type { StatusDocument } from '../telemetry/status/document.ts';
import { Rates } from '../telemetry/status/rates.ts';
import { LastRefusals } from '../telemetry/status/refusals.ts';
import { makeStatus } from '../telemetry/status/status.ts';
import type { CertificateEnd } from './files/certificates.ts';
import type { Rotation } from './files/rotation.ts';
import type { Links } from './links.ts';
import type { Nodes } from './nodes.ts';
import type { Reloads } from './reloads.ts';
import type { Services } from './services.ts';
import type { AppStatus } from './types.ts';

/** What a status tells of. */
export interface Parts {
  readonly bridge: Bridge;
  readonly links: Pick<Links, 'used'>;
  /** Undefined while nothing is claimed or counted. */
  readonly claims: () => SharedClaims | undefined;
  readonly reloads: Reloads;
  readonly monitor: () => Monitor;
  /** As they are now. */
  readonly loaded: () => LoadedConfig;
  readonly nodes: () => Nodes;
  /** Those in force. */
  readonly certificates: () => readonly CertificateEnd[];
}

/** How an app is, in short. */
export const statusOf = ({
  bridge,
  reloads,
  monitor,
  loaded,
  rotation,
}: {
  readonly bridge: Bridge;
  readonly reloads: Reloads;
  readonly monitor: Monitor;
  readonly loaded: LoadedConfig;
  readonly rotation: Pick<Rotation, 'refused' | 'certificates'>;
}): AppStatus => ({
  health: monitor.health(),
  links: bridge.status(),
  inFlight: bridge.inFlight,
  counts: bridge.stats.snapshot(),
  configuration: { file: loaded.file, ...reloads.status() },
  drainTimeout: loaded.config.drainTimeout,
  refusedFiles: rotation.refused(),
  certificates: rotation.certificates(),
});

/** What is counted and remembered for an app's status. */
export interface StatusBook {
  readonly observers: readonly Partial<BridgeObserver>[];
  /** All that there were since the start. */
  counted(stats: Stats): Readonly<Record<'requests' | 'replies' | 'refusals', number>>;
  /** @returns makes the document */
  of(parts: Parts): () => StatusDocument;
}

export const createStatusBook = ({ version, clock = Date.now }: Services): StatusBook => {
  const started = clock();
  const rates = new Rates(clock);
  const refusals = new LastRefusals(clock);
  return {
    observers: [rates, refusals],
    counted: (stats) => {
      const { requestsReceived: requests, repliesReceived: replies, rejected } = stats.snapshot();
      return { requests, replies, refusals: Object.values(rejected).reduce((sum, count) => sum + count, 0) };
    },
    of: ({ bridge, links, claims, reloads, monitor, loaded, nodes, certificates }) => {
      const { identity, cluster, instance } = loaded().config;
      return () =>
        makeStatus({
          ...{ version, identity, cluster, instance, clock, started, rates, refusals },
          stats: bridge.stats,
          health: () => monitor().health(),
          links: links.used,
          routes: () => loaded().config.routes,
          inFlight: () => bridge.inFlight,
          waiting: () => bridge.waiting(),
          nodes: () => nodes().counts(),
          certificates: () => certificates().map(({ ends, ...it }) => ({ ...it, expires: isoTime(ends) })),
          configuration: () => ({ file: loaded().file, ...reloads.status() }),
          claims: claims()?.state(),
        });
    },
  };
};
