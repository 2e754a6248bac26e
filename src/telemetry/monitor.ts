import { type StatsDocument, statsObject } from '../adapters/choria/wire/stats.ts';
import type { Stats } from '../bridge/stats.ts';
import type { Log } from '../envelope/log.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { AuditSinkState } from './audit-metrics.ts';
import type { CertificateUse } from './certificate-metrics.ts';
import { linkStats, makeDocument } from './document.ts';
import { type Health, healthOf, type Phase, type Trouble } from './health.ts';
import { type HttpOptions, type HttpServer, json, type Page, startHttp, text } from './http.ts';
import { Instances, type OtherInstance, saidBy } from './instances.ts';
import type { MeteredLink } from './meter.ts';
import { createMetrics, type ListFile, type ReloadCounts } from './metrics.ts';
import { watchNeighbours } from './neighbours.ts';
import { startPublisher } from './publisher.ts';

export interface MonitorOptions {
  readonly version: string;
  readonly identity: string;
  readonly cluster: string;
  readonly instance: string;
  readonly configFile: string;
  /** Seconds between published documents, as it is now; 0: none. */
  readonly interval: () => number;
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
  /** Files with revocation lists. */
  readonly lists?: (() => readonly ListFile[]) | undefined;
  /** Whether broadcasts are claimed. */
  readonly claims?: boolean;
  /** Further pages over HTTP, by their paths. */
  readonly pages?: ReadonlyMap<string, () => Page>;
  /** When certificates end that are in use. */
  readonly certificates?: (() => readonly CertificateUse[]) | undefined;
  /** Links whose changed files cannot be used. */
  readonly refusedFiles?: (() => readonly string[]) | undefined;
  readonly stats: Stats;
  readonly observe: (observer: Partial<BridgeObserver>) => void;
  readonly inFlight: () => number;
  readonly silentNodes: (route: string) => number;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Where the audit goes. */
  readonly audit?: () => readonly AuditSinkState[];
  /** How the configuration in force came to be. */
  readonly reloads?: () => ReloadCounts;
  /** What serves the pages; a server of its own unless given. */
  readonly http?: typeof startHttp;
}

/** Says how a bridge is: by documents on the federation network, and over HTTP. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #started: number;
  #phase: Phase = 'starting';
  #requests = 0;
  #pages: HttpOptions['pages'] | undefined;
  #publisher: { stop(): void } | undefined;
  #endNeighbours: () => void = () => undefined;
  #instances: Instances | undefined;

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
      interval: this.#options.interval(),
      started: this.#started,
      health: () => this.health(),
      httpRequests: () => this.#requests,
    };
    return makeDocument(sources, cluster, now);
  }

  /**
   * Serves `/metrics`, `/stats`, `/healthz` and `/readyz`; before the bridge is started, so that a start that takes
   * long can be looked at. At another address it goes on with the same counts.
   * @throws Error of the socket, e.g. with code `EADDRINUSE`
   */
  listen(host: string, port: number): Promise<HttpServer> {
    const { log } = this.#options;
    this.#pages ??= this.#makePages();
    const start = this.#options.http ?? startHttp;
    return start({
      host,
      port,
      pages: this.#pages,
      onError: (error) => log.error({ event: 'http_error', err: error }, 'http error'),
    });
  }

  #makePages(): HttpOptions['pages'] {
    const metrics = createMetrics({ ...this.#options, health: () => this.health() });
    const metricsPage = async (): Promise<Page> => ({
      status: 200,
      type: metrics.contentType,
      body: await metrics.metrics(),
    });
    return new Map<string, () => Page | Promise<Page>>([
      ['/metrics', metricsPage],
      // Where go-choria has them, so that a scrape job goes on working.
      ['/choria/prometheus', metricsPage],
      ['/stats', () => this.#statsPage()],
      ['/healthz', () => text(200, 'ok')],
      ['/readyz', () => this.#readyPage()],
      ...(this.#options.pages ?? []),
    ]);
  }

  /** The bridge takes requests: documents are published from now on. */
  running(): void {
    this.#phase = 'running';
    this.publish();
  }

  /** Publishes where that is to be done now, and listens to others there; again where the links have changed. */
  publish(): void {
    const { links, networks, clock, log } = this.#options;
    const interval = this.#options.interval();
    this.#publisher?.stop();
    this.#endNeighbours();
    if (this.#phase !== 'running' || interval === 0) return;
    const places = (networks?.() ?? links.filter(({ side }) => side === 'federation')).flatMap((link) =>
      link.clusters.map((cluster) => ({ link, cluster })),
    );
    const { instance } = this.#options;
    if (places.length > 0) this.#instances ??= new Instances({ instance, interval: interval * 1000, clock });
    this.#endNeighbours = watchNeighbours({
      places,
      heard: (document) => this.#instances?.heard(document.instance, saidBy(document)),
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

  /** Other instances of the cluster; undefined where nobody can tell. */
  others(): number | undefined {
    return this.#instances?.others();
  }

  /** What they have said of themselves. */
  instances(): readonly OtherInstance[] {
    return this.#instances?.all() ?? [];
  }

  /** The bridge takes no more requests; it is told on until `close`. */
  draining(): void {
    this.#phase = 'draining';
  }

  /** Nothing is published any more, for the links are about to close; over HTTP it is told on. */
  stopPublishing(): void {
    this.#publisher?.stop();
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
  refused: meter.sendErrors,
  last_message: meter.lastMessage === undefined ? undefined : Math.floor(meter.lastMessage / 1000),
});
