/** `mcbridge/replay`: whether a configuration still translates recorded traffic the same way, for a team's own tests. */
import { createApp } from '../app/app.ts';
import { version } from '../app/version.ts';
import { CassetteError } from '../capture/file/problem.ts';
import { replayCassette } from '../capture/replay/replay.ts';
import { type ReplayResult, unusable } from '../capture/replay/result.ts';
import { loadUnconnected } from '../capture/replay/unconnected.ts';
import { ConfigError, ConfigUnreadable } from '../config/problem.ts';
import type { Environment } from '../config/substitute.ts';
import { loadWithAdapters } from '../setup/load-registry.ts';
import type { LoadedConfig } from '../setup/types.ts';

export type { Change } from '../capture/replay/compare.ts';
export type { Difference, ReplayResult } from '../capture/replay/result.ts';
export type { Environment } from '../config/substitute.ts';
export type { LoadedConfig } from '../setup/types.ts';

export interface ReplayOptions {
  /**
   * Whether private keys that are not there are made for the replay, and values for variables that only connections need.
   * Then messages are the same if their signatures are good, whatever keys made them.
   */
  readonly throwAwayKeys?: boolean;
  /** Whether all must be the same in each byte; not with `throwAwayKeys`, for no other key makes the same signature. */
  readonly bytes?: boolean;
  /** Whether the cassette is rewritten with what came out, where that is something else. */
  readonly update?: boolean;
  /** What `${NAME}` stands for in the configuration; the environment of the process unless given. */
  readonly env?: Environment;
  /** Told now and then how many messages were fed so far. */
  readonly onFed?: (fed: number) => void;
  /** Ends it before its end; the cassette is as it was. */
  readonly signal?: AbortSignal;
}

/**
 * The configuration, as far as it has to be there for a replay. The adapters that it names are imported, so their code is run.
 * @throws ConfigError, ConfigUnreadable
 */
export const configForReplay = (
  file: string,
  { throwAwayKeys = false, env = process.env }: Pick<ReplayOptions, 'throwAwayKeys' | 'env'> = {},
): Promise<LoadedConfig> => (throwAwayKeys ? loadUnconnected : loadWithAdapters)(file, env);

/**
 * Feeds what came to a recorded bridge to one of this configuration, at the time of the recording and without a network, and
 * compares what it does with what was recorded. A cassette or configuration that cannot be used is the result `unusable`, with
 * its `reason`.
 * @param cassette file that `mcbridge run --record` or `mcbridge record` has written
 * @param config bridge.yaml, or what {@link configForReplay} has read of it, for several replays
 * @throws TypeError for `bytes` with `throwAwayKeys`
 * @throws the signal's reason where it is aborted
 */
export const replay = async (
  cassette: string,
  config: string | LoadedConfig,
  { env, ...options }: ReplayOptions = {},
): Promise<ReplayResult> => {
  const { bytes = false, throwAwayKeys = false } = options;
  if (bytes && throwAwayKeys)
    throw new TypeError(
      'bytes compares signatures too, which no other key can make: leave out throwAwayKeys',
    );
  try {
    const loaded =
      typeof config === 'string'
        ? await configForReplay(config, { throwAwayKeys, ...(env && { env }) })
        : config;
    return await replayCassette(cassette, loaded, { ...options, version: version(), createApp });
  } catch (error) {
    const isExpected =
      error instanceof CassetteError ||
      error instanceof ConfigError ||
      error instanceof ConfigUnreadable ||
      (error instanceof Error && 'syscall' in error);
    if (isExpected) return unusable(cassette, error.message);
    throw error;
  }
};
