import type { ReadableRequest } from '../../envelope/message.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { bytesOfRequest } from '../../envelope/size.ts';
import { Room } from './room.ts';

export interface SigningQueueOptions {
  /** What requests that wait for their signature may take: each with its values and names, and the text that is signed. */
  readonly maxUnsignedBytes: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/**
 * Lets a request wait for its signature, as long as there is room for it, and no longer than it lives.
 * @param length of the text that is signed
 * @param sign is given a check for the moment when its turn has come
 * @throws Rejection `overloaded` or `expired`
 */
export type SigningQueue = <T>(
  request: ReadableRequest,
  length: number,
  sign: (check: () => void) => Promise<T>,
) => Promise<T>;

/** How often what is signed is held: as the text, and as the bytes of it. */
const HELD = 2;

/** What an egress lets wait for signatures. The pool that makes them has no limit, for others wait there too. */
export const createSigningQueue = ({ maxUnsignedBytes, clock }: SigningQueueOptions): SigningQueue => {
  const room = new Room(maxUnsignedBytes, 'requests already wait to be signed');
  return async (request, length, sign) => {
    const { home } = request;
    const check = (): void => {
      if (clock() >= home.expires)
        throw new Rejection('expired', "the request's ttl ended while it waited to be signed");
    };
    const bytes = bytesOfRequest(request) + length * HELD;
    room.enter(bytes);
    try {
      const signed = await sign(check);
      check();
      return signed;
    } finally {
      room.leave(bytes);
    }
  };
};
