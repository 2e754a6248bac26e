import type { KeyObject } from 'node:crypto';
import { decodeReply, encodeReply } from '../../src/adapters/mcollective/wire/reply.ts';
import {
  decodeRequest,
  type LegacyRequest,
  verifyRequest,
} from '../../src/adapters/mcollective/wire/request.ts';
import { createSerializer, type SerializerName } from '../../src/adapters/mcollective/wire/serializer.ts';
import { signDocument } from '../../src/adapters/mcollective/wire/signature.ts';
import { binary } from '../../src/adapters/mcollective/wire/text.ts';
import { encodeBase64 } from '../../src/codec/base64.ts';
import { DEFAULT_RUBY_LIMITS, RubyHash, RubySymbol, type RubyValue } from '../../src/codec/ruby/value.ts';
import type { ReplyPayload } from '../../src/envelope/message.ts';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { aliceKeys, serverKeys } from './world.ts';

export const OK: ReplyPayload = {
  kind: 'rpc',
  statusCode: 0,
  statusMessage: 'OK',
  data: new Map([['pong', 1]]),
};
export const PONG: ReplyPayload = { kind: 'discovery' };

/** How a reply differs from a good one. */
export interface ReplyDeviation {
  readonly node?: string;
  readonly requestId?: string;
  readonly payload?: ReplyPayload;
  readonly key?: KeyObject;
  readonly serializer?: SerializerName;
}

const serializerOf = (name: SerializerName = 'marshal') => createSerializer(name, DEFAULT_RUBY_LIMITS);

/** What a daemon reads out of a frame, verified with alice's public key. */
export const readFrame = ({ body }: IncomingMessage, name?: SerializerName): LegacyRequest => {
  const serializer = serializerOf(name);
  return verifyRequest(decodeRequest(body, serializer), aliceKeys.publicKey, serializer);
};

/** A daemon's answer to a frame. */
export const replyTo = (frame: IncomingMessage, deviation: ReplyDeviation = {}): Promise<Buffer> => {
  const { requestId, agent, time } = readFrame(frame, deviation.serializer);
  return encodeReply(
    {
      senderId: deviation.node ?? frame.headers['mc_identity'] ?? 'node1.example.net',
      requestId: deviation.requestId ?? requestId,
      agent,
      time,
      payload: deviation.payload ?? (agent === 'discovery' ? PONG : OK),
    },
    deviation.key ?? serverKeys.privateKey,
    serializerOf(deviation.serializer),
  );
};

/** An answer around bytes of any kind, signed by the daemons' key like any other. */
export const replyAround = async (
  frame: IncomingMessage,
  body: Buffer,
  name: SerializerName = 'marshal',
): Promise<Buffer> => {
  const serializer = serializerOf(name);
  const signed = decodeReply(await replyTo(frame, { serializer: name }), serializer);
  const fields: Readonly<Record<string, RubyValue>> = {
    senderid: signed.senderId,
    requestid: signed.requestId,
    senderagent: signed.agent,
    msgtime: signed.time,
    body: name === 'yaml' ? body.toString() : binary(body),
    hash: encodeBase64(await signDocument(body, serverKeys.privateKey), 'wrapped'),
  };
  return serializer.encode(
    new RubyHash(Object.entries(fields).map(([key, value]) => [new RubySymbol(key), value])),
  );
};
