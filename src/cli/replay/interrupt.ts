import { constants } from 'node:os';
import { onEnd } from '../orders.ts';

/** A signal has ended the work before its end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** As shells have it of a process that a signal has ended. */
  readonly exitCode: number;

  constructor(by: 'SIGINT' | 'SIGTERM') {
    super('interrupted: what was not replayed to its end is as it was');
    this.exitCode = 128 + constants.signals[by];
  }
}

/**
 * Work that leaves nothing behind where a signal ends it, such as half a cassette. A second signal ends the process.
 * @throws Interrupted
 */
export const interruptible = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const stop = onEnd(
    (by) => controller.abort(new Interrupted(by)),
    (by) => process.exit(128 + constants.signals[by]),
  );
  try {
    return await work(controller.signal);
  } finally {
    stop();
  }
};
