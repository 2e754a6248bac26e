import { createHash } from 'node:crypto';
import { isOpaque, type ReplyAddress, type Request } from '../envelope/message.ts';
import { MAX_TEXT_BYTES } from '../envelope/text.ts';

/** What replies find their request by. */
export const keyOf = (home: ReplyAddress): string => home.flow ?? addressOf(home);

/** Where the replies to a request go; for those that are read with whose they are. */
export const placeOf = (request: Request): string =>
  isOpaque(request) ? addressOf(request.home) : short(`${addressOf(request.home)} ${request.caller}`);

/**
 * All that replies say of their request that bear no token, or one of the version before. Two addresses are never one text: names
 * of ingresses hold no space.
 */
export const addressOf = ({ ingress, replyTo, requestId }: ReplyAddress): string =>
  short(`${ingress} ${replyTo.length} ${replyTo}${requestId}`);

/** Keys are kept by the thousand, and an opaque request's id is of any length. */
const short = (key: string): string =>
  key.length <= MAX_TEXT_BYTES ? key : createHash('sha256').update(key).digest('base64');
