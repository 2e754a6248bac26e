import { Rejection } from '../../../envelope/rejection.ts';
import { isObject, type JsonObject, parseObject, utf8 } from './fields.ts';
import { type BridgeStats, readBridge, writeBridge } from './stats-bridge.ts';
import { cleanText, count, moment } from './stats-fields.ts';

/** Where each instance of a cluster publishes its document, every 10 s by default. */
export const statsSubject = (cluster: string): string => `choria.federation.${cluster}.stats`;

const STATS_SUBJECT = /^choria\.federation\.[^.]+\.stats$/;

export const isStatsSubject = (subject: string): boolean => STATS_SUBJECT.test(subject);

/** One side of a broker: the federation, or the collective behind it. */
export interface SideStats {
  /** The subject or destination that it takes messages from. */
  readonly source: string;
  /** Messages taken: requests on the federation's side, replies on the collective's. */
  readonly received: number;
  /** Messages published there: replies on the federation's side, requests (one a target) on the collective's. */
  readonly sent: number;
  /** Unix seconds; undefined before the first. */
  readonly lastMessage: number | undefined;
  /** Undefined while it is not connected. */
  readonly connectedServer: string | undefined;
  /** Messages that wait to be published there. */
  readonly workQueue: number;
}

export interface ThreadStats {
  readonly alive: boolean;
  readonly status: string;
}

/**
 * What one instance says of itself: the document of the Ruby Federation Broker (choria 0.6,
 * `federation_broker/stats.rb`), with a part of this bridge's own.
 */
export interface StatsDocument {
  readonly version: string;
  /** Unix seconds; undefined where the document does not say. */
  readonly startTime: number | undefined;
  readonly cluster: string;
  readonly instance: string;
  readonly configFile: string;
  /** `OK`, or the Ruby broker's `CRITICAL` and `unknown`. */
  readonly status: string;
  readonly threads: ReadonlyMap<string, ThreadStats>;
  readonly collective: SideStats;
  readonly federation: SideStats;
  /** How often `/stats` has been asked for over HTTP. */
  readonly statsRequests: number;
  /** Undefined in documents of other brokers. */
  readonly bridge: BridgeStats | undefined;
}

/** Ruby's word for a side without a connection (`federation_broker/base.rb`, `connected_server`). */
const DISCONNECTED = 'disconnected';
/** A document of a bridge with hundreds of routes stays far below; what others publish there is not to fill memory. */
const MAX_BYTES = 1024 * 1024;
const WHAT = 'the statistics document';

const writeSide = (side: SideStats): JsonObject => ({
  source: side.source,
  received: side.received,
  sent: side.sent,
  // `mco federation observe` hands it to Time.at, which takes no null; 0 is what Ruby begins with.
  last_message: side.lastMessage ?? 0,
  connected_server: side.connectedServer ?? DISCONNECTED,
  work_queue: side.workQueue,
});

/** The document as the JSON object that is published, its keys in the Ruby broker's order. */
export const statsObject = (document: StatsDocument): JsonObject => ({
  version: document.version,
  start_time: document.startTime ?? 0,
  cluster: document.cluster,
  instance: document.instance,
  config_file: document.configFile,
  status: document.status,
  threads: Object.fromEntries(document.threads),
  collective: writeSide(document.collective),
  federation: writeSide(document.federation),
  '/stats': { requests: document.statsRequests },
  ...(document.bridge === undefined ? {} : { bridge: writeBridge(document.bridge) }),
});

export const encodeStats = (document: StatsDocument): Buffer =>
  Buffer.from(JSON.stringify(statsObject(document)));

const readSide = (document: JsonObject, name: string): SideStats => {
  const side = document[name];
  if (!isObject(side)) throw new Rejection('missing_field', `${WHAT} has no ${name}`);
  const what = `${name} of ${WHAT}`;
  const server = cleanText(side['connected_server'], `the connected_server in ${what}`);
  return {
    source: cleanText(side['source'], `the source in ${what}`),
    received: count(side['received'], `the received in ${what}`),
    sent: count(side['sent'], `the sent in ${what}`),
    lastMessage: moment(side['last_message'], `the last_message in ${what}`),
    connectedServer: server === '' || server === DISCONNECTED ? undefined : server,
    workQueue: count(side['work_queue'], `the work_queue in ${what}`),
  };
};

const readThreads = (value: unknown): ReadonlyMap<string, ThreadStats> => {
  const threads = new Map<string, ThreadStats>();
  if (!isObject(value)) return threads;
  for (const [name, thread] of Object.entries(value)) {
    if (!isObject(thread)) continue;
    // Ruby's status of a thread that has ended is false, or null after an exception.
    const status = thread['status'];
    threads.set(cleanText(name, 'a thread'), {
      alive: thread['alive'] === true,
      status: typeof status === 'string' ? cleanText(status, 'the status of a thread') : 'dead',
    });
  }
  return threads;
};

/**
 * A published document, of this bridge or of the Ruby broker, which has only what `StatsDocument` says without
 * `bridge`. What is not needed to tell instances apart and to count may be missing. Texts come without control
 * characters and cut to a length that can be shown.
 * @throws Rejection `too_large`, `malformed_json`, `missing_field` or `invalid_field`
 */
export const decodeStats = (bytes: Uint8Array): StatsDocument => {
  if (bytes.byteLength > MAX_BYTES)
    throw new Rejection(
      'too_large',
      `${WHAT} has ${bytes.byteLength} bytes, more than the ${MAX_BYTES} allowed`,
    );
  const document = parseObject(utf8(bytes, WHAT), WHAT);
  const named = (key: string): string => {
    const name = cleanText(document[key], `the ${key} of ${WHAT}`);
    if (name === '') throw new Rejection('missing_field', `${WHAT} has no ${key}`);
    return name;
  };
  const http = document['/stats'];
  return {
    cluster: named('cluster'),
    instance: named('instance'),
    version: cleanText(document['version'], `the version of ${WHAT}`),
    startTime: moment(document['start_time'], `the start_time of ${WHAT}`),
    configFile: cleanText(document['config_file'], `the config_file of ${WHAT}`),
    status: cleanText(document['status'], `the status of ${WHAT}`),
    threads: readThreads(document['threads']),
    collective: readSide(document, 'collective'),
    federation: readSide(document, 'federation'),
    statsRequests: isObject(http) ? count(http['requests'], `the requests to /stats of ${WHAT}`) : 0,
    bridge: readBridge(document['bridge'], WHAT),
  };
};
