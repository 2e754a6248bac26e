import { ConfigError } from '../../config/problem.ts';
import type { Log } from '../../envelope/log.ts';
import { errorText } from '../../envelope/text.ts';
import { type FilesInForce, linkOf } from './in-force.ts';

/** Files of one owner that cannot be used; what they were before is in force. */
export interface RefusedFiles {
  readonly link: string;
  /** In words. */
  readonly reason: string;
  /** Ms since the epoch. */
  readonly since: number;
}

export interface FileWatchOptions {
  readonly files: FilesInForce;
  /** Why what is on disk of an owner cannot be used, so far as that can be seen before it is; undefined where it can. */
  readonly fault: (owner: string) => string | undefined;
  /** Owners of connections that stand and are not as the files in force have them. */
  readonly stale: () => readonly string[];
  /** Ms since the epoch when the first certificate of an owner's, of those in force, ends. */
  readonly endOf: (owner: string) => number;
  /** Takes the files on disk over, but for those of some owners. @throws ConfigError: then nothing has changed */
  readonly apply: (held: ReadonlySet<string>) => Promise<void>;
  /** After each look. */
  readonly looked?: () => void;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Ms between looks at the files. */
  readonly every: number;
  /** Ms within which a change is taken over, by chance: the instances of a cluster do not all renew their connections at once. */
  readonly within: number;
}

interface Refusal extends RefusedFiles {
  /** Of what is on disk. */
  readonly change: string;
}

/**
 * Looks every few seconds whether the files that the configuration names have changed, and takes over what fits together. A
 * change has to look the same twice, for it may be half written; what cannot be used is told of once.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  /** Changes by owner, as they looked the last time. */
  readonly #seen = new Map<string, string>();
  readonly #refused = new Map<string, Refusal>();
  /** Owners whose files fit and are to be taken over. */
  readonly #ready = new Set<string>();
  #looking: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#looking ??= setInterval(() => this.look(), this.#options.every).unref();
  }

  stop(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#renewal);
    this.#looking = this.#renewal = undefined;
  }

  refused(): readonly RefusedFiles[] {
    return [...this.#refused.values()].map(({ link, reason, since }) => ({ link, reason, since }));
  }

  /** Looks at all files once. */
  look(): void {
    const { files, stale, looked } = this.#options;
    const owners = new Set(files.owners().map(([owner]) => owner));
    for (const owner of this.#refused.keys()) if (!owners.has(owner)) this.#refused.delete(owner);
    for (const owner of owners) this.#lookAt(owner);
    for (const owner of stale()) if (!this.#seen.has(owner)) this.#ready.add(owner);
    if (this.#ready.size > 0) this.#schedule();
    looked?.();
  }

  #lookAt(owner: string): void {
    const { files, fault } = this.#options;
    const change = files.change(owner);
    if (change === undefined || files.isSameContent(owner)) {
      this.#seen.delete(owner);
      this.#ready.delete(owner);
      this.#refused.delete(owner);
      return;
    }
    const isSettled = this.#seen.get(owner) === change;
    this.#seen.set(owner, change);
    if (!isSettled || this.#refused.get(owner)?.change === change) return;
    const reason = fault(owner);
    if (reason === undefined) this.#ready.add(owner);
    else this.#refuse(owner, change, reason);
  }

  #refuse(owner: string, change: string, reason: string): void {
    const { log, clock } = this.#options;
    const link = linkOf(owner);
    const told = this.#refused.get(owner);
    this.#ready.delete(owner);
    this.#refused.set(owner, { link, reason, change, since: told?.since ?? clock() });
    if (told?.reason === reason) return;
    log.error(
      { event: 'files_refused', link, reason },
      'changed files cannot be used, the ones before are kept',
    );
  }

  #schedule(): void {
    const { within, random, clock, endOf } = this.#options;
    if (this.#renewal !== undefined) return;
    const ends = [...this.#ready].map((owner) => endOf(owner));
    // In every case before the old certificate has ended.
    const left = Math.max(0, Math.min(...ends) - clock()) / 2;
    this.#renewal = setTimeout(() => {
      void this.#renew().finally(() => {
        this.#renewal = undefined;
      });
    }, random() * Math.min(within, left)).unref();
  }

  async #renew(): Promise<void> {
    const { apply, log } = this.#options;
    const taken = [...this.#ready];
    const held = new Set([...this.#seen.keys()].filter((owner) => !this.#ready.has(owner)));
    this.#ready.clear();
    try {
      await apply(held);
      for (const owner of taken) {
        this.#refused.delete(owner);
        log.info({ event: 'files_renewed', link: linkOf(owner) }, 'changed files are in force');
      }
    } catch (error) {
      this.#failed(taken, error);
    }
  }

  /** Some cannot be used after all; the others are taken over at the next look. */
  #failed(taken: readonly string[], error: unknown): void {
    const problems = error instanceof ConfigError ? error.problems : [];
    const about = (owner: string): string | undefined =>
      problems.find(({ path }) => path === owner || path.startsWith(`${owner}.`))?.message;
    const isKnown = taken.some((owner) => about(owner) !== undefined);
    for (const owner of taken) {
      const reason = about(owner) ?? (isKnown ? undefined : errorText(error));
      const change = this.#seen.get(owner);
      if (reason !== undefined && change !== undefined) this.#refuse(owner, change, reason);
      else if (reason === undefined) this.#ready.add(owner);
    }
  }
}
