import type { Log } from '../bridge/log.ts';
import type { Stats } from '../bridge/stats.ts';
import { type StatsDocument, statsObject } from '../wire/choria/stats.ts';
import { linkStats, makeDocument } from './document.ts';
import { type Health, healthOf, type Phase } from './health.ts';
import { type HttpServer, json, type Page, startHttp, text } from './http.ts';
import type { MeteredLink } from './meter.ts';
import { createMetrics } from './metrics.ts';
import { startPublisher } from './publisher.ts';

export interface MonitorOptions {
  readonly version: string;
  readonly identity: string;
  readonly cluster: string;
  readonly instance: string;
  readonly configFile: string;
  /** Seconds between published documents; 0: none. */
  readonly interval: number;
  readonly links: readonly MeteredLink[];
  readonly stats: Stats;
  readonly inFlight: () => number;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** Says how a bridge is: by documents on the federation network, and over HTTP. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #started: number;
  #phase: Phase = 'starting';
  #requests = 0;
  #http: HttpServer | undefined;
  #publisher: { stop(): void } | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#started = options.clock();
  }

  health(): Health {
    return healthOf(this.#options.links, this.#phase);
  }

  /** What is published for one cluster; the bridge's own unless said otherwise. */
  document(cluster: string = this.#options.cluster, now: number = this.#options.clock()): StatsDocument {
    const sources = {
      ...this.#options,
      started: this.#started,
      health: () => this.health(),
      httpRequests: () => this.#requests,
    };
    return makeDocument(sources, cluster, now);
  }

  /**
   * Serves `/metrics`, `/stats`, `/healthz` and `/readyz`; before the bridge is started, so that a start that takes
   * long can be looked at.
   * @throws Error of the socket, e.g. with code `EADDRINUSE`
   */
  async listen(host: string, port: number): Promise<string> {
    const { log } = this.#options;
    const metrics = createMetrics({ ...this.#options, health: () => this.health() });
    const metricsPage = async (): Promise<Page> => ({
      status: 200,
      type: metrics.contentType,
      body: await metrics.metrics(),
    });
    this.#http = await startHttp({
      host,
      port,
      pages: new Map<string, () => Page | Promise<Page>>([
        ['/metrics', metricsPage],
        // Where go-choria has them, so that a scrape job goes on working.
        ['/choria/prometheus', metricsPage],
        ['/stats', () => this.#statsPage()],
        ['/healthz', () => text(200, 'ok')],
        ['/readyz', () => this.#readyPage()],
      ]),
      onError: (error) => log.error({ err: error }, 'http error'),
    });
    return this.#http.url;
  }

  /** The bridge takes requests: documents are published from now on. */
  running(): void {
    const { interval, links, clock, log } = this.#options;
    this.#phase = 'running';
    if (interval === 0) return;
    this.#publisher = startPublisher({
      links: links.filter(({ side }) => side === 'federation'),
      interval: interval * 1000,
      clock,
      document: (cluster, now) => this.document(cluster, now),
      log,
    });
  }

  /** The bridge takes no more requests; it is told on until `close`. */
  draining(): void {
    this.#phase = 'draining';
  }

  async close(): Promise<void> {
    this.#publisher?.stop();
    await this.#http?.close();
  }

  #statsPage(): Page {
    this.#requests++;
    const { links, cluster } = this.#options;
    const clusters = [...new Set(links.flatMap(({ clusters }) => clusters))];
    // One with its own name is there even where no ingress has it.
    const main = clusters.includes(cluster) ? cluster : (clusters[0] ?? cluster);
    const others = clusters.filter((one) => one !== main);
    return json(200, {
      ...statsObject(this.document(main)),
      ready: this.health(),
      all_links: links.map((link) => ({ ...linkStats(link), ...countsOf(link) })),
      ...(others.length > 0 && {
        clusters: Object.fromEntries(others.map((one) => [one, statsObject(this.document(one))])),
      }),
    });
  }

  #readyPage(): Page {
    const health = this.health();
    return json(health.ready ? 200 : 503, health);
  }
}

const countsOf = ({ sources, meter }: MeteredLink) => ({
  sources,
  received: meter.received,
  sent: meter.sent,
  refused: meter.refused,
  last_message: meter.lastMessage === undefined ? undefined : Math.floor(meter.lastMessage / 1000),
});
