import { Counter, type Registry, Summary } from 'prom-client';
import type { Stats, Timing } from '../bridge/stats.ts';
import type { MeteredLink, Side } from './meter.ts';

/** One of the workers that go-choria's broker has, as its metrics name them (broker/federation/stats). */
interface Worker {
  readonly name: 'nats_ingest' | 'nats_egest' | 'choria_request_transformer' | 'choria_reply_transformer';
  /** Transformers are connected to nothing. */
  readonly connectedTo: Side | 'unconnected';
  readonly received: number;
  /** Undefined where go-choria has no such series. */
  readonly published: number | undefined;
  readonly errors: number;
  readonly time: Timing;
}

const SIDES = ['federation', 'collective'] as const;
const LABELS = ['name', 'worker', 'connected_to', 'cluster', 'identity'] as const;

/** The part of this bridge that does what a worker of go-choria's broker does. */
const workersOf = (links: readonly MeteredLink[], stats: Stats): readonly Worker[] => {
  const counts = stats.snapshot();
  const errors = stats.errors();
  const { request, reply } = stats.timing;
  const ends = SIDES.flatMap((side): readonly Worker[] => {
    const total = { received: 0, sent: 0, sendErrors: 0, receivedSeconds: 0, sentSeconds: 0 };
    for (const { meter } of links.filter((link) => link.side === side)) {
      total.received += meter.received;
      total.sent += meter.sent;
      total.sendErrors += meter.sendErrors;
      total.receivedSeconds += meter.receivedSeconds;
      total.sentSeconds += meter.sentSeconds;
    }
    const attempts = total.sent + total.sendErrors;
    return [
      {
        name: 'nats_ingest',
        connectedTo: side,
        received: total.received,
        published: undefined,
        errors: side === 'federation' ? errors.request_in : errors.reply_in,
        time: { count: total.received, seconds: total.receivedSeconds },
      },
      {
        name: 'nats_egest',
        connectedTo: side,
        received: attempts,
        published: total.sent,
        errors: total.sendErrors,
        time: { count: attempts, seconds: total.sentSeconds },
      },
    ];
  });
  return [
    ...ends,
    {
      name: 'choria_request_transformer',
      connectedTo: 'unconnected',
      received: counts.requestsReceived,
      published: undefined,
      errors: errors.request,
      time: request,
    },
    {
      name: 'choria_reply_transformer',
      connectedTo: 'unconnected',
      received: counts.repliesReceived,
      published: undefined,
      errors: errors.reply,
      time: reply,
    },
  ];
};

export interface ChoriaMetricsOptions {
  readonly registry: Registry;
  readonly cluster: string;
  readonly identity: string;
  readonly links: readonly MeteredLink[];
  readonly stats: Stats;
}

type Labels = Record<(typeof LABELS)[number], string>;

/** A summary whose sums are kept elsewhere. Like go-choria's it has no quantiles. */
class PlainSummary extends Summary<keyof Labels> {
  readonly #name: string;
  readonly #timings: () => readonly (readonly [Labels, Timing])[];

  constructor(
    name: string,
    help: string,
    registry: Registry,
    timings: () => readonly (readonly [Labels, Timing])[],
  ) {
    super({ name, help, labelNames: LABELS, percentiles: [], registers: [registry] });
    this.#name = name;
    this.#timings = timings;
  }

  override async get(): ReturnType<Summary<keyof Labels>['get']> {
    return {
      ...(await super.get()),
      values: this.#timings().flatMap(([labels, { count, seconds }]) => [
        { metricName: `${this.#name}_sum`, labels, value: seconds },
        { metricName: `${this.#name}_count`, labels, value: count },
      ]),
    };
  }
}

/** Metrics with the names and labels of go-choria's Federation Broker, so that its dashboards and alerts go on working. */
export const registerChoriaMetrics = (options: ChoriaMetricsOptions): void => {
  const { registry, cluster, identity, links, stats } = options;
  const labels = ({ name, connectedTo }: Worker): Labels => ({
    name,
    // go-choria has ten of each; here one does it all.
    worker: '0',
    connected_to: connectedTo,
    cluster,
    identity,
  });
  const counter = (name: string, help: string, value: (worker: Worker) => number | undefined): void => {
    new Counter({
      name,
      help,
      labelNames: LABELS,
      registers: [registry],
      collect() {
        this.reset();
        for (const worker of workersOf(links, stats)) {
          const count = value(worker);
          if (count !== undefined) this.inc(labels(worker), count);
        }
      },
    });
  };
  counter(
    'choria_federation_received_msgs',
    'Number of messages received by a Federation Broker worker',
    ({ received }) => received,
  );
  counter(
    'choria_federation_published_msgs',
    'Number of messages published by a Federation Broker worker',
    ({ published }) => published,
  );
  counter('choria_federation_errors', 'Messages that could not be handled', ({ errors }) => errors);
  new PlainSummary('choria_federation_time', 'Time taken to process messages', registry, () =>
    workersOf(links, stats).map((worker) => [labels(worker), worker.time]),
  );
};
