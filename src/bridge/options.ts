import type { BridgeObserver } from '../envelope/observer.ts';
import type { Claims, Egress } from '../envelope/port.ts';
import type { FlowSource } from './flow.ts';
import type { PassingSteps } from './pipeline.ts';
import type { Route } from './routing.ts';
import type { Stats } from './stats.ts';
import type { WaitingLimits } from './waiting-room.ts';

export interface BridgeOptions extends PassingSteps {
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
  /** What may wait for steps that take their time. */
  readonly waiting?: WaitingLimits;
  /** Where the ids come from that it gives to requests; random unless told. */
  readonly flows?: FlowSource;
  readonly stats?: Stats;
  /** Told of all that the bridge does, beside the counters: the log, a recording. */
  readonly observers?: readonly Partial<BridgeObserver>[];
  readonly inventory?: NodeKnowledge;
  /** Decides who handles what every instance gets a copy of; without it nobody else gets any. */
  readonly claims?: Claims;
  /** Egresses that no route leads to, which only say who is there. */
  readonly localOnly?: readonly Egress[];
  /** Told why an ingress or egress of changed routes cannot be started. */
  readonly onFailed?: (name: string, error: unknown) => void;
}

/** Who lives where, as far as replies tell it and need it. */
export interface NodeKnowledge {
  /** A verified reply has come from beyond that egress. */
  seen(egress: string, collective: string, node: string): void;
  /** Whether the node answers requests of that ingress's side by itself. */
  isNative(ingress: string, collective: string, node: string): boolean;
}
