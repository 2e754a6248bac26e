import type { ValueMap } from '../../envelope/value.ts';
import { decodePart } from '../../inspect/base64.ts';
import type { Container, Context } from '../../inspect/context.ts';
import { fieldsOf, MILLISECOND_MS, mapIn, textIn } from '../../inspect/fields.ts';
import type { JsonText } from '../../inspect/json-text.ts';
import { type Layer, layerOf, type Problem } from '../../inspect/tree.ts';
import { parseEntry, parseHeader } from './format.ts';
import { CassetteError } from './problem.ts';

const isCassetteHeader = (map: ValueMap): boolean => typeof map.get('cassette') === 'number';

/** A message that passed a link, a refusal, or who came and went: docs/cassettes.md. */
const isCassetteLine = (map: ValueMap): boolean =>
  (textIn(map, 'link') !== undefined && textIn(map, 'dir') !== undefined) ||
  mapIn(map, 'rejected')?.has('code') === true ||
  (map.has('at') && mapIn(map, 'nodes')?.has('egress') === true);

/** What a replay would not read; where the line is not even JSON, that is said already. */
const objections = ({ text, problems }: JsonText, parse: (line: string) => unknown): readonly Problem[] => {
  if (problems.length > 0) return problems;
  try {
    parse(text);
    return [];
  } catch (error) {
    if (error instanceof CassetteError) return [{ message: error.message }];
    throw error;
  }
};

const cassetteHeader = (json: JsonText): Layer =>
  layerOf('cassette-header', {
    bytes: json.bytes.length,
    fields: fieldsOf(json.map, { times: { clock: MILLISECOND_MS } }),
    problems: objections(json, parseHeader),
  });

/** The body is in `text` where it is UTF-8, else in `base64`. */
const bodyIn = (map: ValueMap): Buffer => {
  const base64 = textIn(map, 'base64');
  return base64 === undefined ? Buffer.from(textIn(map, 'text') ?? '') : decodePart(base64).bytes;
};

const cassetteLine = (json: JsonText, context: Context): Layer => {
  const { bytes, map } = json;
  const body = bodyIn(map);
  return layerOf('cassette-line', {
    bytes: bytes.length,
    fields: fieldsOf(map, { without: ['text', 'base64'], times: { at: MILLISECOND_MS } }),
    problems: objections(json, parseEntry),
    inside: body.length === 0 ? [] : [context.inside(body)],
  });
};

/** Lines of cassettes, for decoding. */
export const CASSETTES: readonly Container[] = [
  { holds: isCassetteHeader, read: cassetteHeader },
  { holds: isCassetteLine, read: cassetteLine },
];
