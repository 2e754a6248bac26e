import type { ReadableRequest } from '../../envelope/message.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { bytesOfRequest } from '../../envelope/size.ts';
import { ByteBudget } from './byte-budget.ts';

export interface SigningQueueOptions {
  /** What requests that wait for their signature may take: each with its values and names, and the text that is signed. */
  readonly maxUnsignedBytes: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/**
 * Lets a request wait for its signature, if there is room for it, and until its ttl ends.
 * @param length of the text that is signed
 * @param sign is given a check for the moment when its turn has come
 * @throws Rejection `overloaded` or `expired`
 */
export type SigningQueue = <T>(
  request: ReadableRequest,
  length: number,
  sign: (check: () => void) => Promise<T>,
) => Promise<T>;

/** A signed text is held twice: as the text, and as its bytes. */
const COPIES_HELD = 2;

/** The requests of an egress that wait for signatures. The pool itself has no limit, for others wait there too. */
export const createSigningQueue = ({ maxUnsignedBytes, clock }: SigningQueueOptions): SigningQueue => {
  const budget = new ByteBudget(maxUnsignedBytes, 'requests already wait to be signed');
  return async (request, length, sign) => {
    const { home } = request;
    const check = (): void => {
      if (clock() >= home.expires)
        throw new Rejection('expired', "the request's ttl ended while it waited to be signed");
    };
    const bytes = bytesOfRequest(request) + length * COPIES_HELD;
    budget.reserve(bytes);
    try {
      const signed = await sign(check);
      check();
      return signed;
    } finally {
      budget.release(bytes);
    }
  };
};
