/**
 * What is made anew only where it is older than some ms: for what takes a while to make, and is asked for often.
 * @param clock ms since the epoch
 */
export const keptFor = <T>(ms: number, clock: () => number, make: () => T): (() => T) => {
  let kept: { readonly value: T; readonly made: number } | undefined;
  return () => {
    const now = clock();
    if (kept === undefined || now < kept.made || now >= kept.made + ms) kept = { value: make(), made: now };
    return kept.value;
  };
};
