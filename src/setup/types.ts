import type { EgressEntry, IngressEntry } from '../adapters/adapter-type.ts';
import type { Registry } from '../adapters/registry.ts';
import type { KeyPath, Position, Problem } from '../config/problem.ts';
import type { Secret } from '../config/secret.ts';
import type { Pattern } from '../envelope/pattern.ts';
import type { ClaimsConfig } from './claims.ts';
import type { HttpConfig, StatisticsConfig } from './http.ts';

/** What a bridge does, fully resolved: defaults filled in, paths absolute, patterns compiled. */
export interface Config {
  /** Files and packages that bring further types of ingresses and egresses. */
  readonly adapters: readonly string[];
  /** This instance's name in `mc_sender`, `senderid` and logs. */
  readonly identity: string;
  /** Instances with one cluster share its work. */
  readonly cluster: string;
  readonly instance: string;
  readonly clusterKey: ClusterKey;
  /** Seconds. */
  readonly maxTtl: number;
  readonly maxTargets: number;
  readonly maxMessageBytes: number;
  /** Seconds. */
  readonly drainTimeout: number;
  /** Where `mcbridge record` hears all that goes through the running bridge; undefined: nowhere. */
  readonly recordSocket: string | undefined;
  readonly log: LogConfig;
  /** Undefined: off. */
  readonly http: HttpConfig | undefined;
  readonly statistics: StatisticsConfig;
  /** Undefined: no instance claims anything. */
  readonly claims: ClaimsConfig | undefined;
  /** By name, in the order of the file. */
  readonly ingresses: ReadonlyMap<string, IngressEntry>;
  readonly egresses: ReadonlyMap<string, EgressEntry>;
  readonly routes: readonly RouteConfig[];
}

/** The key that reply tokens are authenticated with: given in the configuration, or the name of its file. */
export type ClusterKey =
  | { readonly kind: 'given'; readonly key: Secret }
  | { readonly kind: 'file'; readonly file: string };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;

export interface LogConfig {
  readonly level: (typeof LOG_LEVELS)[number];
  readonly format: (typeof LOG_FORMATS)[number];
}

export interface RouteConfig {
  /** Name of an ingress. */
  readonly from: string;
  /** Name of an egress. */
  readonly to: string;
  /** The collectives that the ingress's side may reach by this route. */
  readonly collectives: readonly string[];
  /** In order; the first that matches counts. None where requests pass through. */
  readonly identities: readonly IdentityRule[];
  /** Whether requests that pass through are verified before. */
  readonly verify: boolean;
}

/** Turns a caller of one side into a caller of the other. */
export interface IdentityRule {
  readonly match:
    | { readonly kind: 'exact'; readonly name: string }
    /** Anchored at both ends. */
    | { readonly kind: 'regex'; readonly pattern: Pattern };
  /** A callerid; after a regex, `$1` to `$9` stand for its groups. */
  readonly to: string;
  /** This rule may yield a name that the other side holds privileged. */
  readonly privileged: boolean;
}

/** A configuration, and where its parts stand in its file. */
export interface LoadedConfig {
  readonly config: Config;
  /** The name of the file as it was given. */
  readonly file: string;
  /** The types that it was read by. */
  readonly registry: Registry;
  /** What works today and should be changed. */
  readonly warnings: readonly Problem[];
  /** Where a key's value stands in the file, by YAML's names: `at(['ingresses', 'federation', 'tls', 'ca'])`. */
  at(path: KeyPath): Position;
}
