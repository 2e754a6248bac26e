import type { KeyObject } from 'node:crypto';
import type { ParseFile, ReadFile } from '../config/files.ts';
import type { KeyFiles } from '../config/key-files.ts';
import type { Limits } from '../config/limits.ts';
import type { NameRules } from '../config/name-rules.ts';
import type { Share } from '../config/share.ts';
import type { Log } from '../envelope/log.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { Pattern } from '../envelope/pattern.ts';
import type { Egress, Ingress, NodeDirectory, RemoteNodes } from '../envelope/port.ts';
import type { SigningPool } from '../pki/signing-pool.ts';
import type { IncomingMessage, Link } from '../transport/link.ts';
import type { ProofSettings } from '../transport/proof/settings.ts';
import type { Requirement } from '../transport/requirement.ts';
import type { LinkSpec } from '../transport/spec.ts';
import type { EgressCheck, SideCheck } from './kit/check/side-check.ts';
import type { Kept } from './kit/kept.ts';
import type { KeyUse } from './kit/key-use.ts';
import type { OwnWire } from './kit/own-wire.ts';
import type { RevocationStore } from './kit/revocation-store.ts';

/** A route that starts or ends at a side, as far as it concerns that side. */
export interface RouteView {
  readonly from: string;
  readonly to: string;
  readonly collectives: readonly string[];
  /** Whether requests pass unchanged. */
  readonly isOpaque: boolean;
  /** Whether opaque requests are verified before they pass. */
  readonly verify: boolean;
  /** The cluster that the ingress belongs to. */
  readonly cluster: string;
  /** Whether the egress has patterns of its nodes. */
  readonly isPatterned: boolean;
}

/** What an adapter knows of its surroundings: the bridge, and its own routes. */
export interface AdapterContext extends Limits {
  readonly identity: string;
  /** The bridge's. */
  readonly cluster: string;
  readonly routes: readonly RouteView[];
  /** All that those routes name, each once. */
  readonly collectives: readonly string[];
  /** Collectives in which the bridge sends discovery; none for an ingress. */
  readonly asked: readonly string[];
}

/** Where messages of a link can be heard without taking them from a consumer. */
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
  /** Messages of this link that cannot be heard from outside, in words. */
  readonly missed?: string;
  /** What a request has in common with its replies, for links that share a place; absent where no replies are heard. */
  readonly correlate?: (message: IncomingMessage) => readonly string[];
}

/** What an adapter is made with. */
export interface Services {
  /**
   * A lease: of the shared link (transport/shared-link.ts), over the count of what passes (telemetry/meter.ts), over the watch
   * for missing rights (app/rights.ts), over the transport's own. `createLink` of app/links.ts puts them together.
   */
  readonly link: Link;
  /** Reads and parses a file that a key of the configuration names. */
  readonly parse: ParseFile;
  /** Where folders of callers' keys are. */
  readonly keys: KeyFiles;
  readonly log: Log;
  readonly observer: BridgeObserver;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly pool: SigningPool;
}

export interface IngressServices extends Services {
  /** The revocation lists of callers' CAs. */
  readonly revocation: RevocationStore;
  /** The nodes that the ingress stands in for. */
  readonly remoteNodes: RemoteNodes;
  /** What ingresses of this name remember of messages. */
  readonly kept: Kept;
  /** How long copies of one request are collected, in ms. */
  readonly collect: number;
}

export interface EgressServices extends Services {
  /** What it authenticates reply tokens with: that of its network alone. */
  readonly tokenKey: KeyObject;
  /** Others that tokens may be authenticated with: by egresses of the same network, or while the cluster changes its key. */
  readonly otherTokenKeys?: (() => readonly KeyObject[]) | undefined;
  readonly nodes: NodeDirectory;
}

/** How messages of a side look, for code that reads or rewrites them from outside. */
export type Wire =
  | { readonly format: 'choria' }
  | {
      readonly format: 'mcollective';
      readonly serializer: 'marshal' | 'yaml';
      readonly base64: boolean;
    }
  | OwnWire;

/** An ingress or egress of a configuration, with all that the rest of the program asks of its protocol. */
export interface Adapter {
  readonly name: string;
  /** As in bridge.yaml. */
  readonly type: string;
  /** For sentences: its type, and which of its dialects it speaks where it has several. */
  readonly label: string;
  readonly wire: Wire;
  /** Names of callers: on an ingress those that it can prove, on an egress those that it can sign for. */
  readonly names: NameRules;
  /**
   * Where it connects to, and with which login.
   * @param read reads the files that its settings name @throws as `read` does
   */
  link(around: Pick<AdapterContext, 'identity' | 'maxMessageBytes'>, read: ReadFile): LinkSpec;
  /** The rights that it will use on its broker. None where no route uses it. */
  requirements(around: AdapterContext): readonly Requirement[];
  /** The keys that its messages are verified and signed with. */
  keys(): readonly KeyUse[];
  /** What can be heard from outside without taking it from a consumer. */
  observable(around: AdapterContext): Observable;
  /** The checks of `mcbridge check`. */
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
  /** Where instances find each other, if only one may run; absent where they cannot. */
  readonly helloAt?: (collective: string) => string;
}

/** How pages in a browser ask by an ingress. */
export interface PageAccess {
  /** Where they connect: `wss://mcbridge.example.net:8443` */
  readonly url: string;
  /** Those that may. */
  readonly origins: readonly string[];
}

/** How clients of an ingress prove who they are, for other listeners of the bridge that ask in the same way. */
export interface ClientProof {
  /** Names by which the ingress is reached, as the header Host has them. */
  readonly hosts: readonly string[];
  readonly hasTls: boolean;
  /** Whether it may be plain elsewhere than on this machine. */
  readonly isPlainAnywhere: boolean;
  /** @param read reads the files that its settings name @throws as `read` does */
  settings(read: ReadFile): ProofSettings;
}

export interface IngressAdapter extends Adapter {
  /** The cluster that it belongs to; undefined: the bridge's. */
  readonly cluster: string | undefined;
  /** Whether it stands in for nodes, so that it has to know where they live. Else its clients name the nodes. */
  readonly standsForNodes: boolean;
  /** Name of the egress on its own side, whose nodes answer by themselves. */
  readonly localEgress: string | undefined;
  /** How instances share copies; undefined where there are no copies. */
  readonly share: Sharing | undefined;
  /** Whether Choria's statistics are published on its link. */
  readonly carriesStatistics: boolean;
  /** Undefined where no page can ask by it, or nobody can say where. */
  readonly pageAccess?: PageAccess | undefined;
  /** Undefined where clients show neither a token nor a certificate when they connect. */
  readonly proof?: ClientProof | undefined;
  /** Whether it takes messages to a destination, as far as the destination shows. */
  takes(collectives: readonly string[]): (destination: string) => boolean;
  /** The node that an incoming message is for; undefined for a broadcast, and where the message itself names its nodes. */
  directedTo(message: Addressed): { readonly collective: string; readonly node: string } | undefined;
  create(around: AdapterContext, services: IngressServices): Ingress;
}

/** Two egresses in one group would take each other's replies. */
export interface ReplyGroup {
  /** `the queue group …`, for sentences. */
  readonly name: string;
  /** URL. */
  readonly server: string;
  /** Whether all replies there bear reply tokens, so that each egress of a network finds what they answer. */
  readonly byToken: boolean;
}

export interface EgressAdapter extends Adapter {
  /** Whether it can send discovery, which takes a signature. */
  readonly asks: boolean;
  /** Callerids that only a rule with `privileged: true` may yield. */
  readonly privileged: readonly Pattern[];
  readonly check: EgressCheck;
  /** The groups that share its replies among their members. */
  replyGroups(around: Pick<AdapterContext, 'cluster' | 'collectives' | 'routes'>): readonly ReplyGroup[];
  create(around: AdapterContext, services: EgressServices): Egress;
}
