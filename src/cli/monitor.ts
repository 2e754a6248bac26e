import { resolve } from 'node:path';
import type { Assembled } from '../app/assemble.ts';
import type { Log } from '../bridge/log.ts';
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { Monitor } from '../stats/monitor.ts';
import { listenFailure } from './listen-failure.ts';
import { version } from './version.ts';

/** What tells how an assembled bridge is. */
export const createMonitor = (
  { config, file }: LoadedConfig,
  { bridge, links, networks, membership, nodes }: Assembled,
  log: Log,
): Monitor =>
  new Monitor({
    version: version(),
    identity: config.identity,
    cluster: config.cluster,
    instance: config.instance,
    configFile: resolve(file),
    interval: config.statistics.interval,
    links,
    networks,
    membership,
    pages: new Map([['/inventory', nodes.page]]),
    stats: bridge.stats,
    observe: (observer) => void bridge.observe(observer),
    inFlight: () => bridge.inFlight,
    silentNodes: (route) => bridge.silentNodes(route),
    log,
    clock: Date.now,
  });

/**
 * Serves metrics and health over HTTP, where the configuration has it.
 * @throws ConfigError for an address that the file gives and that cannot be had. A second bridge on one machine
 *   whose file says nothing of it runs without: its work is more important.
 */
export const serve = async (
  monitor: Monitor,
  { config, file, at }: LoadedConfig,
  log: Log,
): Promise<void> => {
  if (config.http === undefined) return;
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
