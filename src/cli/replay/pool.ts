import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ReplayResult } from '../../capture/replay/result.ts';
import { type ReplayTask, replayOne } from './one.ts';

/** Gives a worker one cassette after the other until there are no more, or it is told to leave off. */
const runWorker = (
  next: () => string | undefined,
  task: ReplayTask,
  { onResult, signal }: Pick<ReplayListener, 'onResult' | 'signal'>,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task });
    const more = (): void => {
      const file = signal?.aborted === true ? undefined : next();
      if (file === undefined) void worker.terminate().then(() => resolve());
      else worker.postMessage(file);
    };
    worker.on('message', (result: ReplayResult | null) => {
      if (result !== null) onResult(result);
      more();
    });
    worker.on('error', reject);
    signal?.addEventListener('abort', () => worker.postMessage(null));
    more();
  });

export interface ReplayListener {
  readonly onResult: (result: ReplayResult) => void;
  /** Told now and then how many messages of a cassette were fed, where there is only one. */
  readonly onFed?: (fed: number) => void;
  /** Ends it before its end. */
  readonly signal?: AbortSignal;
}

/**
 * Replays cassettes, several at once on as many cores.
 * @returns the results in the order of the files
 * @throws the signal's reason where it is aborted
 */
export const replayAll = async (
  files: readonly string[],
  task: ReplayTask,
  { onResult, ...how }: ReplayListener,
): Promise<readonly ReplayResult[]> => {
  const results = new Map<string, ReplayResult>();
  const done = (result: ReplayResult): void => {
    results.set(result.file, result);
    onResult(result);
  };
  const left = [...files];
  const workers = Math.min(availableParallelism(), files.length);
  if (workers <= 1) for (const file of files) done(await replayOne(file, task, how));
  else {
    const listener = { onResult: done, ...(how.signal && { signal: how.signal }) };
    await Promise.all(Array.from({ length: workers }, () => runWorker(() => left.shift(), task, listener)));
  }
  how.signal?.throwIfAborted();
  return files.flatMap((file) => {
    const result = results.get(file);
    return result === undefined ? [] : [result];
  });
};
