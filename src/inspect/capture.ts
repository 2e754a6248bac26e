import type { ValueMap } from '../envelope/value.ts';
import { decodePart } from './base64.ts';
import type { Context } from './context.ts';
import { fieldsOf, MILLISECOND_MS, mapIn, textIn } from './fields.ts';
import type { JsonText } from './json-text.ts';
import { frameLayer } from './stomp.ts';
import { type Layer, layerOf, type Problem } from './tree.ts';

/** `{at, conn, dir, command, headers, body}`, with the body in base64. */
export const isStompLine = (map: ValueMap): boolean =>
  textIn(map, 'command') !== undefined && mapIn(map, 'headers') !== undefined;

/** `{at, subject, reply, payload}`, with the payload as text. */
export const isNatsLine = (map: ValueMap): boolean =>
  textIn(map, 'subject') !== undefined && (map.has('payload') || map.has('reply'));

const TIMES = { at: MILLISECOND_MS };

export const stompLine = ({ bytes, map, problems }: JsonText, context: Context): Layer => {
  const { bytes: body, stops } = decodePart(textIn(map, 'body') ?? '');
  const damage: readonly Problem[] =
    stops === undefined || problems.length > 0
      ? []
      : [{ message: `the body is not base64 from its character ${stops} on` }];
  const headers = mapIn(map, 'headers') ?? new Map();
  return layerOf('capture', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['command', 'headers', 'body'], times: TIMES }),
    problems: [...problems, ...damage],
    inside: [frameLayer(textIn(map, 'command') ?? '', headers, body, context)],
  });
};

export const natsLine = ({ bytes, map, problems }: JsonText, context: Context): Layer => {
  const payload = Buffer.from(textIn(map, 'payload') ?? '');
  return layerOf('capture', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['payload'], times: TIMES }),
    problems,
    inside: payload.length === 0 ? [] : [context.inside(payload)],
  });
};
