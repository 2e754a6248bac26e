import crypto, { createHash, createSign, type KeyObject } from 'node:crypto';
import { type Base64Style, encodeBase64, encodeBase64Json, tryDecodeBase64 } from '../../../codec/base64.ts';
import { formatString } from '../../../codec/json.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { parseObject, refuseTwins, requireProtocol, stringField, utf8 } from './fields.ts';

const REQUEST = 'choria:secure:request:1';
const REPLY = 'choria:secure:reply:1';
const REQUEST_FIELDS: ReadonlySet<string> = new Set(['protocol', 'message', 'signature', 'pubcert']);

/** A signed request, not yet verified. */
export interface SecureRequest {
  /** The request as JSON text; its UTF-8 bytes are what is signed. */
  readonly message: string;
  /** Base64 of an RSA PKCS#1 v1.5 signature with SHA-256. */
  readonly signature: string;
  /** PEM: the caller's certificate, then any intermediates. */
  readonly pubcert: string;
}

/** A reply with its checksum. Protocol 1 signs no replies: a client that can publish can make one. */
export interface SecureReply {
  /** The reply as JSON text. */
  readonly message: string;
  /** Base64 of the SHA-256 of the message. */
  readonly hash: string;
}

const HALF_PAIR = /[\ud800-\udfff]/u;

/**
 * The message as what was signed and what is read must be one thing: `"\ud800"` has no UTF-8 form, so its bytes would
 * be those of another text.
 */
const messageField = (object: ReturnType<typeof parseObject>, what: string): string => {
  const message = stringField(object, 'message', what);
  if (HALF_PAIR.test(message))
    throw new Rejection('invalid_field', `the message of ${what} is not Unicode text`);
  return message;
};

/** @throws Rejection `malformed_json`, `wrong_protocol`, `missing_field`, `invalid_field` */
export const decodeSecureRequest = (data: Uint8Array): SecureRequest => {
  const what = 'the secure request';
  const object = parseObject(utf8(data, what), what);
  requireProtocol(object, REQUEST, what);
  refuseTwins(object, REQUEST_FIELDS, what);
  return {
    message: messageField(object, what),
    signature: stringField(object, 'signature', what),
    pubcert: stringField(object, 'pubcert', what),
  };
};

export const encodeSecureRequest = (request: SecureRequest): string =>
  `{"protocol":"${REQUEST}","message":${formatString(request.message)},` +
  `"signature":${formatString(request.signature)},"pubcert":${formatString(request.pubcert)}}`;

/**
 * Signs a request as its caller, or with a privileged certificate on a caller's behalf.
 * @param message the request as JSON text, see `encodeRequest`
 * @param privateKey an RSA key
 * @param pubcert the PEM of that key's certificate, and of intermediates
 * @param style Ruby's clients break the signature's lines, but write no line feed at its end
 */
export const signSecureRequest = (
  message: string,
  privateKey: KeyObject,
  pubcert: string,
  style: Base64Style = 'plain',
): SecureRequest => {
  const signature = createSign('sha256').update(message, 'utf8').sign(privateKey);
  return { message, signature: encodeBase64(signature, style).trimEnd(), pubcert };
};

/**
 * Writes secure requests that are signed elsewhere, such as in a pool of threads, all with one certificate: it is
 * most of their text, and is made JSON of once.
 * @returns a function of the request as JSON text, and of the signature of its UTF-8 bytes
 */
export const secureRequestEncoder = (
  pubcert: string,
): ((message: string, signature: Uint8Array) => string) => {
  const end = `"pubcert":${formatString(pubcert)}}`;
  return (message, signature) =>
    `{"protocol":"${REQUEST}","message":${formatString(message)},` +
    `"signature":${encodeBase64Json(signature, 'plain')},${end}`;
};

/** @throws Rejection `malformed_json`, `wrong_protocol`, `missing_field`, `invalid_field` */
export const decodeSecureReply = (data: Uint8Array): SecureReply => {
  const what = 'the secure reply';
  const object = parseObject(utf8(data, what), what);
  requireProtocol(object, REPLY, what);
  return { message: messageField(object, what), hash: stringField(object, 'hash', what) };
};

/** Base64 of the SHA-256; in one call where Node has it (20.12 on), which every reply gains from. */
const sha256: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'base64')
    : (text) => createHash('sha256').update(text, 'utf8').digest('base64');

/** @param message the reply as JSON text, see `encodeReply` */
export const encodeSecureReply = (message: string): string => {
  const hash = sha256(message);
  return `{"protocol":"${REPLY}","message":${formatString(message)},"hash":"${hash}"}`;
};

/** @throws Rejection `malformed_base64` or `invalid_hash` */
export const verifyHash = (reply: SecureReply): void => {
  const claimed = tryDecodeBase64(reply.hash);
  if (claimed === undefined)
    throw new Rejection('malformed_base64', 'the hash of the secure reply is not base64');
  if (!createHash('sha256').update(reply.message, 'utf8').digest().equals(claimed))
    throw new Rejection(
      'invalid_hash',
      "the reply does not have the checksum that it says, so it isn't intact",
    );
};
