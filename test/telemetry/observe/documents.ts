import { readFileSync } from 'node:fs';
import { decodeStats, type StatsDocument } from '../../../src/adapters/choria/wire/stats.ts';

export interface RecordSource {
  /** Ms since the epoch. */
  readonly at: number;
  readonly payload: string;
}

const capture = new URL('../../../fixtures/captures/choria-v1-federated.ndjson', import.meta.url);

/** The statistics documents of two Ruby Federation Brokers, as they came over the wire. */
export const captured: readonly RecordSource[] = readFileSync(capture, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): RecordSource & { readonly subject: string } => JSON.parse(line))
  .filter(({ subject }) => subject === 'choria.federation.production.stats');

type Counters = readonly [received: number, sent: number];

export interface Synthetic {
  readonly instance?: string;
  readonly cluster?: string;
  /** Unix seconds. */
  readonly started?: number;
  readonly federation?: Counters;
  readonly collective?: Counters;
  /** Unix seconds. */
  readonly lastMessage?: number;
  readonly bridge?: object;
  readonly status?: string;
}

const side = ([received, sent]: Counters, server: string, lastMessage: number): object => ({
  source: 'choria.federation.production',
  received,
  sent,
  last_message: lastMessage,
  connected_server: server,
  work_queue: 0,
});

/** A document as it is published: the Ruby broker's, or with `bridge` one of ours. */
export const documentText = ({
  instance = '1',
  cluster = 'production',
  started = 1_000,
  federation = [0, 0],
  collective = [0, 0],
  lastMessage = 0,
  status = 'OK',
  bridge,
}: Synthetic = {}): string =>
  JSON.stringify({
    version: '0.6.0',
    start_time: started,
    cluster,
    instance,
    config_file: '/etc/choria/federation.cfg',
    status,
    threads: {},
    collective: side(collective, 'nats://collective.example.net:4222', lastMessage),
    federation: side(federation, 'nats://federation.example.net:4222', lastMessage),
    '/stats': { requests: 0 },
    ...(bridge === undefined ? {} : { bridge }),
  });

export const document = (synthetic?: Synthetic): StatsDocument =>
  decodeStats(Buffer.from(documentText(synthetic)));

/** The two instances of the table that the federation documentation shows. */
export const SAMPLE: readonly Synthetic[] = [
  { instance: '1', federation: [533, 6192], collective: [6192, 533] },
  { instance: '2', federation: [491, 6096], collective: [6096, 491] },
];

/** How `mco federation observe` begins for {@link SAMPLE}. */
export const SAMPLE_TABLE = `Federation Broker: production

Federation
  Totals:
    Received: 1024  Sent: 12288

  Instances:
    1: Received: 533 (52.1%) Sent: 6192 (50.4%)
    2: Received: 491 (47.9%) Sent: 6096 (49.6%)

Collective
  Totals:
    Received: 12288  Sent: 1024

  Instances:
    1: Received: 6192 (50.4%) Sent: 533 (52.1%)
    2: Received: 6096 (49.6%) Sent: 491 (47.9%)

`;
