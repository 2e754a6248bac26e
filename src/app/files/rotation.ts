import type { ConnectionSettings } from '../../cluster/connection.ts';
import { problemAt } from '../../config/files.ts';
import type { KeyFiles } from '../../config/key-files.ts';
import { ConfigError, formatPath } from '../../config/problem.ts';
import type { Log } from '../../envelope/log.ts';
import { readClusterKeys } from '../../setup/cluster-key.ts';
import { pathOf, type Side, sideOf, sidesOf } from '../../setup/sides.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { secretsFault } from '../../transport/nats/secrets.ts';
import { isSameLink, type LinkPlace, type LinkSpec } from '../../transport/spec.ts';
import type { Links } from '../links.ts';
import { claimsConnection } from '../sharing.ts';
import { type CertificateEnd, Certificates, CertificateWarnings } from './certificates.ts';
import { FilesInForce, type Reading } from './in-force.ts';
import { FileWatch, type RefusedFiles } from './watch.ts';

export interface RotationOptions {
  readonly keys: KeyFiles;
  /** The configuration in force. */
  readonly loaded: () => LoadedConfig;
  readonly links: () => Pick<Links, 'standing'>;
  /** @throws ConfigError for what cannot be used: then nothing has changed */
  readonly apply: (held: ReadonlySet<string>) => Promise<void>;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly random?: (() => number) | undefined;
  /** How often files are looked at, and within which time a change is taken over, in ms. */
  readonly times?: { readonly every: number; readonly within: number } | undefined;
}

const TIMES = { every: 5_000, within: 30_000 };

const ownerOfSide = (side: Side): string => formatPath(pathOf(side));

/** What follows the files that a configuration names while it is in force. */
export class Rotation {
  readonly #options: RotationOptions;
  readonly #files: FilesInForce;
  readonly #certificates: Certificates;
  readonly #watch: FileWatch;

  constructor(options: RotationOptions) {
    this.#options = options;
    const { keys, log, clock, apply, times = TIMES, random = Math.random } = options;
    this.#files = new FilesInForce(keys);
    this.#certificates = new Certificates(this.#files, keys);
    const warnings = new CertificateWarnings(log);
    this.#watch = new FileWatch({
      files: this.#files,
      fault: (owner) => this.#fault(owner),
      stale: () => this.#stale(),
      endOf: (owner) => this.#certificates.endOf(owner),
      apply,
      looked: () => warnings.look(this.certificates(), clock()),
      log,
      clock,
      random,
      ...times,
    });
  }

  /** Reads all files for another configuration, or for the same again. @param held owners that keep what they have */
  begin(loaded: LoadedConfig, held?: ReadonlySet<string>): Reading {
    return this.#files.begin(loaded, held);
  }

  start(): void {
    this.#watch.look();
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  refused(): readonly RefusedFiles[] {
    return this.#watch.refused();
  }

  certificates(): readonly CertificateEnd[] {
    return this.#certificates.all(this.#options.loaded().config);
  }

  /** A link as its files are on disk; undefined where they cannot be used. */
  fresh({ name, side }: LinkPlace): LinkSpec | undefined {
    const loaded = this.#options.loaded();
    const found = sideOf(loaded.config, name, side);
    try {
      const spec = found?.adapter.link(loaded.config, this.#files.begin(loaded).read);
      return spec?.fault?.(this.#options.clock()) === undefined ? spec : undefined;
    } catch {
      // The watch says what is wrong with them.
      return undefined;
    }
  }

  /** The same of the claims' connection. */
  freshClaims(): ConnectionSettings | undefined {
    const loaded = this.#options.loaded();
    try {
      const connection = claimsConnection(loaded, this.#files.begin(loaded).read);
      const now = this.#options.clock();
      return connection && secretsFault(connection, 'claims', now) === undefined ? connection : undefined;
    } catch {
      return undefined;
    }
  }

  #fault(owner: string): string | undefined {
    const loaded = this.#options.loaded();
    const { read } = this.#files.begin(loaded);
    const now = this.#options.clock();
    try {
      const side = sidesOf(loaded.config).find((one) => ownerOfSide(one) === owner);
      if (side !== undefined) return side.adapter.link(loaded.config, read).fault?.(now);
      const connection = owner === 'claims' ? claimsConnection(loaded, read) : undefined;
      if (connection !== undefined) return secretsFault(connection, owner, now);
      readClusterKeys(loaded, read);
      return undefined;
    } catch (error) {
      if (error instanceof ConfigError) return error.problems[0]?.message ?? error.message;
      throw error;
    }
  }

  /** Links that stand and were made with other files than those in force. */
  #stale(): readonly string[] {
    const loaded = this.#options.loaded();
    const { config } = loaded;
    const owners = new Set(this.#files.owners().map(([owner]) => owner));
    const { read } = this.#files.begin(loaded, owners);
    const standing = this.#options.links().standing();
    return sidesOf(config).flatMap((side) => {
      const owner = ownerOfSide(side);
      const spec = standing.find((it) => it.name === side.adapter.name && it.side === side.kind);
      if (spec === undefined || !owners.has(owner)) return [];
      return isSameLink(spec, side.adapter.link(config, read)) ? [] : [owner];
    });
  }
}

/** Why what another configuration brings for its links does not fit together, at the key of each. @throws ConfigError */
export const checkFits = (specs: readonly LinkSpec[], next: LoadedConfig, now: number): void => {
  const problems = specs.flatMap((spec) => {
    const message = spec.fault?.(now);
    const side = sideOf(next.config, spec.name, spec.side);
    return message === undefined || side === undefined ? [] : [problemAt(next, pathOf(side), message)];
  });
  if (problems.length > 0) throw new ConfigError(problems);
};
