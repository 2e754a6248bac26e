import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for work, but not for ever. What it fails with later is nobody's any more.
 * @returns whether it was done in so many ms; rejects as the work does
 */
export const inTime = async (work: Promise<unknown>, milliseconds: number): Promise<boolean> => {
  const ended = new AbortController();
  const late = sleep(milliseconds, true, { ref: false, signal: ended.signal }).catch(() => false);
  try {
    if (!(await Promise.race([work.then(() => false), late]))) return true;
  } finally {
    ended.abort();
  }
  work.catch(() => undefined);
  return false;
};
