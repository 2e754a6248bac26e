/** A number for each direction of one side of a broker: messages, or messages a second. */
export interface Flow {
  readonly received: number;
  readonly sent: number;
}

export type Side = 'federation' | 'collective';

export const SIDES: readonly Side[] = ['federation', 'collective'];

/** One instance's part of what its cluster did on one side. */
export interface ShareView extends Flow {
  readonly name: string;
  /** Percent of the cluster's; 0 where the cluster did nothing yet. */
  readonly receivedShare: number;
  readonly sentShare: number;
  /** Messages a second between its last two documents; null without two that belong together. */
  readonly rates: Flow | null;
}

/** One side of all instances; what a stale one last said is still counted, as its work was done. */
export interface SideView extends Flow {
  /** Sum over the instances that are not stale; null where none has a rate. */
  readonly rates: Flow | null;
  readonly instances: readonly ShareView[];
}

/** Where an instance is connected to on one side. */
export interface ConnectionView {
  /** Null while it is not connected. */
  readonly server: string | null;
  /** Ms since the epoch by the instance's own clock; null when there was no message yet. */
  readonly lastMessage: number | null;
}

export interface InstanceView {
  /** Its own name; `name#1`, `name#2` where several processes use the same. */
  readonly name: string;
  readonly version: string;
  readonly status: string;
  /** Ms since the epoch by the instance's own clock; null where it does not say. */
  readonly started: number | null;
  readonly connections: Readonly<Record<Side, ConnectionView>>;
  /** Ms between its documents. */
  readonly interval: number;
  /** Ms since its last document. */
  readonly silent: number;
  /** Silent for three intervals. */
  readonly stale: boolean;
  /** Its last document is the first after a restart. */
  readonly restarted: boolean;
  /** How many refused messages by reason code; null where its documents don't say, as those of the Ruby broker. */
  readonly rejected: Readonly<Record<string, number>> | null;
  readonly expired: number | null;
  /** Connections of its own that are down, where its documents say. */
  readonly linksDown: readonly { readonly name: string; readonly reason: string }[];
}

/** What is known of a cluster at one moment. */
export interface ClusterView {
  readonly cluster: string;
  /** Ms since the epoch. */
  readonly at: number;
  /** Ms between documents, as far as known: the longest of the instances'. */
  readonly interval: number;
  readonly federation: SideView;
  readonly collective: SideView;
  readonly instances: readonly InstanceView[];
  /** Documents that cannot be read, and what was wrong with the last. */
  readonly malformed: { readonly count: number; readonly last: string | null };
  /** What an operator should look at, in sentences. */
  readonly notes: readonly string[];
}
