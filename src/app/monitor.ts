import { resolve } from 'node:path';
import type { Bridge } from '../bridge/bridge.ts';
import type { SharedClaims } from '../cluster/claims.ts';
import type { ShareConflict } from '../cluster/share-conflict.ts';
import { ConfigError } from '../config/problem.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { Page } from '../telemetry/http.ts';
import { listenFailure } from '../telemetry/listen-failure.ts';
import { Monitor } from '../telemetry/monitor.ts';
import type { Links } from './links.ts';
import type { Services } from './services.ts';
import { sharingTroubles } from './sharing.ts';

/** What a monitor looks at. */
export interface Monitored {
  readonly bridge: Bridge;
  readonly links: Pick<Links, 'used' | 'networks' | 'ever'>;
  /** Undefined where no broadcast is claimed. */
  readonly claims: SharedClaims | undefined;
  /** Undefined where there is no network. */
  readonly conflict: ShareConflict | undefined;
  /** Who lives where. */
  readonly page: () => Page;
}

/** What tells how an app is. */
export const createMonitor = (
  { config, file }: LoadedConfig,
  { bridge, links, claims, conflict, page }: Monitored,
  { version, log, clock = Date.now, offline, http }: Services,
): Monitor =>
  new Monitor({
    version,
    identity: config.identity,
    cluster: config.cluster,
    instance: config.instance,
    configFile: resolve(file),
    interval: offline ? 0 : config.statistics.interval,
    links: links.used,
    everLinks: links.ever,
    networks: () => links.networks(),
    claims: claims !== undefined,
    conflicts: () => (conflict?.isNeeded ? conflict.conflicts().length : undefined),
    troubles: () => sharingTroubles({ claims, conflict }),
    pages: new Map([['/inventory', page]]),
    stats: bridge.stats,
    observe: (observer) => void bridge.observe(observer),
    inFlight: () => bridge.inFlight,
    silentNodes: (route) => bridge.silentNodes(route),
    log,
    clock,
    ...(http !== undefined && { http }),
  });

/**
 * Serves metrics and health over HTTP, where the configuration has it.
 * @throws ConfigError for an address that the file gives and that cannot be had. A second bridge on one machine
 *   whose file says nothing of it runs without: its work is more important.
 */
export const serve = async (
  monitor: Monitor,
  { config, file, at }: LoadedConfig,
  { log, http }: Services,
): Promise<void> => {
  if (config.http === undefined || http === undefined) return;
  const { host, port, given } = config.http;
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  try {
    const url = await monitor.listen(host, port);
    log.info({ event: 'http', url }, 'metrics and health over http');
  } catch (error) {
    const message = `${address} ${listenFailure(error)}`;
    const path = ['http', 'listen'];
    if (given)
      throw new ConfigError([{ file, ...at(path), path: path.join('.'), message }], { cause: error });
    log.warn({ event: 'http', listen: address }, `no metrics and health over http: ${message} (http.listen)`);
  }
};
