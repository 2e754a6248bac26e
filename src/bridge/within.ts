import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for something at most so long, in ms. */
export const within = async (work: Promise<unknown>, limit: number): Promise<void> => {
  const clock = new AbortController();
  const timeout = sleep(limit, undefined, { signal: clock.signal }).catch(() => undefined);
  await Promise.race([work, timeout]);
  clock.abort();
};
