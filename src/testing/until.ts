const TIMEOUT_MS = 10_000;

/**
 * Waits for what is about to happen.
 * @param what ends the sentence "in vain waited until …"
 * @throws Error where it has not happened within ten seconds
 */
export const until = async (what: string, isSo: () => boolean): Promise<void> => {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};
