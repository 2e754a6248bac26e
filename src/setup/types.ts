import type { Registry } from '../adapters/registry.ts';
import type { KeyPath, Position, Problem } from '../config/problem.ts';
import type { LoadedPolicy } from '../policy/decider.ts';
import type { Written } from './changes.ts';
import type { Config } from './schema.ts';

export type { IdentityRule, RouteConfig } from './route.ts';
export { type ClusterKey, type Config, LOG_FORMATS, LOG_LEVELS, type LogConfig } from './schema.ts';

/** A configuration, and where its parts stand in its file. */
export interface LoadedConfig {
  readonly config: Config;
  /** The name of the file as it was given. */
  readonly file: string;
  /** The types that it was read by. */
  readonly registry: Registry;
  /** What it says, key by key, to be compared. */
  readonly written: Written;
  /** Who may ask what, by the names of the policies. */
  readonly policies: ReadonlyMap<string, LoadedPolicy>;
  /** What works today and should be changed. */
  readonly warnings: readonly Problem[];
  /** Where a key's value stands in the file, by YAML's names: `at(['ingresses', 'federation', 'tls', 'ca'])`. */
  at(path: KeyPath): Position;
}
