import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { replayOne } from './one.ts';

/** Replays the cassettes that it is sent the names of, one by one. */
const task = z
  .object({
    config: z.string(),
    bytes: z.boolean(),
    update: z.boolean(),
    throwAwayKeys: z.boolean(),
  })
  .parse(workerData);

parentPort?.on('message', (file: unknown) => {
  // An error that is no result is a bug: it ends the worker, and whoever started it tells it.
  void replayOne(z.string().parse(file), task).then((result) => parentPort?.postMessage(result));
});
