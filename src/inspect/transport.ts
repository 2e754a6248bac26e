import { decodeTransport, transportData } from '../adapters/choria/wire/index.ts';
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

/** Brokers carry messages without opening them, so what they check is the headers and that the data is base64. */
const transport =
  (name: 'transport-v1' | 'transport-v2') =>
  (json: JsonText, context: Context): Layer =>
    layerOf(name, {
      bytes: json.bytes.length,
      fields: headersOf(json),
      ...contentOf(json, context, () => transportData(decodeTransport(json.bytes, NO_LIMIT).content)),
    });

export const transportV1 = transport('transport-v1');
export const transportV2 = transport('transport-v2');
