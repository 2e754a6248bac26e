import { z } from 'zod';
import { OrderRefused } from '../../control/protocol.ts';
import type { Order } from '../../control/server.ts';
import { LOG_LEVELS } from '../../setup/types.ts';
import type { LevelState, Logging } from '../logging.ts';

/** Seconds for which a level may be set: who sets it for longer has forgotten it. */
export const MAX_FOR_SECONDS = 24 * 3600;

const wanted = z.object({
  level: z.enum(LOG_LEVELS).optional(),
  for: z.int().min(1).max(MAX_FOR_SECONDS).optional(),
});

/** Its answer. */
export const levelState: z.ZodType<LevelState> = z.object({
  level: z.enum(LOG_LEVELS),
  left: z.int().min(0).nullable(),
  after: z.enum(LOG_LEVELS).nullable(),
});

/** `{ "order": "log", "level": "debug", "for": 600 }`; without a level nothing changes. */
export const logOrder =
  (logging: Logging): Order =>
  (asked): LevelState => {
    const { success, data } = wanted.safeParse(asked);
    if (!success)
      throw new OrderRefused(
        `level is one of ${LOG_LEVELS.join(', ')}, and for a number of seconds up to ${MAX_FOR_SECONDS}`,
      );
    const { level, for: seconds } = data;
    if (level === undefined && seconds !== undefined) throw new OrderRefused('for goes with a level');
    if (level !== undefined) logging.setLevel(level, 'mcbridge log says so', seconds);
    return logging.levelState();
  };
