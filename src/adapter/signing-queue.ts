import type { Request } from '../envelope/message.ts';
import { Rejection } from '../envelope/rejection.ts';

export interface SigningQueueOptions {
  /** Requests that may wait for their signature. */
  readonly maxUnsigned: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/**
 * Lets a request wait for its signature, as one of so many, and no longer than it lives.
 * @param sign is given a check for the moment when its turn has come
 * @throws Rejection `overloaded` or `expired`
 */
export type SigningQueue = <T>(request: Request, sign: (check: () => void) => Promise<T>) => Promise<T>;

/** What an egress lets wait for signatures. The pool that makes them has no limit, for others wait there too. */
export const createSigningQueue = ({ maxUnsigned, clock }: SigningQueueOptions): SigningQueue => {
  let unsigned = 0;
  return async ({ home }, sign) => {
    if (unsigned >= maxUnsigned)
      throw new Rejection('overloaded', `${maxUnsigned} requests already wait to be signed`);
    const check = (): void => {
      if (clock() >= home.expires * 1000)
        throw new Rejection('expired', "the request's ttl ended while it waited to be signed");
    };
    unsigned++;
    try {
      const signed = await sign(check);
      check();
      return signed;
    } finally {
      unsigned--;
    }
  };
};
