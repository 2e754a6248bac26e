import { type StatsDocument, statsObject } from '../adapters/choria/wire/stats.ts';
import type { Stats } from '../bridge/stats.ts';
import type { Log } from '../envelope/log.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import { linkStats, makeDocument } from './document.ts';
import { type Health, healthOf, type Phase, type Trouble } from './health.ts';
import { type HttpServer, json, type Page, startHttp, text } from './http.ts';
import type { MeteredLink } from './meter.ts';
import { createMetrics } from './metrics.ts';
import { watchNeighbours } from './neighbours.ts';
import { startPublisher } from './publisher.ts';

export interface MonitorOptions {
  readonly version: string;
  readonly identity: string;
  readonly cluster: string;
  readonly instance: string;
  readonly configFile: string;
  /** Seconds between published documents; 0: none. */
  readonly interval: number;
  /** Those of now: the list changes with the configuration. */
  readonly links: readonly MeteredLink[];
  /** Those, and the ones that were there before, whose counts stay. */
  readonly everLinks?: readonly MeteredLink[];
  /** Links to NATS on which documents are published; the federation's side unless said otherwise. */
  readonly networks?: () => readonly MeteredLink[];
  /** What is wrong with how instances share what each gets a copy of. */
  readonly troubles?: (() => readonly Trouble[]) | undefined;
  /** Instances that handle the same broadcasts as this one; undefined while it need not be the only one. */
  readonly conflicts?: (() => number | undefined) | undefined;
  /** Whether broadcasts are claimed. */
  readonly claims?: boolean;
  /** Further pages over HTTP, by their paths. */
  readonly pages?: ReadonlyMap<string, () => Page>;
  readonly stats: Stats;
  readonly observe: (observer: Partial<BridgeObserver>) => void;
  readonly inFlight: () => number;
  readonly silentNodes: (route: string) => number;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** What serves the pages; a server of its own unless given. */
  readonly http?: typeof startHttp;
}

/** Says how a bridge is: by documents on the federation network, and over HTTP. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #started: number;
  #phase: Phase = 'starting';
  #requests = 0;
  #http: HttpServer | undefined;
  #publisher: { stop(): void } | undefined;
  #endNeighbours: () => void = () => undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#started = options.clock();
  }

  health(): Health {
    return healthOf(this.#options.links, this.#phase, this.#options.troubles?.());
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
    const start = this.#options.http ?? startHttp;
    this.#http = await start({
      host,
      port,
      pages: new Map<string, () => Page | Promise<Page>>([
        ['/metrics', metricsPage],
        // Where go-choria has them, so that a scrape job goes on working.
        ['/choria/prometheus', metricsPage],
        ['/stats', () => this.#statsPage()],
        ['/healthz', () => text(200, 'ok')],
        ['/readyz', () => this.#readyPage()],
        ...(this.#options.pages ?? []),
      ]),
      onError: (error) => log.error({ event: 'http_error', err: error }, 'http error'),
    });
    return this.#http.url;
  }

  /** The bridge takes requests: documents are published from now on. */
  running(): void {
    this.#phase = 'running';
    this.publish();
  }

  /** Publishes where that is to be done now, and listens to others there; again where the links have changed. */
  publish(): void {
    const { links, networks, interval, clock, log } = this.#options;
    this.#publisher?.stop();
    this.#endNeighbours();
    if (this.#phase !== 'running' || interval === 0) return;
    const places = (networks?.() ?? links.filter(({ side }) => side === 'federation')).flatMap((link) =>
      link.clusters.map((cluster) => ({ link, cluster })),
    );
    this.#endNeighbours = watchNeighbours({
      places,
      ingresses: (cluster) => [...new Set(this.document(cluster).bridge?.routes.map(({ from }) => from))],
      log,
    });
    this.#publisher = startPublisher({
      places,
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
