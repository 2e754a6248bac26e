import { createApp } from '../../app/app.ts';
import { version } from '../../app/version.ts';
import { CassetteError } from '../../capture/file/problem.ts';
import { withMadeUpVariables } from '../../capture/replay/made-up-variables.ts';
import { type ReplayOptions, replayCassette } from '../../capture/replay/replay.ts';
import { type ReplayResult, unusable } from '../../capture/replay/result.ts';
import { ConfigError, ConfigUnreadable } from '../../config/problem.ts';
import { loadConfig } from '../../setup/load.ts';
import { loadRegistry } from '../../setup/load-registry.ts';
import type { LoadedConfig } from '../../setup/types.ts';

/** What a worker is told to do with each of its cassettes. */
export interface ReplayTask {
  readonly config: string;
  readonly bytes: boolean;
  readonly update: boolean;
  readonly throwAwayKeys: boolean;
}

/**
 * The configuration, as far as it has to be there for a replay.
 * @throws ConfigError, ConfigUnreadable
 */
export const configFor = async ({ config, throwAwayKeys }: ReplayTask): Promise<LoadedConfig> => {
  const registry = await loadRegistry(config, process.env);
  const env = throwAwayKeys ? withMadeUpVariables(config, process.env, registry) : process.env;
  return loadConfig(config, env, registry);
};

/**
 * Replays a cassette. What it is unusable for is its result, so that the others are replayed all the same.
 * @throws the signal's reason where it is aborted
 */
export const replayOne = async (
  file: string,
  task: ReplayTask,
  how: Pick<ReplayOptions, 'onFed' | 'signal'> = {},
): Promise<ReplayResult> => {
  const { bytes, update, throwAwayKeys } = task;
  try {
    const options = { bytes, update, throwAwayKeys, version: version(), createApp, ...how };
    return await replayCassette(file, await configFor(task), options);
  } catch (error) {
    const isExpected =
      error instanceof CassetteError ||
      error instanceof ConfigError ||
      error instanceof ConfigUnreadable ||
      (error instanceof Error && 'syscall' in error);
    if (isExpected) return unusable(file, error.message);
    throw error;
  }
};
