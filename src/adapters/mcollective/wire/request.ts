import type { KeyObject } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../../../codec/base64.ts';
import { RubyFloat, RubyHash, type RubyValue, symbol } from '../../../codec/ruby/value.ts';
import { shown } from '../../../codec/shown.ts';
import { isCallerId, isSender, isToken } from '../../../envelope/check.ts';
import type { Filter } from '../../../envelope/filter.ts';
import type { RequestPayload } from '../../../envelope/message.ts';
import { Rejection, type RejectionContext } from '../../../envelope/rejection.ts';
import { filterCollective, filterFromRuby, filterToRuby } from './filter.ts';
import { requestPayloadFromRuby, requestPayloadToRuby } from './payload.ts';
import { type IdForm, requestIdFrom, requestIdToRuby } from './request-id.ts';
import type { Serializer } from './serializer.ts';
import { signDocument, verifyDocument } from './signature.ts';
import { binary, fieldBytes, fieldText } from './text.ts';

/** A legacy request, both layers of it. Times in seconds. */
export interface LegacyRequest {
  readonly requestId: string;
  /** Undefined for a text. */
  readonly idForm?: IdForm;
  readonly senderId: string;
  readonly callerId: string;
  readonly collective: string;
  readonly agent: string;
  readonly ttl: number;
  readonly time: number;
  readonly filter: Filter;
  readonly payload: RequestPayload;
}

/** The signed document: the payload with the ttl and time that daemons hold the outer ones against. */
export const encodeRequestBody = (request: LegacyRequest, serializer: Serializer): Buffer =>
  serializer.encode(
    new RubyHash([
      [symbol('ssl_msg'), requestPayloadToRuby(request.payload, request.agent, request.callerId)],
      [symbol('ssl_ttl'), request.ttl],
      [symbol('ssl_msgtime'), request.time],
    ]),
  );

/** The whole message around a signed document. */
export const encodeSignedRequest = (
  request: LegacyRequest,
  body: Buffer,
  signature: Uint8Array,
  serializer: Serializer,
): Buffer =>
  serializer.encode(
    new RubyHash([
      [symbol('body'), serializer.name === 'yaml' ? body.toString('utf8') : binary(body)],
      [symbol('senderid'), request.senderId],
      [symbol('requestid'), requestIdToRuby(idOf(request))],
      [symbol('filter'), filterToRuby(request.filter)],
      [symbol('collective'), request.collective],
      [symbol('agent'), request.agent],
      [symbol('callerid'), request.callerId],
      [symbol('ttl'), request.ttl],
      [symbol('msgtime'), request.time],
      [symbol('hash'), encodeBase64(signature, 'wrapped')],
    ]),
  );

const idOf = ({ requestId: text, idForm: form }: Pick<LegacyRequest, 'requestId' | 'idForm'>) => ({
  text,
  ...(form !== undefined && { form }),
});

/** Signs once; the result serves every target. */
export const encodeRequest = async (
  request: LegacyRequest,
  key: KeyObject,
  serializer: Serializer,
): Promise<Buffer> => {
  const body = encodeRequestBody(request, serializer);
  return encodeSignedRequest(request, body, await signDocument(body, key), serializer);
};

/** A request as it came in: nothing of it is proven before {@link verifyRequest}. */
export interface SignedRequest {
  readonly requestId: string;
  /** Undefined for a text. */
  readonly idForm?: IdForm;
  readonly senderId: string;
  readonly callerId: string;
  readonly collective: string;
  readonly agent: string;
  readonly ttl: number;
  readonly time: number;
  /** The collective that the filter echoes, where it does. */
  readonly filterCollective: string | undefined;
  /**
   * For once the signature is known to be good: anybody can send what takes long to read.
   * @throws Rejection `missing_field`, `invalid_field`, `unsupported_filter`
   */
  readonly readFilter: () => Filter;
  /** The signed bytes. */
  readonly body: Buffer;
  readonly signature: Buffer;
}

/** @throws Rejection for what is not a request, with what the message says of itself as context */
export const decodeRequest = (bytes: Uint8Array, serializer: Serializer): SignedRequest => {
  const hash = serializer.decodeOuter(bytes);
  if (!(hash instanceof RubyHash)) throw new Rejection('wrong_protocol', 'the message is not a hash');
  try {
    return requestFrom(hash);
  } catch (error) {
    throw error instanceof Rejection ? error.with(claimsOf(hash)) : error;
  }
};

/** Those fields of a damaged message that are as they should be. */
const claimsOf = (hash: RubyHash): RejectionContext => {
  const claim = (field: string, check: (text: string) => boolean): string | undefined => {
    const value = fieldText(hash.symbol(field));
    return value !== undefined && check(value) ? value : undefined;
  };
  const requestId = requestIdFrom(hash.symbol('requestid'))?.text;
  const sender = claim('senderid', isSender);
  const caller = claim('callerid', isCallerId);
  const agent = claim('agent', isToken);
  const collective = claim('collective', isToken);
  return {
    ...(requestId !== undefined && { requestId }),
    ...(sender !== undefined && { sender }),
    ...(caller !== undefined && { caller }),
    ...(agent !== undefined && { agent }),
    ...(collective !== undefined && { collective }),
  };
};

const requestFrom = (hash: RubyHash): SignedRequest => {
  const text = (name: string, check: (text: string) => boolean): string => {
    const value = fieldText(hash.symbol(name));
    if (value === undefined) throw new Rejection('missing_field', `the request has no :${name}`);
    if (!check(value))
      throw new Rejection(
        name === 'callerid' ? 'invalid_callerid' : 'invalid_field',
        `the request's :${name} ${shown(value)} is not a valid one`,
      );
    return value;
  };
  const id = requestIdFrom(hash.symbol('requestid'));
  if (id === undefined)
    throw hash.symbol('requestid') === undefined
      ? new Rejection('missing_field', 'the request has no :requestid')
      : new Rejection('invalid_field', "the request's :requestid is not one of 1 to 255 bytes");
  return {
    requestId: id.text,
    ...(id.form !== undefined && { idForm: id.form }),
    senderId: text('senderid', isSender),
    callerId: text('callerid', isCallerId),
    collective: text('collective', isToken),
    agent: text('agent', isToken),
    ttl: secondsField(hash, 'ttl'),
    time: secondsField(hash, 'msgtime'),
    filterCollective: filterCollective(hash.symbol('filter')),
    readFilter: () => filterFromRuby(hash.symbol('filter'), fieldText(hash.symbol('collective'))),
    ...signedBody(hash),
  };
};

const secondsField = (hash: RubyHash, name: string): number => {
  const seconds = secondsOf(hash.symbol(name));
  if (seconds === undefined) throw new Rejection('missing_field', `the message has no integer :${name}`);
  return seconds;
};

/** Whole seconds of any number, as daemons compute with each of them; what is too large is as large as can be. */
const secondsOf = (value: RubyValue | undefined): number | undefined => {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return value < 0n ? -1 : Number.MAX_SAFE_INTEGER;
  if (!(value instanceof RubyFloat) || Number.isNaN(value.value)) return undefined;
  return Math.min(Math.max(Math.floor(value.value), -1), Number.MAX_SAFE_INTEGER);
};

/** The signed document and its signature. */
export const signedBody = (hash: RubyHash): { readonly body: Buffer; readonly signature: Buffer } => {
  const body = fieldBytes(hash.symbol('body'));
  const text = fieldText(hash.symbol('hash'));
  if (body === undefined) throw new Rejection('missing_field', 'the message has no :body');
  if (text === undefined) throw new Rejection('missing_field', 'the message has no :hash');
  return { body, signature: decodeBase64(text, 'the :hash') };
};

/** What is odd about the times that are signed: there are none, or they are not those outside. */
export type Oddity = 'unsigned' | 'differs';

/** How strictly a request's ttl and time are held against the signed ones. */
export interface TtlOptions {
  /** MCollective's `plugin.ssl.enforce_ttl`: without it, what is unsigned or differs is only noted. */
  readonly enforceTtl: boolean;
  readonly note?: (text: string, kind: Oddity) => void;
}

/**
 * The verified request: the signature is the caller's, and what the signature covers agrees with what it leaves
 * open, as far as the payload repeats it (MCollective's ssl.rb checks ttl and time; agent and caller are ours).
 * @throws Rejection `invalid_signature`, `agent_mismatch`, `caller_mismatch`, `missing_field`, `invalid_field`, `unsupported_filter`
 */
export const verifyRequest = (
  signed: SignedRequest,
  key: KeyObject,
  serializer: Serializer,
  options: TtlOptions = { enforceTtl: true },
): LegacyRequest => {
  if (!verifyDocument(signed.body, signed.signature, key))
    throw new Rejection('invalid_signature', `the signature is not one of ${signed.callerId}`);
  const inner = serializer.decode(signed.body);
  const { message, ttl, time } =
    inner instanceof RubyHash ? signedParts(inner, signed, options) : bareParts(inner, signed, options);
  const { payload, agent, caller } = requestPayloadFromRuby(message);
  checkAgent(signed.agent, payload, agent);
  if (caller !== undefined && caller !== signed.callerId)
    throw new Rejection(
      'caller_mismatch',
      `the message says ${signed.callerId}, its signed payload ${shown(caller)}`,
    );
  const { body: _body, signature: _signature, filterCollective: _echo, readFilter, ...fields } = signed;
  return { ...fields, ttl, time, filter: readFilter(), payload };
};

interface SignedParts {
  readonly message: RubyValue;
  readonly ttl: number;
  readonly time: number;
}

/** A hash of a client before MCollective 2.0, or of another language's, is the payload itself, with or without a time. */
const signedParts = (inner: RubyHash, signed: SignedRequest, options: TtlOptions): SignedParts => {
  const message = inner.symbol('ssl_msg');
  const isBare = message === undefined && inner.symbol('ssl_ttl') === undefined;
  return isBare
    ? bareParts(inner, signed, options)
    : {
        message: message ?? inner,
        ttl: signedNumber(inner, 'ssl_ttl', signed.ttl, 'ttl', options),
        time: signedNumber(inner, 'ssl_msgtime', signed.time, 'message time', options),
      };
};

/** A holder of such a document can send it again at any time, with another time beside it. */
const bareParts = (message: RubyValue, { ttl, time }: SignedRequest, options: TtlOptions): SignedParts => {
  const problem = 'the signed document has no :ssl_msg: its ttl and time are not signed';
  if (options.enforceTtl) throw new Rejection('missing_field', `${problem}, and enforce_ttl asks for that`);
  options.note?.(problem, 'unsigned');
  return { message, ttl, time };
};

/** ssl.rb's `update_secure_property`: the signed value counts wherever there is one. */
const signedNumber = (
  inner: RubyHash,
  name: string,
  outer: number,
  what: string,
  { enforceTtl, note }: TtlOptions,
): number => {
  const value = inner.symbol(name);
  const signed = secondsOf(value);
  if (signed === outer) return outer;
  const problem =
    value === undefined ? `the signed document has no :${name}` : `the ${what} differs from the signed one`;
  if (enforceTtl) throw new Rejection(value === undefined ? 'missing_field' : 'invalid_field', problem);
  if (value !== undefined && signed === undefined)
    throw new Rejection('invalid_field', `the signed document's :${name} is not an integer`);
  note?.(problem, value === undefined ? 'unsigned' : 'differs');
  return signed ?? outer;
};

const DISCOVERY = 'discovery';

/** A signed ping names no agent, but is the question of one only; and that one is asked nothing else. */
const checkAgent = (outer: string, payload: RequestPayload, signed: string | undefined): void => {
  if (payload.kind === 'rpc' && outer === DISCOVERY)
    throw new Rejection('unsupported_body', 'the agent discovery understands a ping only');
  const inner = payload.kind === 'discovery' ? DISCOVERY : signed;
  if (inner !== undefined && inner !== outer)
    throw new Rejection(
      'agent_mismatch',
      `the message is for agent ${outer}, its signed payload for ${shown(inner)}`,
    );
};
