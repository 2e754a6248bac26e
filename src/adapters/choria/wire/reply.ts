import { formatString } from '../../../codec/json.ts';
import { isIdentity, isToken } from '../../../envelope/check.ts';
import { integerField, objectField, parseObject, requireProtocol, stringField } from './fields.ts';
import { checkedField, inContext, isChoriaRequestId } from './request.ts';

const PROTOCOL = 'choria:reply:1';
const WHAT = 'the reply';

/** A node's reply; `message` is the agent's body, see `decodeReplyBody`. */
export interface WireReply {
  readonly requestId: string;
  /** The node's identity. */
  readonly senderId: string;
  readonly agent: string;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly message: string;
}

/**
 * @param text the `message` of a secure reply
 * @throws Rejection `malformed_json`, `wrong_protocol`, `missing_field`, `invalid_field`
 */
export const decodeReply = (text: string): WireReply => {
  const object = parseObject(text, WHAT);
  requireProtocol(object, PROTOCOL, WHAT);
  const envelope = objectField(object, 'envelope', WHAT);
  return inContext(envelope, () => ({
    requestId: checkedField(envelope, 'requestid', WHAT, isChoriaRequestId),
    senderId: checkedField(envelope, 'senderid', WHAT, isIdentity),
    agent: checkedField(envelope, 'agent', WHAT, isToken),
    time: integerField(envelope, 'time', WHAT),
    message: stringField(object, 'message', WHAT),
  }));
};

/** The reply as JSON text. */
export const encodeReply = (reply: WireReply): string =>
  `{"protocol":"${PROTOCOL}","message":${formatString(reply.message)},"envelope":{` +
  `"senderid":${formatString(reply.senderId)},"requestid":${formatString(reply.requestId)},` +
  `"agent":${formatString(reply.agent)},"time":${reply.time}}}`;
