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
  formatJson,
  parseJson,
  requireProtocol1,
  type SecureReply,
  transportContent,
  transportData,
  tryDecodeBase64,
  verifyHash,
} from '../../adapters/choria/wire/index.ts';
import type { CleanMessage } from '../../adapters/kit/own-wire.ts';
import { EMPTY_FILTER } from '../../envelope/filter.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../../envelope/value.ts';
import { redactChoriaBody } from './body.ts';
import type { ChoriaCallers } from './choria-callers.ts';
import { ofRequest } from './of-request.ts';
import type { Redaction } from './values.ts';

const REPLY = /"protocol"\s*:\s*"choria:secure:reply:1"/;
/** Of a reply that was damaged: the checksum of nothing. */
const NO_HASH = Buffer.alloc(32).toString('base64');
const NO_BASE64 = '!';

/**
 * A message of protocol 1 with other values, signed anew; also one that the bridge passes unchanged.
 * @throws Rejection for what cannot be read to its innermost layer
 */
export const redactChoria = (
  payload: Buffer,
  redaction: Redaction,
  callers: ChoriaCallers,
  maxBytes: number,
): CleanMessage => {
  const { content, ...headers } = decodeTransport(payload, { maxBytes });
  requireProtocol1(content);
  const { data, wrapped } = transportData(content);
  const { text, ...about } = REPLY.test(data.toString('utf8', 0, 200))
    ? replyWithout(data, redaction)
    : requestWithout(data, redaction, callers);
  // Without unknown headers: their content is unknown.
  const clean = transportContent(text, wrapped ? 'wrapped' : 'plain');
  return { ...about, body: Buffer.from(encodeTransport({ ...headers, content: clean })) };
};

interface Secure extends Omit<CleanMessage, 'body'> {
  readonly text: string;
}

const requestWithout = (data: Buffer, redaction: Redaction, callers: ChoriaCallers): Secure => {
  const secure = decodeSecureRequest(data);
  const wire = decodeRequest(secure.message);
  const { requestId, callerId } = wire;
  return ofRequest(requestId, () => {
    const body = redactChoriaBody(wire.message, redaction);
    const message = withFilterOf(
      secure.message,
      encodeRequest({ ...wire, filter: EMPTY_FILTER, message: body }),
    );
    return { requestId, callerId, text: encodeSecureRequest(callers.sign(secure, wire, message)) };
  });
};

/** The protocol's own; `collective` is in those of discovery. */
const FILTERS: ReadonlySet<string> = new Set([
  'fact',
  'cf_class',
  'agent',
  'identity',
  'compound',
  'collective',
]);

const mapIn = (value: Value | undefined, key: string): ValueMap => {
  const found = value !== undefined && isMap(value) ? value.get(key) : undefined;
  return found !== undefined && isMap(found) ? found : new Map();
};

/** With the filter as its sender has written it: there are several ways, and what it becomes depends on which. */
const withFilterOf = (original: string, request: string): string => {
  const filter = [...mapIn(mapIn(parseJson(original), 'envelope'), 'filter')];
  const clean = parseJson(request);
  const envelope = new Map(mapIn(clean, 'envelope')).set(
    'filter',
    new Map(filter.filter(([name]) => FILTERS.has(name))),
  );
  return isMap(clean) ? formatJson(new Map(clean).set('envelope', envelope)) : request;
};

const replyWithout = (data: Buffer, redaction: Redaction): Secure => {
  const secure = decodeSecureReply(data);
  const wire = decodeReply(secure.message);
  const { requestId } = wire;
  const reply = `${requestId} ${wire.senderId}`;
  const body = ofRequest(requestId, () => redactChoriaBody(wire.message, { ...redaction, reply }));
  const message = encodeReply({ ...wire, message: body });
  return { requestId, text: isIntact(secure) ? encodeSecureReply(message) : damaged(secure, message) };
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
const damaged = ({ hash }: SecureReply, message: string): string =>
  JSON.stringify({
    protocol: 'choria:secure:reply:1',
    message,
    hash: tryDecodeBase64(hash) === undefined ? NO_BASE64 : NO_HASH,
  });
