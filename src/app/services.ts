import type { FlowSource } from '../bridge/flow.ts';
import type { RunningRecording } from '../capture/record/transports.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { Exchange } from '../control/held.ts';
import type { Orders, startControl } from '../control/server.ts';
import type { Log } from '../envelope/log.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { startPage } from '../page/server.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { startHttp } from '../telemetry/http.ts';
import type { LinkPlace } from '../transport/spec.ts';
import type { Transports } from '../transport/transports.ts';
import type { AppAuditOptions } from './audit/audit.ts';

/**
 * What an app does not find in its configuration, and what differs between an app with its own process, one of several in a
 * process, a demo and a replay. An app uses nothing that is global.
 */
export interface Services {
  readonly log: Log;
  /** The program's, for statistics. */
  readonly version: string;
  /** Ms since the epoch; `Date.now` unless given. */
  readonly clock?: () => number;
  /** From 0 up to 1; `Math.random` unless given. */
  readonly random?: () => number;
  /** Where the ids come from that the bridge gives to requests; chance unless given. */
  readonly flows?: FlowSource;
  /** Real brokers unless given. */
  readonly transports?: Transports;
  /** Reads the certificates and keys that the configuration names; from disk unless given. */
  readonly keys?: KeyFiles;
  /** Those of one side, where they are others. */
  readonly sideKeys?: (place: LinkPlace) => KeyFiles;
  /** The name in the cluster, in the place of the configuration's. */
  readonly instance?: string;
  /** Processes that run this configuration on this host; one unless given. */
  readonly workers?: number;
  /** Of an audit, what is not this machine's disk and standard output. */
  readonly audit?: Pick<AppAuditOptions, 'disk' | 'print'>;
  /** How often files that the configuration names are looked at, and within which time changes are taken over, in ms. */
  readonly fileTimes?: { readonly every: number; readonly within: number };
  /** They get all that the bridge does, beside the log and the counters. */
  readonly observers?: readonly Partial<BridgeObserver>[];
  /** A recording of all messages of the links; begun once the app takes requests, closed with it. */
  readonly recordings?: readonly RunningRecording[];
  /** Serves the address of the configuration; without it there is no HTTP. */
  readonly http?: typeof startHttp;
  /** Serves the live page where the configuration says; without it there is none. */
  readonly page?: typeof startPage;
  /** Reads the configuration anew, for a reload. */
  readonly load?: () => Promise<LoadedConfig>;
  /** Makes the socket at which the app takes orders; where it is not given none are taken. */
  readonly control?: typeof startControl;
  /** Where that is, if the configuration does not say it. */
  readonly controlSocket?: string;
  /** Orders that are carried out beside the app's own. */
  readonly orders?: Orders;
  /** Has the log follow another configuration. @throws ConfigError where it cannot */
  readonly followLog?: (loaded: LoadedConfig) => Promise<Exchange>;
  /**
   * There is no network, and time stands still between messages: files that only connections need are not read, no other
   * instance gets copies of requests, no node is asked who is there, and no statistics are published.
   */
  readonly offline?: true;
  /** How long a request that comes as one message a node waits for further ones, in ms. */
  readonly collect?: number;
}
