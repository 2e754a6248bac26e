import { ConfigError, formatProblem } from '../config/problem.ts';
import type { Log } from '../envelope/log.ts';
import { errorText } from '../envelope/text.ts';
import type { KeyChanges } from '../setup/changes.ts';
import type { LoadedConfig } from '../setup/types.ts';
import type { ReloadCounts } from '../telemetry/metrics.ts';
import type { LinkChanges, LinkDown } from './links.ts';
import { NOT_RUNNING } from './turns.ts';

/** What another configuration changes. */
export interface Changes {
  readonly keys: KeyChanges;
  readonly links: LinkChanges;
  /** What is in force and not connected; undefined where nothing was applied. */
  readonly down?: readonly LinkDown[];
}

/** What came of reading the configuration anew. */
export interface Reload {
  /** When it was asked for, in ms since the epoch. */
  readonly at: number;
  /** Who or what asked: `SIGHUP`. */
  readonly cause: string;
  readonly result: 'ok' | 'refused' | 'not_running';
  /** Why it was refused, each as `bridge.yaml:3:10: what`. */
  readonly problems: readonly string[];
  /** Undefined where it was refused. */
  readonly changes?: Changes;
}

/** The configuration in force, and how it came to be. */
export interface ConfigurationStatus {
  readonly file: string;
  /** Since when it is in force, in ms since the epoch. */
  readonly loadedAt: number;
  readonly reloads: Pick<ReloadCounts, 'ok' | 'refused'>;
  /** The last reload, which may have been refused; undefined where there was none. */
  readonly last: Reload | undefined;
}

export interface ReloadsOptions {
  /** Reads the configuration anew; undefined where there is nothing to read. */
  readonly load: (() => Promise<LoadedConfig>) | undefined;
  /** @throws ConfigError for what cannot be used: then nothing has changed */
  readonly apply: (loaded: LoadedConfig) => Promise<Changes>;
  /** What `apply` would change. @throws as it does */
  readonly compare: (loaded: LoadedConfig) => Promise<Changes>;
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** Problems that one line of the log tells. */
const MAX_LISTED_PROBLEMS = 20;

const problemsOf = (error: unknown): readonly string[] =>
  error instanceof ConfigError ? error.problems.map(formatProblem) : [errorText(error)];

/** Reads the configuration anew, one at a time, and keeps what came of it. */
export class Reloads {
  readonly #options: ReloadsOptions;
  #counts = { ok: 0, refused: 0 };
  #last: Reload | undefined;
  #loadedAt: number;
  #running: Promise<unknown> = Promise.resolve();
  /** Asked for, and not begun yet: it will read what is in the file then, for all who ask until then. */
  #waiting: Promise<Reload> | undefined;

  constructor(options: ReloadsOptions) {
    this.#options = options;
    this.#loadedAt = options.clock();
  }

  /** Another configuration is in force. */
  applied(): void {
    this.#loadedAt = this.#options.clock();
  }

  /** Never rejects: a configuration that cannot be used changes nothing, and is told of. */
  reload(cause: string): Promise<Reload> {
    this.#waiting ??= this.#next(async () => {
      this.#waiting = undefined;
      const done = await this.#attempt(cause, this.#options.apply);
      if (done.result === 'not_running') return done;
      this.#last = done;
      this.#counts[done.result]++;
      this.#tell(done);
      return done;
    });
    return this.#waiting;
  }

  /** What a reload would come to. Nothing changes. */
  compare(cause: string): Promise<Reload> {
    return this.#next(() => this.#attempt(cause, this.#options.compare));
  }

  status(): Omit<ConfigurationStatus, 'file'> {
    return { loadedAt: this.#loadedAt, reloads: { ...this.#counts }, last: this.#last };
  }

  counts(): ReloadCounts {
    return {
      ...this.#counts,
      lastSuccessful: this.#last?.result !== 'refused',
      loadedAt: this.#loadedAt,
    };
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#running.then(work);
    this.#running = mine.catch(() => undefined);
    return mine;
  }

  async #attempt(cause: string, take: ReloadsOptions['apply']): Promise<Reload> {
    const { load, clock } = this.#options;
    const at = clock();
    try {
      if (load === undefined) throw new Error('this bridge was not given a file to read');
      return { at, cause, result: 'ok', problems: [], changes: await take(await load()) };
    } catch (error) {
      // Nothing is wrong with the configuration where the bridge ends.
      const result = error === NOT_RUNNING ? 'not_running' : 'refused';
      return { at, cause, result, problems: problemsOf(error) };
    }
  }

  #tell({ cause, problems, changes }: Reload): void {
    const { log } = this.#options;
    if (changes !== undefined) {
      log.info(
        { event: 'config_reloaded', cause, ...changes },
        'the configuration was read anew and is in force',
      );
      return;
    }
    const [first = ''] = problems;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    log.error(
      { event: 'config_refused', cause, problems: problems.slice(0, MAX_LISTED_PROBLEMS) },
      `the configuration was read anew and cannot be used, so nothing has changed: ${first}${more}`,
    );
  }
}
