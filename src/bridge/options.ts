import type { Audit } from '../envelope/audit.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { Claims, Egress } from '../envelope/port.ts';
import type { FlowSource } from './flow.ts';
import type { Route } from './routing.ts';
import type { Stats } from './stats.ts';
import type { WaitingLimits } from './waiting-room.ts';

export interface BridgeOptions {
  /** What the bridge calls itself where it answers in its own name. */
  readonly identity: string;
  /** Together its name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  readonly routes: readonly Route[];
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** How long a stop waits for replies to requests in flight, in ms. */
  readonly drainTimeout: number;
  /** Writes down what was decided, and what came of it; undefined while nothing is. */
  readonly audit?: () => Audit | undefined;
  /** What may wait for a policy, and to be written down. */
  readonly waiting?: WaitingLimits;
  /** Where the ids come from that it gives to requests; random unless told. */
  readonly flows?: FlowSource;
  readonly stats?: Stats;
  /** They get all that the bridge does, beside the counters: the log, a recording. */
  readonly observers?: readonly Partial<BridgeObserver>[];
  readonly inventory?: NodeKnowledge;
  /** Other instances of the cluster, which may carry replies; undefined where nobody can tell. None unless told. */
  readonly others?: () => number | undefined;
  /** Decides which instance handles a copy; undefined where no other instance gets copies. */
  readonly claims?: Claims;
  /** Egresses that no route leads to, which only say who is there. */
  readonly localOnly?: readonly Egress[];
  /** Called with the reason why an ingress or egress of changed routes cannot be started. */
  readonly onFailed?: (name: string, error: unknown) => void;
}

/** What replies teach about where nodes live, and need to know. */
export interface NodeKnowledge {
  /** A verified reply has come through that egress. */
  observe(egress: string, collective: string, node: string): void;
  /** Nodes of a collective that are known behind that egress. */
  known?(egress: string, collective: string): ReadonlySet<string>;
  /** Whether the node answers requests of that ingress's side by itself. */
  isLocal(ingress: string, collective: string, node: string): boolean;
}
