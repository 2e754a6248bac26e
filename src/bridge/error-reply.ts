import { type ReadableReply, type ReadableReplyAddress, UNKNOWN_ERROR } from '../envelope/message.ts';
import type { Rejection } from '../envelope/rejection.ts';
import { denialReply } from './denied.ts';

/**
 * An error cannot be told to discovery, whose clients take any reply as a node found; nor is it worth telling when nobody
 * waits any more, which the reply address says: it ends with its request, where that is not what is wrong.
 * @param now ms since the epoch
 */
export const isAnswerable = (home: ReadableReplyAddress, now: number): boolean =>
  home.agent !== 'discovery' && home.expires > now;

/**
 * The RPC error that tells the person at the client why there is no better answer.
 * @param sender whose reply it stands for, or the bridge
 * @param whose the beginning of the sentence, where a node's reply was refused
 * @param now ms since the epoch
 */
export const errorReply = (
  rejection: Rejection,
  home: ReadableReplyAddress,
  sender: string,
  whose: string,
  now: number,
): ReadableReply => ({
  home,
  sender,
  time: now,
  payload: {
    kind: 'rpc',
    ...(denialReply(rejection) ?? {
      statusCode: UNKNOWN_ERROR,
      statusMessage: `mcbridge: ${whose}${rejection.message} (${rejection.code})`,
    }),
    data: new Map(),
  },
});
