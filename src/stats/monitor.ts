import type { Log } from '../bridge/log.ts';
import type { BridgeObserver } from '../bridge/observer.ts';
import type { Stats } from '../bridge/stats.ts';
import type { ClusterMember, Membership } from '../cluster/membership.ts';
import { type StatsDocument, statsObject } from '../wire/choria/stats.ts';
import type { MemberStats } from '../wire/choria/stats-member.ts';
import { linkStats, makeDocument } from './document.ts';
import { type Health, healthOf, type Phase } from './health.ts';
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
  /** How instances share requests of which each gets a copy. It publishes documents on its link itself. */
  readonly membership?: Membership | undefined;
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
    return healthOf(this.#options.links, this.#phase, this.#options.membership);
  }

  /** What is published for one cluster; the bridge's own unless said otherwise. */
  document(
    cluster: string = this.#options.cluster,
    now: number = this.#options.clock(),
    member?: MemberStats,
  ): StatsDocument {
    const sources = {
      ...this.#options,
      interval: this.#interval,
      started: this.#started,
      health: () => this.health(),
      httpRequests: () => this.#requests,
    };
    return makeDocument(sources, cluster, now, member);
  }

  /**
   * Serves `/metrics`, `/stats`, `/healthz` and `/readyz`; before the bridge is started, so that a start that takes
   * long can be looked at.
   * @throws Error of the socket, e.g. with code `EADDRINUSE`
   */
  async listen(host: string, port: number): Promise<string> {
    const { log, membership } = this.#options;
    const metrics = createMetrics({
      ...this.#options,
      health: () => this.health(),
      ...(membership !== undefined && { members: () => membership.count() }),
    });
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

  /**
   * The links are open: takes part in the cluster, where requests are shared so.
   * @returns once this instance takes its share
   * @throws LinkError where the broker refuses the subscription, or after `leave`
   */
  async join(): Promise<void> {
    const { membership, clock } = this.#options;
    await membership?.start((member) => this.document(membership.cluster, clock(), member));
  }

  /** The bridge takes requests: documents are published from now on. */
  running(): void {
    this.#phase = 'running';
    this.publish();
  }

  /** Publishes where that is to be done now, and listens to others there; again where the links have changed. */
  publish(): void {
    const { links, networks, membership, clock, log } = this.#options;
    this.#publisher?.stop();
    this.#endNeighbours();
    if (this.#phase !== 'running' || this.#interval === 0) return;
    const places = (networks?.() ?? links.filter(({ side }) => side === 'federation')).flatMap((link) =>
      link.clusters.map((cluster) => ({ link, cluster })),
    );
    this.#endNeighbours = watchNeighbours({
      places,
      ingresses: (cluster) => [...new Set(this.document(cluster).bridge?.routes.map(({ from }) => from))],
      log,
    });
    this.#publisher = startPublisher({
      places: places.filter(
        ({ link, cluster }) => link !== membership?.link || cluster !== membership.cluster,
      ),
      interval: this.#interval * 1000,
      clock,
      document: (cluster, now) => this.document(cluster, now),
      log,
    });
  }

  /** Hands this instance's share over to the others. @returns once they have it; while there are none, at once */
  async leave(): Promise<void> {
    await this.#options.membership?.stop();
  }

  /** The bridge takes no more requests; it is told on until `close`. */
  draining(): void {
    this.#phase = 'draining';
  }

  async close(): Promise<void> {
    this.#publisher?.stop();
    await this.leave();
    await this.#http?.close();
  }

  /** Seconds between documents. Members of a cluster need to hear of each other more often than people look. */
  get #interval(): number {
    const { interval, membership } = this.#options;
    return membership === undefined ? interval : Math.ceil(membership.interval / 1000);
  }

  #statsPage(): Page {
    this.#requests++;
    const { links, cluster, membership } = this.#options;
    const clusters = [...new Set(links.flatMap(({ clusters }) => clusters))];
    // One with its own name is there even where no ingress has it.
    const main = clusters.includes(cluster) ? cluster : (clusters[0] ?? cluster);
    const others = clusters.filter((one) => one !== main);
    return json(200, {
      ...statsObject(this.document(main)),
      ready: this.health(),
      all_links: links.map((link) => ({ ...linkStats(link), ...countsOf(link) })),
      ...(membership !== undefined && { members: membership.members().map(shownMember) }),
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

const shownMember = ({
  instance,
  process,
  since,
  until,
  hearsAll,
  lastHeard,
  isSelf,
  takesPart,
}: ClusterMember) => ({
  instance,
  process,
  self: isSelf,
  takes_requests: takesPart,
  since: Math.floor(since / 1000),
  until: until === undefined ? undefined : Math.floor(until / 1000),
  hears_all: hearsAll,
  last_heard: Math.floor(lastHeard / 1000),
});

const countsOf = ({ sources, meter }: MeteredLink) => ({
  sources,
  received: meter.received,
  sent: meter.sent,
  refused: meter.refused,
  last_message: meter.lastMessage === undefined ? undefined : Math.floor(meter.lastMessage / 1000),
});
