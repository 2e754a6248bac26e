import { decodeStats } from '../adapters/choria/wire/index.ts';
import { isNatsLine, isStompLine, natsLine, stompLine } from './capture.ts';
import type { Context } from './context.ts';
import { fieldsOf, SECOND_MS, textIn } from './fields.ts';
import { replyV1, requestV1 } from './inner.ts';
import { type JsonText, readJson } from './json-text.ts';
import { objection } from './problem.ts';
import { rpcKind, rpcLayer } from './rpc.ts';
import { secureReplyV1, secureRequestV1 } from './secure.ts';
import { secureReplyV2, secureRequestV2 } from './secure-v2.ts';
import { transportV1, transportV2 } from './transport.ts';
import { type Layer, layerOf } from './tree.ts';
import { replyV2, requestV2 } from './v2.ts';

const PROTOCOLS: ReadonlyMap<string, (json: JsonText, context: Context) => Layer> = new Map([
  ['choria:transport:1', transportV1],
  ['choria:secure:request:1', secureRequestV1],
  ['choria:secure:reply:1', secureReplyV1],
  ['choria:request:1', requestV1],
  ['choria:reply:1', replyV1],
  ['io.choria.protocol.v2.transport', transportV2],
  ['io.choria.protocol.v2.secure_request', secureRequestV2],
  ['io.choria.protocol.v2.secure_reply', secureReplyV2],
  ['io.choria.protocol.v2.request', requestV2],
  ['io.choria.protocol.v2.reply', replyV2],
]);

const stats = ({ bytes, map, problems }: JsonText): Layer =>
  layerOf('stats', {
    bytes: bytes.length,
    fields: fieldsOf(map, { times: { start_time: SECOND_MS } }),
    problems: problems.length > 0 ? problems : objection(bytes, () => decodeStats(bytes)),
  });

const other = ({ bytes, map, problems }: JsonText): Layer =>
  layerOf('json', {
    bytes: bytes.length,
    fields: fieldsOf(map),
    problems:
      problems.length > 0
        ? problems
        : [{ message: 'it is no message of Choria or MCollective', offset: bytes.length }],
  });

const named = (json: JsonText, context: Context): Layer => {
  const { map, bytes, problems } = json;
  const reader = PROTOCOLS.get(textIn(map, 'protocol') ?? '');
  if (reader !== undefined) return reader(json, context);
  if (isStompLine(map)) return stompLine(json, context);
  if (isNatsLine(map)) return natsLine(json, context);
  const container = context.containers.find((it) => it.holds(map));
  if (container !== undefined) return container.read(json, context);
  const kind = rpcKind(map);
  if (kind !== undefined) return rpcLayer(kind, map, { format: 'json', bytes: bytes.length, problems });
  if (textIn(map, 'cluster') !== undefined && textIn(map, 'instance') !== undefined) return stats(json);
  return other(json);
};

/** A JSON object, told by its protocol or by the fields that it has. */
export const readJsonLayer = (bytes: Buffer, context: Context): Layer => {
  const read = readJson(bytes);
  if ('problem' in read) return layerOf('json', { bytes: bytes.length, problems: [read.problem] });
  return { format: 'json', ...named(read, context) };
};
