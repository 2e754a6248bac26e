import { CassetteError } from '../../cassette/problem.ts';
import { loadConfig } from '../../config/load.ts';
import { ConfigError, ConfigUnreadable } from '../../config/problem.ts';
import { replayCassette } from '../../replay/replay.ts';
import { type ReplayResult, unusable } from '../../replay/result.ts';
import { version } from '../version.ts';

/** What a worker is told to do with each of its cassettes. */
export interface ReplayTask {
  readonly config: string;
  readonly bytes: boolean;
  readonly update: boolean;
}

/** Replays a cassette. What it is unusable for is its result, so that the others are replayed all the same. */
export const replayOne = async (
  file: string,
  { config, bytes, update }: ReplayTask,
): Promise<ReplayResult> => {
  try {
    return await replayCassette(file, loadConfig(config, process.env), { bytes, update, version: version() });
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
