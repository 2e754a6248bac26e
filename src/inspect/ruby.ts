import type { SerializerName } from '../adapters/mcollective/wire/serializer.ts';
import { RubyHash, type RubyValue } from '../codec/ruby/index.ts';
import { Rejection } from '../envelope/rejection.ts';
import type { Context } from './context.ts';
import { SERIALIZERS } from './document.ts';
import { isReply, isRequest, legacyReply, legacyRequest } from './legacy.ts';
import { isSigned, signedDocument } from './legacy-signed.ts';
import { payloadLayer } from './payload.ts';
import { problemOf } from './problem.ts';
import { shownRuby } from './ruby-value.ts';
import { type Layer, layerOf } from './tree.ts';

/** A Marshal or YAML document: a message, what is signed of one, or a payload. */
export const readRuby = (bytes: Buffer, format: SerializerName, context: Context): Layer => {
  const serializer = SERIALIZERS[format];
  let value: RubyValue;
  try {
    value = serializer.decode(bytes);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return layerOf('ruby', { format, bytes: bytes.length, problems: [problemOf(error, bytes)] });
  }
  if (value instanceof RubyHash) {
    const document = { bytes, hash: value, serializer };
    if (isSigned(value)) return signedDocument(document);
    if (isRequest(value)) return legacyRequest(document, context);
    if (isReply(value)) return legacyReply(document, context);
  }
  return (
    payloadLayer(value, format, bytes, true) ??
    layerOf('ruby', {
      format,
      bytes: bytes.length,
      fields: [{ name: 'value', value: shownRuby(value) }],
      problems: [{ message: 'it is no message of MCollective', offset: bytes.length }],
    })
  );
};
