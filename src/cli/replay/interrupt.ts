import { constants } from 'node:os';

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
 * Work that leaves nothing behind where a signal ends it: half a cassette, or keys. A second signal ends the process.
 * @throws Interrupted
 */
export const interruptible = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const interrupt = (by: NodeJS.Signals): void => {
    stop();
    if (by === 'SIGINT' || by === 'SIGTERM') controller.abort(new Interrupted(by));
  };
  const stop = (): void => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    stop();
  }
};
