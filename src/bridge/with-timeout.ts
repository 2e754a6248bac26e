import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for something at most so long, in ms. Unlike p-timeout it goes on in the same few microtasks: new rules must hold
 * before a side that has left fails for its closed link.
 */
export const withTimeout = async (work: Promise<unknown>, limit: number): Promise<void> => {
  const clock = new AbortController();
  const timeout = sleep(limit, undefined, { signal: clock.signal }).catch(() => undefined);
  await Promise.race([work, timeout]);
  clock.abort();
};
