import { createHash } from 'node:crypto';
import { decodeBase64 } from '../../../codec/base64.ts';
import { formatString } from '../../../codec/json.ts';
import { isCallerId, isIdentity, isToken } from '../../../envelope/check.ts';
import type { RejectionContext } from '../../../envelope/rejection.ts';
import { parseObject, requireProtocol, stringField, utf8 } from './fields.ts';
import type { WireReply } from './reply.ts';
import { encodeTransport, TRANSPORT_V2, type Transport, transportData } from './transport.ts';

/** Requests of protocol 2 are not translated. What is here tells their clients so; see go-choria's protocol/v2. */
const NAMES = 'io.choria.protocol.v2.';
/** KSUIDs, or 32 hex digits. */
const REQUEST_ID = /^[\w-]{1,64}$/;

/** Who waits for an answer to a request of protocol 2. */
export interface Protocol2Claim {
  readonly replyTo: string;
  readonly about: RejectionContext;
}

/**
 * What a request of protocol 2 says of itself. Nothing is verified; what is not well-formed is left out.
 * @returns undefined for any other message, and where there is no address for an answer
 */
export const protocol2Claim = ({ content, replyTo }: Transport): Protocol2Claim | undefined => {
  if (content.protocol !== TRANSPORT_V2 || replyTo === undefined) return undefined;
  try {
    const what = 'the secure request';
    const secure = parseObject(utf8(transportData(content).data, what), what);
    requireProtocol(secure, `${NAMES}secure_request`, what);
    const bytes = decodeBase64(stringField(secure, 'request', what), what);
    const request = parseObject(utf8(bytes, 'the request'), 'the request');
    const field = (name: string, check: (text: string) => boolean): string | undefined => {
      const value = request[name];
      return typeof value === 'string' && check(value) ? value : undefined;
    };
    const requestId = field('id', (id) => REQUEST_ID.test(id));
    const sender = field('sender', isIdentity);
    const caller = field('caller', isCallerId);
    const agent = field('agent', isToken);
    const collective = field('collective', isToken);
    return {
      replyTo,
      about: {
        ...(requestId !== undefined && { requestId }),
        ...(sender !== undefined && { sender }),
        ...(caller !== undefined && { caller }),
        ...(agent !== undefined && { agent }),
        ...(collective !== undefined && { collective }),
      },
    };
  } catch {
    return undefined;
  }
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * A reply of protocol 2, transport and all, without a signature: its clients look at the checksum only (tried with
 * go-choria's). @param reply its time is in seconds, as everywhere; the wire has nanoseconds
 */
export const encodeProtocol2Reply = ({ requestId, senderId, agent, time, message }: WireReply): string => {
  const sender = formatString(senderId);
  const reply =
    `{"protocol":"${NAMES}reply","message":"${base64(message)}","request":${formatString(requestId)},` +
    `"sender":${sender},"agent":${formatString(agent)},"time":${time}000000000}`;
  const hash = createHash('sha256').update(reply).digest('base64');
  const secure = `{"protocol":"${NAMES}secure_reply","reply":"${base64(reply)}","hash":"${hash}"}`;
  const content = { protocol: TRANSPORT_V2, data: `"${base64(secure)}"`, headers: {} };
  return encodeTransport({ content, sender: senderId });
};
