export const NOT_RUNNING = new Error('the app does not run');

/** Work that is done one after the other. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** @param isRunning whether work is done at all, asked when its turn has come; else it is refused */
export const takingTurns = (isRunning: () => Promise<boolean>): InTurn => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(async () => {
      if (!(await isRunning())) throw NOT_RUNNING;
      return await work();
    });
    last = mine.catch(() => undefined);
    return mine;
  };
};
