import type { ValueMap } from '../envelope/value.ts';
import { decodePart } from './base64.ts';
import type { Context } from './context.ts';
import { fieldsOf, NANOSECOND_MS, textIn } from './fields.ts';
import type { JsonText } from './json-text.ts';
import { type Layer, layerOf, type Problem } from './tree.ts';

/** The texts that a layer must have and does not. */
export const missingIn = (bytes: Buffer, map: ValueMap, names: readonly string[]): readonly Problem[] =>
  names
    .filter((name) => textIn(map, name) === undefined)
    .map((name) => ({ message: `there is no ${name}, or it is no text`, offset: bytes.length }));

const TEXTS = {
  'request-v2': ['message', 'id', 'sender', 'caller', 'collective', 'agent'],
  'reply-v2': ['message', 'request', 'sender', 'agent'],
} as const;

const integer = (map: ValueMap, name: string): readonly Problem[] => {
  const value = map.get(name);
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
    ? []
    : [{ message: `the ${name} is no integer` }];
};

const flat = (
  kind: 'request-v2' | 'reply-v2',
  { bytes, map, problems }: JsonText,
  context: Context,
): Layer => {
  const { bytes: body, stops } = decodePart(textIn(map, 'message') ?? '');
  const damage =
    stops === undefined ? [] : [{ message: `the message is not base64 from its character ${stops} on` }];
  const numbers = kind === 'request-v2' ? ['time', 'ttl'] : ['time'];
  const wrong =
    problems.length > 0
      ? problems
      : [...missingIn(bytes, map, TEXTS[kind]), ...numbers.flatMap((name) => integer(map, name)), ...damage];
  return layerOf(kind, {
    bytes: bytes.length,
    fields: fieldsOf(map, {
      without: ['protocol', 'message'],
      times: { time: NANOSECOND_MS },
      ttlFrom: 'time',
    }),
    problems: wrong,
    inside: body.length === 0 ? [] : [context.inside(body)],
  });
};

/** Protocol 2 has no envelope: all fields of a request or a reply stand side by side. */
export const requestV2 = (json: JsonText, context: Context): Layer => flat('request-v2', json, context);
export const replyV2 = (json: JsonText, context: Context): Layer => flat('reply-v2', json, context);
