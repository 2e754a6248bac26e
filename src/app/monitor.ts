import { resolve } from 'node:path';
import type { Bridge } from '../bridge/bridge.ts';
import type { SharedClaims } from '../cluster/claims.ts';
import type { ShareConflict } from '../cluster/share-conflict.ts';
import { fileProblem } from '../config/files.ts';
import type { LoadedConfig } from '../setup/types.ts';
import { type HttpServer, json, type Page } from '../telemetry/http.ts';
import { listenFailure } from '../telemetry/listen-failure.ts';
import type { ListFile } from '../telemetry/metrics.ts';
import { Monitor } from '../telemetry/monitor.ts';
import { publicStatus, type StatusDocument } from '../telemetry/status/document.ts';
import { addressText } from '../transport/address.ts';
import type { AppAudit } from './audit/audit.ts';
import type { Rotation } from './files/rotation.ts';
import type { Links } from './links.ts';
import type { Reloads } from './reloads.ts';
import type { Services } from './services.ts';
import { sharingTroubles } from './sharing.ts';

/** What a monitor watches. */
export interface Monitored {
  readonly bridge: Bridge;
  readonly links: Pick<Links, 'used' | 'networks' | 'ever'>;
  /** Undefined while nothing is claimed or counted. */
  readonly claims: () => SharedClaims | undefined;
  /** Undefined where there is no network. */
  readonly conflict: ShareConflict | undefined;
  readonly audit: Pick<AppAudit, 'states'>;
  readonly rotation: Pick<Rotation, 'certificates' | 'refused'>;
  readonly lists: () => readonly ListFile[];
  /** Where nodes live. */
  readonly page: () => Page;
  /** How the app is, in full. */
  readonly document: () => StatusDocument;
  readonly reloads: Reloads;
  /** Seconds between documents, as the configuration of now has it. */
  readonly interval: () => number;
}

/** Health, metrics and statistics of an app. */
export const createMonitor = (
  { config, file }: LoadedConfig,
  { bridge, links, claims, conflict, lists, audit, rotation, page, document, reloads, interval }: Monitored,
  { version, log, clock = Date.now, offline, http }: Services,
): Monitor =>
  new Monitor({
    version,
    identity: config.identity,
    cluster: config.cluster,
    instance: config.instance,
    configFile: resolve(file),
    interval: () => (offline ? 0 : interval()),
    links: links.used,
    everLinks: links.ever,
    networks: () => links.networks(),
    claims: claims() !== undefined,
    conflicts: () => (conflict?.isNeeded ? conflict.conflicts().length : undefined),
    lists,
    troubles: () => sharingTroubles({ claims: claims(), conflict }),
    pages: new Map([
      ['/inventory', page],
      ['/status', () => json(200, publicStatus(document()))],
    ]),
    certificates: () => rotation.certificates(),
    refusedFiles: () => rotation.refused().map(({ link }) => link),
    stats: bridge.stats,
    observe: (observer) => void bridge.observe(observer),
    inFlight: () => bridge.inFlight,
    audit: () => audit.states(),
    silentNodes: (route) => bridge.silentNodes(route),
    reloads: () => reloads.counts(),
    log,
    clock,
    ...(http !== undefined && { http }),
  });

/**
 * Serves metrics and health over HTTP, if the configuration says so.
 * @throws ConfigError for an address that the file gives and that cannot be had. A second bridge on one machine
 *   whose file does not name an address runs without: its work is more important.
 */
export const serve = async (
  monitor: Monitor,
  loaded: LoadedConfig,
  { log, http }: Services,
): Promise<HttpServer | undefined> => {
  const configured = loaded.config.http;
  if (configured === undefined || http === undefined) return undefined;
  const { host, port, given } = configured;
  const address = addressText(configured);
  try {
    const server = await monitor.listen(host, port);
    log.info({ event: 'http', url: server.url }, 'metrics and health over http');
    return server;
  } catch (error) {
    const message = `${address} ${listenFailure(error)}`;
    if (given) throw fileProblem(loaded, ['http', 'listen'], message, error);
    log.warn({ event: 'http', listen: address }, `no metrics and health over http: ${message} (http.listen)`);
    return undefined;
  }
};
