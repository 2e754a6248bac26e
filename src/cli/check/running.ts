import { z } from 'zod';
import type { Config } from '../../setup/types.ts';

const stats = z.object({ instance: z.string() });

/** Ms. */
const PATIENCE = 3_000;

/** Whether the HTTP server there is this bridge's own: the same instance. */
export const isOurs = async (url: string, { instance }: Pick<Config, 'instance'>): Promise<boolean> => {
  try {
    const response = await fetch(`${url}/stats`, { signal: AbortSignal.timeout(PATIENCE) });
    return stats.parse(await response.json()).instance === instance;
  } catch {
    return false;
  }
};
