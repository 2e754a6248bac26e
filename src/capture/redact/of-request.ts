import { asRejection } from '../../envelope/rejection.ts';

/** Runs a step; what it refuses says whose message it was. */
export const ofRequest = <T>(requestId: string, step: () => T): T => {
  try {
    return step();
  } catch (error) {
    throw asRejection(error, { requestId });
  }
};
