const DAY_MS = 24 * 3600 * 1000;
/** Before a certificate's end, when it is told; 0 is the end. */
const STEPS_DAYS = [0, 1, 7, 30];

/**
 * Which step a certificate has come to: within how many days it ends, 0 where it has ended, undefined where there is time.
 * @param left ms until its end
 */
export const stepBeforeEnd = (left: number): number | undefined =>
  STEPS_DAYS.find((days) => left <= days * DAY_MS);
