import { decodeRelay, decodeTransport, relayData } from '../wire/choria/index.ts';
import { decodePart } from './base64.ts';
import type { Context } from './context.ts';
import { fieldsOf, mapIn, textIn } from './fields.ts';
import type { JsonText } from './json-text.ts';
import { objection } from './problem.ts';
import { type Field, type Layer, layerOf, type Problem } from './tree.ts';

const NO_LIMIT = { maxBytes: Number.POSITIVE_INFINITY };

const headersOf = ({ map }: JsonText): readonly Field[] => [
  ...fieldsOf(mapIn(map, 'headers') ?? new Map()),
  ...fieldsOf(map, { without: ['protocol', 'headers', 'data'] }),
];

interface Content {
  readonly problems: readonly Problem[];
  readonly inside: readonly Layer[];
}

/** What is in the data. Where they are damaged, that is the problem: a layer that is cut by it says so at its end. */
const contentOf = (json: JsonText, context: Context, check: () => unknown): Content => {
  const { bytes, stops } = decodePart(textIn(json.map, 'data') ?? '');
  const problems =
    stops === undefined
      ? objection(json.bytes, check)
      : [{ message: `the data is not base64 from its character ${stops} on` }];
  return {
    problems: json.problems.length > 0 ? json.problems : problems,
    inside: bytes.length === 0 ? [] : [context.inside(bytes)],
  };
};

export const transportV1 = (json: JsonText, context: Context): Layer =>
  layerOf('transport-v1', {
    bytes: json.bytes.length,
    fields: headersOf(json),
    ...contentOf(json, context, () => decodeTransport(json.text, NO_LIMIT)),
  });

/** Brokers carry protocol 2 without opening it, so what they check is its headers and that the data is base64. */
export const transportV2 = (json: JsonText, context: Context): Layer =>
  layerOf('transport-v2', {
    bytes: json.bytes.length,
    fields: headersOf(json),
    ...contentOf(json, context, () => relayData(decodeRelay(json.bytes, NO_LIMIT).content)),
  });
