import { decodeRelay, decodeTransport, relayData } from '../wire/choria/index.ts';
import { decodePart } from './base64.ts';
import type { Context } from './context.ts';
import { fieldsOf, mapIn, textIn } from './fields.ts';
import type { JsonText } from './json-text.ts';
import { objection } from './problem.ts';
import { type Field, type Layer, layerOf } from './tree.ts';

const NO_LIMIT = { maxBytes: Number.POSITIVE_INFINITY };

const headersOf = ({ map }: JsonText): readonly Field[] => [
  ...fieldsOf(mapIn(map, 'headers') ?? new Map()),
  ...fieldsOf(map, { without: ['protocol', 'headers', 'data'] }),
];

const contentOf = ({ map }: JsonText, context: Context): readonly Layer[] => {
  const { bytes } = decodePart(textIn(map, 'data') ?? '');
  return bytes.length === 0 ? [] : [context.inside(bytes)];
};

export const transportV1 = (json: JsonText, context: Context): Layer =>
  layerOf('transport-v1', {
    bytes: json.bytes.length,
    fields: headersOf(json),
    problems:
      json.problems.length > 0
        ? json.problems
        : objection(json.bytes, () => decodeTransport(json.text, NO_LIMIT)),
    inside: contentOf(json, context),
  });

/** Brokers carry protocol 2 without opening it, so what they check is its headers and that the data is base64. */
export const transportV2 = (json: JsonText, context: Context): Layer =>
  layerOf('transport-v2', {
    bytes: json.bytes.length,
    fields: headersOf(json),
    problems:
      json.problems.length > 0
        ? json.problems
        : objection(json.bytes, () => relayData(decodeRelay(json.bytes, NO_LIMIT).content)),
    inside: contentOf(json, context),
  });
