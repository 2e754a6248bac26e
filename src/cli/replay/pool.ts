import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ReplayResult } from '../../replay/result.ts';
import { type ReplayTask, replayOne } from './one.ts';

/** Gives a worker one cassette after the other until there are no more. */
const runWorker = (
  next: () => string | undefined,
  task: ReplayTask,
  onResult: (result: ReplayResult) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task });
    const more = (): void => {
      const file = next();
      if (file === undefined) void worker.terminate().then(() => resolve());
      else worker.postMessage(file);
    };
    worker.on('message', (result: ReplayResult) => {
      onResult(result);
      more();
    });
    worker.on('error', reject);
    more();
  });

export interface ReplayListener {
  readonly onResult: (result: ReplayResult) => void;
  /** Told now and then how many messages of a cassette were fed, where there is only one. */
  readonly onFed?: (fed: number) => void;
}

/**
 * Replays cassettes, several at once on as many cores.
 * @returns the results in the order of the files
 */
export const replayAll = async (
  files: readonly string[],
  task: ReplayTask,
  { onResult, onFed }: ReplayListener,
): Promise<readonly ReplayResult[]> => {
  const results = new Map<string, ReplayResult>();
  const done = (result: ReplayResult): void => {
    results.set(result.file, result);
    onResult(result);
  };
  const left = [...files];
  const workers = Math.min(availableParallelism(), files.length);
  if (workers <= 1) for (const file of files) done(await replayOne(file, task, onFed));
  else await Promise.all(Array.from({ length: workers }, () => runWorker(() => left.shift(), task, done)));
  return files.flatMap((file) => {
    const result = results.get(file);
    return result === undefined ? [] : [result];
  });
};
