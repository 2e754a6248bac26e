import { asRejection } from '../../envelope/rejection.ts';

/** A message without what was to be taken out of it. */
export interface Clean {
  /** Of the request that it is, or answers. */
  readonly requestId: string;
  /** Of a request: whose it says it is. */
  readonly callerId?: string;
  readonly body: Buffer;
}

/** Runs a step; what it refuses says whose message it was. */
export const ofRequest = <T>(requestId: string, step: () => T): T => {
  try {
    return step();
  } catch (error) {
    throw asRejection(error, { requestId });
  }
};
