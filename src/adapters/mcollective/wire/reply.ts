import type { KeyObject } from 'node:crypto';
import { encodeBase64 } from '../../../codec/base64.ts';
import { RubyHash, symbol } from '../../../codec/ruby/value.ts';
import { shown } from '../../../codec/shown.ts';
import { isIdentity } from '../../../envelope/check.ts';
import type { ReplyPayload } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { replyPayloadFromRuby, replyPayloadToRuby } from './payload.ts';
import { signedBody } from './request.ts';
import { type IdForm, requestIdFrom, requestIdToRuby } from './request-id.ts';
import type { Serializer } from './serializer.ts';
import { signDocument, verifyDocument } from './signature.ts';
import { binary, fieldText } from './text.ts';

/** A reply as it came in: sender and request id are never signed, the payload not proven before {@link verifyReply}. */
export interface SignedReply {
  readonly senderId: string;
  readonly requestId: string;
  /** Undefined for a text. */
  readonly idForm?: IdForm;
  readonly agent: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** The signed bytes. */
  readonly body: Buffer;
  readonly signature: Buffer;
}

/** @throws Rejection for what is not a reply, with the sender as context where the message names one */
export const decodeReply = (bytes: Uint8Array, serializer: Serializer): SignedReply => {
  const hash = serializer.decodeOuter(bytes);
  if (!(hash instanceof RubyHash)) throw new Rejection('wrong_protocol', 'the message is not a hash');
  const senderId = fieldText(hash.symbol('senderid'));
  if (senderId === undefined) throw new Rejection('missing_field', 'the reply has no :senderid');
  if (!isIdentity(senderId))
    throw new Rejection('invalid_field', `the reply's :senderid ${shown(senderId)} is not an identity`);
  try {
    const id = requestIdFrom(hash.symbol('requestid'));
    if (id === undefined) throw new Rejection('missing_field', 'the reply has no :requestid');
    const time = hash.symbol('msgtime');
    if (typeof time !== 'number') throw new Rejection('missing_field', 'the reply has no integer :msgtime');
    const agent = fieldText(hash.symbol('senderagent')) ?? '';
    const { body, signature } = signedBody(hash);
    const reply = { senderId, requestId: id.text, agent, time, body, signature };
    return id.form === undefined ? reply : { ...reply, idForm: id.form };
  } catch (error) {
    throw error instanceof Rejection ? error.with({ sender: senderId }) : error;
  }
};

/**
 * The verified payload.
 * @param keys the public keys of the daemons; they share one, several only while it is being replaced
 * @throws Rejection `invalid_signature` or what the payload is refused for
 */
export const verifyReply = (
  signed: SignedReply,
  keys: readonly KeyObject[],
  serializer: Serializer,
): ReplyPayload => {
  if (!keys.some((key) => verifyDocument(signed.body, signed.signature, key))) {
    throw new Rejection('invalid_signature', "its signature is not one of the collective's server key");
  }
  return replyPayloadFromRuby(serializer.decode(signed.body));
};

/** What a reply says of itself outside its signed document. */
export type ReplyHead = Omit<SignedReply, 'body' | 'signature'>;

/** The document that a daemon signs. @param agent whose reply it is */
export const encodeReplyBody = (payload: ReplyPayload, agent: string, serializer: Serializer): Buffer =>
  serializer.encode(replyPayloadToRuby(payload, agent));

/** The whole message around a signed document, with the fields in the daemons' order. */
export const encodeSignedReply = (
  reply: ReplyHead,
  body: Buffer,
  signature: Uint8Array,
  serializer: Serializer,
): Buffer => {
  const { requestId, idForm: form } = reply;
  return serializer.encode(
    new RubyHash([
      [symbol('senderid'), reply.senderId],
      [symbol('requestid'), requestIdToRuby({ text: requestId, ...(form !== undefined && { form }) })],
      [symbol('senderagent'), reply.agent],
      [symbol('msgtime'), reply.time],
      [symbol('body'), serializer.name === 'yaml' ? body.toString('utf8') : binary(body)],
      [symbol('hash'), encodeBase64(signature, 'wrapped')],
    ]),
  );
};

/** A daemon's side: signs a payload and wraps it. */
export const encodeReply = async (
  reply: ReplyHead & { readonly payload: ReplyPayload },
  key: KeyObject,
  serializer: Serializer,
): Promise<Buffer> => {
  const body = encodeReplyBody(reply.payload, reply.agent, serializer);
  return encodeSignedReply(reply, body, await signDocument(body, key), serializer);
};
