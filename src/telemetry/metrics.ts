import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RouteCounts, Stats } from '../bridge/stats.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import { REJECTION_CODES } from '../envelope/rejection.ts';
import { type AuditSinkState, registerAuditMetrics } from './audit-metrics.ts';
import { type CertificateUse, registerCertificateMetrics } from './certificate-metrics.ts';
import { registerChoriaMetrics } from './choria-metrics.ts';
import type { Health } from './health.ts';
import type { MeteredLink } from './meter.ts';
import { registerPolicyMetrics } from './policy-metrics.ts';

export interface MetricsOptions {
  readonly version: string;
  readonly identity: string;
  readonly cluster: string;
  readonly instance: string;
  /** Those of now: the list may change. */
  readonly links: readonly MeteredLink[];
  /** Those and earlier ones, whose counts stay; the same unless given. */
  readonly everLinks?: readonly MeteredLink[];
  /** When certificates end that are in use. */
  readonly certificates?: (() => readonly CertificateUse[]) | undefined;
  /** Links whose changed files cannot be used. */
  readonly refusedFiles?: (() => readonly string[]) | undefined;
  readonly stats: Stats;
  /** How the bridge reports what it does. */
  readonly observe: (observer: Partial<BridgeObserver>) => void;
  readonly inFlight: () => number;
  /** Nodes of a route that leave request after request without an answer, while others answer. */
  readonly silentNodes: (route: string) => number;
  readonly health: () => Health;
  /** Instances that handle the same broadcasts as this one; undefined while it need not be the only one. */
  readonly conflicts?: (() => number | undefined) | undefined;
  /** Files with revocation lists, and when the next of each is due, in ms since the epoch. */
  readonly lists?: (() => readonly ListFile[]) | undefined;
  /** Whether broadcasts are claimed here. */
  readonly claims?: boolean;
  readonly reloads?: () => ReloadCounts;
  /** Where the audit goes. */
  readonly audit?: () => readonly AuditSinkState[];
}

/** How the configuration in force came to be. */
export interface ReloadCounts {
  readonly ok: number;
  readonly refused: number;
  /** Whether the last attempt was one that could be used; where there was none, the start was. */
  readonly lastSuccessful: boolean;
  /** Since when the configuration is in force, in ms since the epoch. */
  readonly loadedAt: number;
}

export interface ListFile {
  readonly file: string;
  readonly nextUpdate: number;
}

/** From a fast agent next door to what a request waits for at most by default. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** From a server next door to when a claim is given up. */
const CLAIM_DURATIONS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];

/**
 * The metrics of one bridge. What changes with every message is counted in plain numbers, which are only read when
 * somebody asks for the metrics.
 */
export const createMetrics = (options: MetricsOptions): Registry => {
  const { version, identity, cluster, instance, links, stats } = options;
  const registry = new Registry();

  const counter = <T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    read: () => Iterable<readonly [Record<T, string>, number]>,
  ): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  };
  const gauge = <T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    read: () => Iterable<readonly [Record<T, string>, number]>,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        // Without labels it is 0 again, which it is not where there is no value.
        if (labelNames.length === 0) this.remove();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  };
  const none = (value: number): readonly [readonly [Record<never, string>, number]] => [[{}, value]];
  const byRoute =
    (read: (counts: RouteCounts) => readonly (readonly [string, number])[]) =>
    (): readonly (readonly [Record<'route' | 'direction', string>, number])[] =>
      stats
        .routes()
        .flatMap((counts) =>
          read(counts).map(([direction, value]): readonly [Record<'route' | 'direction', string>, number] => [
            { route: counts.name, direction },
            value,
          ]),
        );
  const byLink =
    (read: (link: MeteredLink) => number) =>
    (): readonly (readonly [Record<'link' | 'side', string>, number])[] =>
      links.map((link) => [{ link: link.name, side: link.side }, read(link)]);
  const count = (name: 'errorsSent' | 'expired') => () => none(stats.snapshot()[name]);

  registerChoriaMetrics({ registry, cluster, identity, links: options.everLinks ?? links, stats });
  registerCertificateMetrics(gauge, options);
  registerPolicyMetrics(counter, stats);
  registerAuditMetrics(counter, gauge, options);
  counter(
    'mcbridge_requests_total',
    'Requests that belong to a route: received, and of those sent on',
    ['route', 'direction'],
    byRoute((it) => [
      ['received', it.requestsReceived],
      ['sent', it.requestsSent],
    ]),
  );
  counter(
    'mcbridge_targets_total',
    'Targets of the requests that were sent on; a broadcast counts as one',
    ['route'],
    () => stats.routes().map((it) => [{ route: it.name }, it.targetsSent]),
  );
  counter(
    'mcbridge_replies_total',
    'Replies that belong to a route: received, and of those sent home',
    ['route', 'direction'],
    byRoute((it) => [
      ['received', it.repliesReceived],
      ['sent', it.repliesSent],
    ]),
  );
  counter(
    'mcbridge_ignored_total',
    'Messages that were left to others: other instances, or nodes that answer by themselves; or put there by a bridge',
    ['reason'],
    () => Object.entries(stats.snapshot().ignored).map(([reason, value]) => [{ reason }, value]),
  );
  if (options.claims)
    counter(
      'mcbridge_claims_total',
      'Claims of what every instance gets a copy of, by what became of them: won, lost to another instance, or unknown',
      ['result'],
      () => Object.entries(stats.claims).map(([result, { count }]) => [{ result }, count]),
    );
  const { conflicts } = options;
  if (conflicts !== undefined)
    gauge(
      'mcbridge_share_conflict',
      'Whether another instance of the cluster handles the same broadcasts of legacy clients',
      [],
      () => {
        const others = conflicts();
        return others === undefined ? [] : none(others > 0 ? 1 : 0);
      },
    );
  // All of them from the start: Prometheus sees no increase in a series that begins with 1.
  counter('mcbridge_rejected_total', 'Messages that were refused, by reason code', ['reason'], () => {
    const { rejected } = stats.snapshot();
    return REJECTION_CODES.map((reason) => [{ reason }, rejected[reason] ?? 0]);
  });
  counter(
    'mcbridge_expired_total',
    'Messages whose ttl ended while they waited for a broker',
    [],
    count('expired'),
  );
  counter(
    'mcbridge_error_replies_total',
    'RPC errors that the bridge itself answered with',
    [],
    count('errorsSent'),
  );
  gauge(
    'mcbridge_link_up',
    'Whether the ingress or egress is connected',
    ['link', 'side'],
    byLink(({ raw }) => (raw.state().up ? 1 : 0)),
  );
  gauge(
    'mcbridge_buffered_messages',
    'Messages that wait for the connection of an ingress or egress, or for it to take more',
    ['link', 'side'],
    byLink(({ raw }) => raw.state().buffered),
  );
  gauge(
    'mcbridge_requests_in_flight',
    'Requests on their way out, or waiting for a node that was named',
    [],
    () => none(options.inFlight()),
  );
  gauge(
    'mcbridge_silent_nodes',
    'Nodes that were named in ten requests or more in a row and of which this instance had no reply, while it had of others of the route',
    ['route'],
    () => stats.routes().map(({ name }) => [{ route: name }, options.silentNodes(name)]),
  );
  counter(
    'mcbridge_requests_without_replies_total',
    'Requests to an egress from which nothing that can be read came back, as the log tells of them (egress_silent)',
    ['egress'],
    () => [...stats.unanswered()].map(([egress, value]) => [{ egress }, value]),
  );
  gauge('mcbridge_ready', 'Whether every ingress and egress is connected and subscribed', [], () =>
    none(options.health().ready ? 1 : 0),
  );
  const { reloads } = options;
  if (reloads !== undefined) {
    counter(
      'mcbridge_config_reloads_total',
      'Reloads of the configuration, by what came of them',
      ['result'],
      () => {
        const { ok, refused } = reloads();
        return [
          [{ result: 'ok' }, ok],
          [{ result: 'refused' }, refused],
        ];
      },
    );
    gauge(
      'mcbridge_config_last_reload_successful',
      'Whether the last reload could be used; 0: the configuration before it is in force',
      [],
      () => none(reloads().lastSuccessful ? 1 : 0),
    );
    gauge('mcbridge_config_loaded_timestamp_seconds', 'Since when the configuration is in force', [], () =>
      none(reloads().loadedAt / 1000),
    );
  }
  gauge(
    'mcbridge_build_info',
    'Always 1; its labels say what runs',
    ['version', 'node', 'cluster', 'instance', 'identity'],
    () => [[{ version, node: process.version, cluster, instance, identity }, 1]],
  );
  const { lists } = options;
  if (lists !== undefined)
    gauge(
      'mcbridge_crl_next_update_timestamp_seconds',
      'When the next revocation list of a file is due, which ends the use of the one that is there',
      ['file'],
      () => lists().map(({ file, nextUpdate }) => [{ file }, nextUpdate / 1000]),
    );
  const durations = new Histogram({
    name: 'mcbridge_request_duration_seconds',
    help: 'From a request to its last reply, of requests that this instance took and that had one',
    labelNames: ['route'],
    buckets: DURATIONS,
    registers: [registry],
  });
  for (const { name } of stats.routes()) durations.zero({ route: name });
  const claimed =
    options.claims !== true
      ? undefined
      : new Histogram({
          name: 'mcbridge_claim_duration_seconds',
          help: 'From a broadcast of a legacy client to its claim, by what became of it',
          labelNames: ['result'],
          buckets: CLAIM_DURATIONS,
          registers: [registry],
        });
  for (const result of Object.keys(stats.claims)) claimed?.zero({ result });
  options.observe({
    claimed: ({ result, seconds }) => claimed?.observe({ result }, seconds),
    requestDone: ({ route, replies, duration }) => {
      if (route !== undefined && replies > 0) durations.observe({ route }, duration / 1000);
    },
  });
  collectDefaultMetrics({ register: registry });
  return registry;
};
