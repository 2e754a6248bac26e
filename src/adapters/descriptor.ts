import type { KeyObject } from 'node:crypto';
import type { ParseFile, ReadFile } from '../config/files.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { NameRules } from '../config/name-rules.ts';
import type { Share } from '../config/share.ts';
import type { Log } from '../envelope/log.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { Pattern } from '../envelope/pattern.ts';
import type { Egress, Ingress, NodeDirectory, Residents } from '../envelope/port.ts';
import type { SigningPool } from '../pki/signing-pool.ts';
import type { IncomingMessage, Link } from '../transport/link.ts';
import type { Requirement } from '../transport/requirement.ts';
import type { LinkSpec } from '../transport/spec.ts';
import type { EgressCheck, SideCheck } from './kit/check/side-check.ts';
import type { Handled } from './kit/handled.ts';
import type { KeyUse } from './kit/key-use.ts';
import type { OwnWire } from './kit/own-wire.ts';

/** A route that starts or ends at a side, as far as it concerns that side. */
export interface RouteView {
  readonly from: string;
  readonly to: string;
  readonly collectives: readonly string[];
  /** Whether requests pass as they are. */
  readonly isOpaque: boolean;
  /** Whether opaque requests are verified before they pass. */
  readonly verify: boolean;
  /** The cluster that the ingress belongs to. */
  readonly cluster: string;
  /** Whether the egress has patterns of the nodes beyond it. */
  readonly isPatterned: boolean;
}

/** What is around one ingress or egress: the bridge, and its routes. */
export interface Around {
  readonly identity: string;
  /** The bridge's. */
  readonly cluster: string;
  /** Seconds. */
  readonly maxTtl: number;
  readonly maxTargets: number;
  readonly maxMessageBytes: number;
  readonly routes: readonly RouteView[];
  /** All that those routes name, each once. */
  readonly collectives: readonly string[];
  /** Collectives whose nodes the bridge asks for there; none for an ingress. */
  readonly asked: readonly string[];
}

/** Where messages of a link can be had without taking them from anyone. */
export interface Source {
  /** A subject, or a topic; never a queue, and never in a queue group: these hand a message to one listener only. */
  readonly destination: string;
  /** From the bridge's point of view. */
  readonly dir: 'in' | 'out';
  /** Whether a message there is one of the bridge's link at all; others use the place too. */
  readonly isOurs?: (message: IncomingMessage) => boolean;
}

/** What can be heard of a link from outside the bridge. */
export interface Observable {
  readonly sources: readonly Source[];
  /** What goes through this link and cannot be had from outside, in words. */
  readonly missed?: string;
  /** What a request has in common with its replies, for links that share a place; absent where no replies are heard. */
  readonly correlate?: (message: IncomingMessage) => readonly string[];
}

/** What an adapter is made with. */
export interface Services {
  readonly link: Link;
  /** Reads and parses a file that a key of the configuration names. */
  readonly parse: ParseFile;
  /** Where folders of callers' keys are. */
  readonly keys: KeyFiles;
  readonly log: Log;
  readonly observer: BridgeObserver;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** What reply tokens are authenticated with. */
  readonly tokenKey: KeyObject;
  readonly pool: SigningPool;
}

export interface IngressServices extends Services {
  /** Whom the ingress stands in for. */
  readonly residents: Residents;
  /** What those of this name have handled, also under a configuration before this one. */
  readonly handled: Handled;
  /** How long copies of one request are collected, in ms. */
  readonly collect: number;
}

export interface EgressServices extends Services {
  readonly nodes: NodeDirectory;
}

/** How messages of a side look, for whoever reads or rewrites them from outside. */
export type Wire =
  | { readonly format: 'choria' }
  | {
      readonly format: 'mcollective';
      readonly serializer: 'marshal' | 'yaml';
      readonly base64: boolean;
    }
  | OwnWire;

/** An ingress or egress of a configuration, with all that the rest of the house asks of its protocol. */
interface Adapter {
  readonly name: string;
  /** As in bridge.yaml. */
  readonly type: string;
  /** For sentences: its type, and which of its dialects it speaks where it has several. */
  readonly label: string;
  readonly wire: Wire;
  /** What callers are called there: on an ingress whom it can prove, on an egress for whom it can sign. */
  readonly names: NameRules;
  /**
   * Where it connects to, and as whom.
   * @param read reads the files that its settings name @throws as `read` does
   */
  link(around: Pick<Around, 'identity' | 'maxMessageBytes'>, read: ReadFile): LinkSpec;
  /** The rights that it will use on its broker. None where nothing uses it. */
  requirements(around: Around): readonly Requirement[];
  /** The keys that its messages are verified and signed with. */
  keys(): readonly KeyUse[];
  /** What can be listened to from outside without taking it from anyone. */
  observable(around: Around): Observable;
  /** What `mcbridge check` asks of it. */
  readonly check: SideCheck;
}

/** A message as far as it is addressed, on its way or in a recording. */
export interface Addressed {
  readonly destination: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** How instances share broadcasts of which each gets a copy. */
export interface Sharing {
  readonly how: Share;
  /** Seconds that a sender's clock may be ahead. */
  readonly maxAhead: number;
  /** Where instances of which only one should be there hear of each other; absent where they cannot. */
  readonly helloAt?: (collective: string) => string;
}

export interface IngressAdapter extends Adapter {
  /** The cluster that it belongs to; undefined: the bridge's. */
  readonly cluster: string | undefined;
  /** Whether it stands in for nodes, so that it has to know where they live. Else its clients name whom they mean. */
  readonly standsForNodes: boolean;
  /** Name of the egress on its own side, whose nodes answer by themselves. */
  readonly localEgress: string | undefined;
  /** How instances share what each gets a copy of; undefined where none gets copies. */
  readonly share: Sharing | undefined;
  /** Whether Choria's statistics are published on its link. */
  readonly carriesStatistics: boolean;
  /** Whether what clients send to a destination comes in by it, so far as the destination tells. */
  takes(collectives: readonly string[]): (destination: string) => boolean;
  /** The node that a message which comes in is for; undefined where it goes to all, or says itself whom it is for. */
  directedTo(message: Addressed): { readonly collective: string; readonly node: string } | undefined;
  create(around: Around, services: IngressServices): Ingress;
}

/** Of two egresses in one group each would take replies that are the other's. */
export interface ReplyGroup {
  /** `the queue group …`, for sentences. */
  readonly name: string;
  /** URL. */
  readonly server: string;
}

export interface EgressAdapter extends Adapter {
  /** Whether it can ask who is there, which takes a signature. */
  readonly asks: boolean;
  /** Callerids that only a rule with `privileged: true` may yield. */
  readonly privileged: readonly Pattern[];
  readonly check: EgressCheck;
  /** The groups in which it shares its replies out among all who are in them. */
  replyGroups(around: Pick<Around, 'cluster' | 'routes'>): readonly ReplyGroup[];
  create(around: Around, services: EgressServices): Egress;
}
