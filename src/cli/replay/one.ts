import type { ReplayResult } from '../../capture/replay/result.ts';
import { configForReplay, type ReplayOptions, replay } from '../../public/replay.ts';
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
export const configFor = ({ config, throwAwayKeys }: ReplayTask): Promise<LoadedConfig> =>
  configForReplay(config, { throwAwayKeys });

/**
 * Replays a cassette. What it is unusable for is its result, so that the others are replayed all the same.
 * @throws the signal's reason where it is aborted
 */
export const replayOne = (
  file: string,
  { config, ...task }: ReplayTask,
  how: Pick<ReplayOptions, 'onFed' | 'signal'> = {},
): Promise<ReplayResult> => replay(file, config, { ...task, ...how });
