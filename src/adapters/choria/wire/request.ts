import { createHash } from 'node:crypto';
import { isCallerId, isIdentity, isRequestId, isSender, isToken } from '../../../envelope/check.ts';
import type { Filter } from '../../../envelope/filter.ts';
import { Rejection, type RejectionContext } from '../../../envelope/rejection.ts';
import {
  integerField,
  type JsonObject,
  objectField,
  parseObject,
  refuseTwins,
  requireProtocol,
  stringField,
} from './fields.ts';
import { type CompoundStyle, decodeFilter, encodeFilter } from './filter.ts';

const PROTOCOL = 'choria:request:1';
const WHAT = 'the request';
const FIELDS: ReadonlySet<string> = new Set(['protocol', 'message', 'envelope']);
const ENVELOPE_FIELDS: ReadonlySet<string> = new Set([
  'requestid',
  'senderid',
  'callerid',
  'filter',
  'collective',
  'agent',
  'ttl',
  'time',
]);

/** The schema of `choria:request:1` asks for any 32 characters; clients write lower-case hex. */
const ID_CHARS = 32;

export const isChoriaRequestId = (text: string): boolean =>
  isRequestId(text) && [...text].length === ID_CHARS;

/** What passes unchanged: the rest could be read in two ways on its way through subjects and logs. */
const PLAIN_ID = /^[\w-]{32}$/;

/**
 * The id that Choria's nodes get for a request: its own where it is one of theirs, else one that is made of it and is the same
 * each time, so that the carrier of the replies knows it again.
 */
export const choriaRequestId = (id: string): string =>
  PLAIN_ID.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, ID_CHARS);

/** The signed request but for its filter, which costs most to read. `message` is the agent's body, see `decodeRequestBody`. */
export interface WireRequestClaim {
  readonly requestId: string;
  readonly senderId: string;
  /** A claim until `CallerVerifier.verify` has seen it. */
  readonly callerId: string;
  readonly collective: string;
  readonly agent: string;
  /** Seconds. */
  readonly ttl: number;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly message: string;
}

export interface WireRequest extends WireRequestClaim {
  readonly filter: Filter;
}

/** A request whose filter is read only when it is asked for, once the signature over it is known to be good. */
export interface UnreadRequest extends WireRequestClaim {
  /** @throws Rejection `missing_field`, `invalid_field`, `unsupported_filter` */
  readonly readFilter: () => Filter;
}

/**
 * A string field that passes a check of the envelope's.
 * @throws Rejection `missing_field`, or `code`
 */
export const checkedField = (
  envelope: JsonObject,
  name: string,
  what: string,
  check: (text: string) => boolean,
  code: 'invalid_field' | 'invalid_callerid' = 'invalid_field',
): string => {
  const text = stringField(envelope, name, what);
  if (!check(text)) throw new Rejection(code, `the ${name} of ${what} is not a valid ${name}`);
  return text;
};

const known = (envelope: JsonObject, name: string, check: (text: string) => boolean): string | undefined => {
  const text = envelope[name];
  return typeof text === 'string' && check(text) ? text : undefined;
};

/** What a refused message says of itself, for logs; only what is well-formed, so that no log line can be forged. */
export const messageContext = (envelope: JsonObject): RejectionContext => {
  const requestId = known(envelope, 'requestid', isChoriaRequestId);
  const sender = known(envelope, 'senderid', isIdentity);
  const caller = known(envelope, 'callerid', isCallerId);
  const agent = known(envelope, 'agent', isToken);
  const collective = known(envelope, 'collective', isToken);
  return {
    ...(requestId !== undefined && { requestId }),
    ...(sender !== undefined && { sender }),
    ...(caller !== undefined && { caller }),
    ...(agent !== undefined && { agent }),
    ...(collective !== undefined && { collective }),
  };
};

/** Runs a decoder; what it refuses says whose message it was. */
export const inContext = <T>(envelope: JsonObject, decode: () => T): T => {
  try {
    return decode();
  } catch (error) {
    throw error instanceof Rejection ? error.with(messageContext(envelope)) : error;
  }
};

/**
 * @param text the `message` of a secure request
 * @throws Rejection `malformed_json`, `wrong_protocol`, `missing_field`, `invalid_field`, `invalid_callerid`
 */
export const decodeUnreadRequest = (text: string): UnreadRequest => {
  const object = parseObject(text, WHAT);
  requireProtocol(object, PROTOCOL, WHAT);
  refuseTwins(object, FIELDS, WHAT);
  const envelope = objectField(object, 'envelope', WHAT);
  return inContext(envelope, () => {
    refuseTwins(envelope, ENVELOPE_FIELDS, WHAT);
    return {
      requestId: checkedField(envelope, 'requestid', WHAT, isChoriaRequestId),
      senderId: checkedField(envelope, 'senderid', WHAT, isSender),
      callerId: checkedField(envelope, 'callerid', WHAT, isCallerId, 'invalid_callerid'),
      collective: checkedField(envelope, 'collective', WHAT, isToken),
      agent: checkedField(envelope, 'agent', WHAT, isToken),
      ttl: integerField(envelope, 'ttl', WHAT),
      time: integerField(envelope, 'time', WHAT),
      message: stringField(object, 'message', WHAT),
      readFilter: () => inContext(envelope, () => decodeFilter(objectField(envelope, 'filter', WHAT))),
    };
  });
};

/**
 * The whole request at once, for who trusts its sender or only looks at it.
 * @throws Rejection as `decodeUnreadRequest`, and `unsupported_filter`
 */
export const decodeRequest = (text: string): WireRequest => {
  const { readFilter, ...claim } = decodeUnreadRequest(text);
  return { ...claim, filter: readFilter() };
};

/**
 * The request as JSON text, ready to be signed.
 * @param options.compound how compound filters are written; token lists unless told
 * @throws Rejection `unsupported_filter` for a compound filter that cannot be written so
 */
export const encodeRequest = (
  request: WireRequest,
  { compound = 'tokens' }: { readonly compound?: CompoundStyle } = {},
): string =>
  JSON.stringify({
    protocol: PROTOCOL,
    message: request.message,
    envelope: {
      requestid: request.requestId,
      senderid: request.senderId,
      callerid: request.callerId,
      filter: encodeFilter(request.filter, compound),
      collective: request.collective,
      agent: request.agent,
      ttl: request.ttl,
      time: request.time,
    },
  });
