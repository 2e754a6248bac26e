import type { OtherInstance } from '../telemetry/instances.ts';
import { publicStatus, type StatusDocument } from '../telemetry/status/document.ts';
import type { Fleet } from './fleet.ts';
import type { Latency } from './latencies.ts';

/** How the bridge is now, for the page. */
export interface PageState {
  readonly status: StatusDocument;
  /** Messages that have gone through each link, by its name and side. */
  readonly passed: readonly {
    readonly name: string;
    readonly side: string;
    readonly received: number;
    readonly sent: number;
  }[];
  /** Of the last minute. */
  readonly latencies: readonly Latency[];
  /** Nodes, by collective and side. */
  readonly fleets: readonly Fleet[];
  /** The other instances of the cluster, as far as they say that they are there. */
  readonly others: readonly OtherInstance[];
}

/** Ms that latencies are of. */
export const LATENCY_MS = 60_000;

/** Why messages were refused, in words, without what strangers say of themselves: the audit names nobody whom nobody verified. */
export const shownStatus = (status: StatusDocument): StatusDocument => ({
  ...publicStatus(status),
  refusals: status.refusals.map((it) => ({
    ...it,
    last: it.last.map(({ at, stage, sentence }) => ({ at, stage, sentence })),
  })),
});
