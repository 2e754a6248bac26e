import { Rejection } from '../../envelope/rejection.ts';
import {
  decodeReply,
  decodeRequest,
  decodeSecureReply,
  decodeSecureRequest,
  decodeTransport,
  encodeReply,
  encodeRequest,
  encodeSecureReply,
  encodeSecureRequest,
  encodeTransport,
  type SecureReply,
  verifyHash,
} from '../../wire/choria/index.ts';
import { redactChoriaBody } from './body.ts';
import type { ChoriaCallers } from './choria-callers.ts';
import { type Clean, ofRequest } from './clean.ts';
import type { Redaction } from './values.ts';

const REPLY = /"protocol"\s*:\s*"choria:secure:reply:1"/;
/** Of a reply that was damaged: the checksum of nothing. */
const NO_HASH = Buffer.alloc(32).toString('base64');

/**
 * A message of protocol 1 with other values, signed anew; also one that the bridge passes as it is.
 * @throws Rejection for what cannot be read to its innermost layer
 */
export const redactChoria = (
  payload: Buffer,
  redaction: Redaction,
  callers: ChoriaCallers,
  maxBytes: number,
): Clean => {
  const { data, headers, wrapped } = decodeTransport(payload, { maxBytes });
  const { requestId, text } = REPLY.test(data.toString('utf8', 0, 200))
    ? replyWithout(data, redaction)
    : requestWithout(data, redaction, callers);
  const body = Buffer.from(encodeTransport(text, headers, wrapped ? 'wrapped' : 'plain'));
  return { requestId, body };
};

interface Secure {
  readonly requestId: string;
  readonly text: string;
}

const requestWithout = (data: Buffer, redaction: Redaction, callers: ChoriaCallers): Secure => {
  const secure = decodeSecureRequest(data);
  const wire = decodeRequest(secure.message);
  const { requestId } = wire;
  return ofRequest(requestId, () => {
    const message = encodeRequest({ ...wire, message: redactChoriaBody(wire.message, redaction) });
    return { requestId, text: encodeSecureRequest(callers.sign(secure, wire, message)) };
  });
};

const replyWithout = (data: Buffer, redaction: Redaction): Secure => {
  const secure = decodeSecureReply(data);
  const wire = decodeReply(secure.message);
  const { requestId } = wire;
  const body = ofRequest(requestId, () => redactChoriaBody(wire.message, redaction));
  const message = encodeReply({ ...wire, message: body });
  return { requestId, text: isIntact(secure) ? encodeSecureReply(message) : damaged(message) };
};

const isIntact = (secure: SecureReply): boolean => {
  try {
    verifyHash(secure);
    return true;
  } catch (error) {
    if (error instanceof Rejection) return false;
    throw error;
  }
};

/** What was not intact must not become so. */
const damaged = (message: string): string =>
  JSON.stringify({ protocol: 'choria:secure:reply:1', message, hash: NO_HASH });
