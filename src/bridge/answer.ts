import type { Answer, AnswerResult } from '../envelope/audit.ts';
import { isOpaqueReply, type Reply, type ReplyAddress } from '../envelope/message.ts';
import type { RouteId } from '../envelope/observer.ts';

/** @param isSent whether it went home */
export const resultOf = (reply: Reply, isSent: boolean): AnswerResult => {
  if (!isSent) return 'refused';
  if (isOpaqueReply(reply)) return 'unread';
  return reply.payload.kind === 'rpc' && reply.payload.statusCode !== 0 ? 'failed' : 'ok';
};

export const answerOf = (
  { flow, requestId, expires }: ReplyAddress,
  route: RouteId | undefined,
  node: string | undefined,
  result: AnswerResult,
): Answer => ({ flow, requestId, expires, route, node, result });
