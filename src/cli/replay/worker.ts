import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import type { ReplayResult } from '../../capture/replay/result.ts';
import { replayOne } from './one.ts';

/** Replays the cassettes that it is sent the names of, one by one; null has it leave off, which null is the answer to. */
const task = z
  .object({
    config: z.string(),
    bytes: z.boolean(),
    update: z.boolean(),
    throwAwayKeys: z.boolean(),
  })
  .parse(workerData);

const stop = new AbortController();

const replay = async (file: string): Promise<ReplayResult | null> => {
  try {
    return await replayOne(file, task, { signal: stop.signal });
  } catch (error) {
    if (error === stop.signal.reason) return null;
    throw error;
  }
};

parentPort?.on('message', (message: unknown) => {
  const file = z.string().nullable().parse(message);
  // An error that is not a result is a bug: it ends the worker, and its starter reports it.
  if (file === null) stop.abort();
  else void replay(file).then((result) => parentPort?.postMessage(result));
});
