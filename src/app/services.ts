import type { FlowSource } from '../bridge/flow.ts';
import type { RunningRecording } from '../capture/record/transports.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { Log } from '../envelope/log.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { startHttp } from '../telemetry/http.ts';
import type { LinkPlace } from '../transport/spec.ts';
import type { Transports } from '../transport/transports.ts';

/**
 * What an app does not find in its configuration, and what differs between a process of its own, one of several apps in a
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
  /** Told of all that the bridge does, beside the log and the counters. */
  readonly observers?: readonly Partial<BridgeObserver>[];
  /** Of all that goes through the links; begun once the app takes requests, closed with it. */
  readonly recordings?: readonly RunningRecording[];
  /** Serves the address that the configuration has; where it is not given nothing is served. */
  readonly http?: typeof startHttp;
  /**
   * There is no network, and time stands still between messages: files that only connections need are not read, no other
   * instance gets copies of requests, nobody is asked who is there, and no statistics are published.
   */
  readonly offline?: true;
  /** How long a request that comes as one message a node waits for further ones, in ms. */
  readonly collect?: number;
}
