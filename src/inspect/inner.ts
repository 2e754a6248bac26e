import { decodeReplyBody, decodeRequestBody } from '../adapters/choria/wire/index.ts';
import { decodeReply } from '../adapters/choria/wire/reply.ts';
import { decodeRequest } from '../adapters/choria/wire/request.ts';
import type { ValueMap } from '../envelope/value.ts';
import type { Context } from './context.ts';
import { fieldsOf, mapIn, SECOND_MS, textIn } from './fields.ts';
import type { JsonText } from './json-text.ts';
import { objection } from './problem.ts';
import { type Field, type Layer, type LayerKind, layerOf, type Problem } from './tree.ts';

const fields = (map: ValueMap): readonly Field[] => [
  ...fieldsOf(mapIn(map, 'envelope') ?? new Map(), { times: { time: SECOND_MS }, ttlFrom: 'time' }),
  ...fieldsOf(map, { without: ['protocol', 'envelope', 'message'] }),
];

const inner = (
  kind: LayerKind,
  { bytes, text, map, problems }: JsonText,
  check: (text: string) => unknown,
  context: Context,
): Layer => {
  const body = textIn(map, 'message') ?? '';
  const wrong: readonly Problem[] = problems.length > 0 ? problems : objection(bytes, () => check(text));
  return layerOf(kind, {
    bytes: bytes.length,
    fields: fields(map),
    problems: wrong,
    inside: body === '' ? [] : [context.inside(Buffer.from(body))],
  });
};

export const requestV1 = (json: JsonText, context: Context): Layer =>
  inner(
    'request-v1',
    json,
    (text) => {
      const request = decodeRequest(text);
      return decodeRequestBody(request.message, request);
    },
    context,
  );

export const replyV1 = (json: JsonText, context: Context): Layer =>
  inner(
    'reply-v1',
    json,
    (text) => {
      const reply = decodeReply(text);
      return decodeReplyBody(reply.message, reply.agent);
    },
    context,
  );
