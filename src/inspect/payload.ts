import {
  PING,
  PONG,
  replyPayloadFromRuby,
  requestPayloadFromRuby,
} from '../adapters/mcollective/wire/payload.ts';
import type { SerializerName } from '../adapters/mcollective/wire/serializer.ts';
import { fieldText } from '../adapters/mcollective/wire/text.ts';
import { RubyHash, type RubyValue } from '../codec/ruby/index.ts';
import { objection } from './problem.ts';
import { rpcKind, rpcLayer } from './rpc.ts';
import { shownHash } from './ruby-value.ts';
import { type Layer, layerOf } from './tree.ts';

/**
 * What an agent is asked or answers, as a Ruby value; undefined for any other.
 * @param document the bytes that hold it
 * @param own whether they hold nothing else
 */
export const payloadLayer = (
  value: RubyValue,
  format: SerializerName,
  document: Buffer,
  own: boolean,
): Layer | undefined => {
  const more = { format, ...(own && { bytes: document.length }) };
  const word = fieldText(value);
  if (word === PING) return layerOf('ping', more);
  if (word === PONG) return layerOf('pong', more);
  if (!(value instanceof RubyHash)) return undefined;
  const map = shownHash(value);
  const kind = rpcKind(map);
  if (kind === undefined) return undefined;
  const check = kind === 'rpc-request' ? requestPayloadFromRuby : replyPayloadFromRuby;
  return rpcLayer(kind, map, { ...more, problems: objection(document, () => check(value)) });
};
