import { namedNodes, type ReadableRequest } from '../envelope/message.ts';
import { Rejection } from '../envelope/rejection.ts';
import { Room } from './room.ts';

export interface SigningQueueOptions {
  /**
   * What requests that wait for their signature may take. Each counts with its text as often as it is held, values and
   * bytes beside it, and with the names of its nodes.
   */
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

/** How often the content of a waiting request is held: its values, its text, and the bytes that are signed. */
const HELD = 3;
/** What a request takes beside: its objects, its filter, its way home, the promises of those who wait. In bytes. */
const OVERHEAD = 4_000;
/** What the name of a node takes beside its text. */
const NODE_OVERHEAD = 100;

const bytesOf = ({ targets }: ReadableRequest, length: number): number =>
  (namedNodes(targets) ?? []).reduce(
    (bytes, node) => bytes + node.length + NODE_OVERHEAD,
    OVERHEAD + length * HELD,
  );

/** What an egress lets wait for signatures. The pool that makes them has no limit, for others wait there too. */
export const createSigningQueue = ({ maxUnsignedBytes, clock }: SigningQueueOptions): SigningQueue => {
  const room = new Room(maxUnsignedBytes, 'requests already wait to be signed');
  return async (request, length, sign) => {
    const { home } = request;
    const check = (): void => {
      if (clock() >= home.expires)
        throw new Rejection('expired', "the request's ttl ended while it waited to be signed");
    };
    const bytes = bytesOf(request, length);
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
