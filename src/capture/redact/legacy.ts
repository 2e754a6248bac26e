import { type KeyObject, sign } from 'node:crypto';
import type { CleanMessage } from '../../adapters/kit/own-wire.ts';
import { requestPayloadFromRuby } from '../../adapters/mcollective/wire/payload.ts';
import { decodeReply, encodeSignedReply, type SignedReply } from '../../adapters/mcollective/wire/reply.ts';
import {
  decodeRequest,
  encodeSignedRequest,
  type SignedRequest,
} from '../../adapters/mcollective/wire/request.ts';
import type { Serializer } from '../../adapters/mcollective/wire/serializer.ts';
import { verifyDocument } from '../../adapters/mcollective/wire/signature.ts';
import { decodeBase64, encodeBase64 } from '../../codec/base64.ts';
import { RubyHash, symbol } from '../../codec/ruby/index.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { redactLegacyPayload } from './body.ts';
import type { LegacyKeys, LegacyLinkKeys } from './legacy-keys.ts';
import { ofRequest } from './of-request.ts';
import type { Redaction } from './values.ts';

/** How a legacy link's frames are read, and judged. */
export interface LegacyCodec extends LegacyLinkKeys {
  readonly serializer: Serializer;
  readonly base64: boolean;
}

/** What MCollective's ssl.rb signs beside the payload. */
const SIGNED = ['ssl_ttl', 'ssl_msgtime'];
const PAYLOAD = 'ssl_msg';

const signed = (document: Buffer, key: KeyObject): Buffer => sign('sha1', document, key);

/**
 * The message of a frame with other values, signed anew: by a key of the caller's or the daemons' own where it was
 * right before, by nobody's where it was not.
 * @throws Rejection for what cannot be read to its innermost layer
 */
export const redactLegacy = (
  frame: Buffer,
  redaction: Redaction,
  codec: LegacyCodec,
  keys: LegacyKeys,
): CleanMessage => {
  const bytes = codec.base64 ? decodeBase64(frame.toString('latin1'), 'the message') : frame;
  const hash = codec.serializer.decode(bytes);
  if (!(hash instanceof RubyHash)) throw new Rejection('wrong_protocol', 'the message is not a hash');
  const { body, ...about } =
    hash.symbol('callerid') === undefined
      ? replyWithout(decodeReply(bytes, codec.serializer), redaction, codec, keys)
      : requestWithout(decodeRequest(bytes, codec.serializer), redaction, codec, keys);
  return { ...about, body: codec.base64 ? Buffer.from(encodeBase64(body, 'wrapped')) : body };
};

const requestWithout = (
  received: SignedRequest,
  redaction: Redaction,
  { serializer, caller }: LegacyCodec,
  keys: LegacyKeys,
): CleanMessage =>
  ofRequest(received.requestId, () => {
    const document = serializer.decode(received.body);
    const payload = document instanceof RubyHash ? document.symbol(PAYLOAD) : undefined;
    // Clients before MCollective 2.0, and some of other languages, sign the bare payload.
    const clean = redactLegacyPayload(payload ?? document, redaction);
    const around = SIGNED.flatMap((name) => {
      const value = document instanceof RubyHash ? document.symbol(name) : undefined;
      return typeof value === 'number' ? [[symbol(name), value] as const] : [];
    });
    const body = serializer.encode(
      payload === undefined ? clean : new RubyHash([[symbol(PAYLOAD), clean], ...around]),
    );
    const key = caller(received.callerId);
    const isSound = key !== undefined && verifyDocument(received.body, received.signature, key);
    const { privateKey } = isSound ? keys.caller(received.callerId) : keys.nobody;
    const request = {
      ...received,
      filter: received.readFilter(),
      payload: requestPayloadFromRuby(clean).payload,
    };
    return {
      requestId: received.requestId,
      callerId: received.callerId,
      body: encodeSignedRequest(request, body, signed(body, privateKey), serializer),
    };
  });

const replyWithout = (
  received: SignedReply,
  redaction: Redaction,
  { serializer, servers }: LegacyCodec,
  keys: LegacyKeys,
): CleanMessage =>
  ofRequest(received.requestId, () => {
    const reply = `${received.requestId} ${received.senderId}`;
    const body = serializer.encode(
      redactLegacyPayload(serializer.decode(received.body), { ...redaction, reply }),
    );
    const isSound = servers.some((key) => verifyDocument(received.body, received.signature, key));
    const { privateKey } = isSound ? keys.server : keys.nobody;
    return {
      requestId: received.requestId,
      body: encodeSignedReply(received, body, signed(body, privateKey), serializer),
    };
  });
