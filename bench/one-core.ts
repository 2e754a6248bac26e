import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const allowed = (): string =>
  /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';

/** All threads that this process has; those that it will have are made like the one that makes them. */
const pin = (cores: string): void => {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(process.pid)]);
};

/**
 * Does something with all threads of this process on one core, the thread pool and the garbage collector included:
 * two cores of one processor are not twice as fast as one, and the time that each takes says nothing of the other's.
 * Needs Linux's `taskset`.
 */
export const onOneCore = async <T>(work: () => Promise<T>): Promise<T> => {
  const before = allowed();
  pin(/^\d+/.exec(before)?.[0] ?? '0');
  try {
    return await work();
  } finally {
    pin(before);
  }
};
