import { type Redaction, redacted } from '../audit/redaction.ts';
import { cut } from '../envelope/text.ts';
import { isMap, type ValueMap } from '../envelope/value.ts';
import { NO_KEYS } from '../inspect/keys.ts';
import { decodeMessage } from '../inspect/recognise.ts';
import { type Line, layerLines } from '../inspect/text.ts';
import type { Field, Layer, LayerKind } from '../inspect/tree.ts';

/** Around what is asked: they say who, when and of whom, and hold no inputs. */
const ENVELOPES: ReadonlySet<LayerKind> = new Set([
  'stomp-frame',
  'legacy-request',
  'legacy-signed',
  'transport-v1',
  'transport-v2',
  'secure-request-v1',
  'secure-request-v2',
  'request-v1',
  'request-v2',
  'ping',
]);
/** Of a request to an agent, what is no input. */
const KNOWN: ReadonlySet<string> = new Set(['agent', 'action', 'caller', 'uniqid', 'process_results']);

const DROPPED = '[dropped]';

const dropped = ({ name }: Field): Field => ({ name, value: DROPPED });

const inputs = (field: Field, redaction: Redaction): Field => {
  const { name, value } = field;
  if (name === 'data' && isMap(value)) return { name, value: redacted(value as ValueMap, redaction) };
  return KNOWN.has(name) ? field : dropped(field);
};

const fieldsOf = ({ kind, fields }: Layer, redaction: Redaction): readonly Field[] => {
  if (ENVELOPES.has(kind)) return fields;
  return fields.map((field) => (kind === 'rpc-request' ? inputs(field, redaction) : dropped(field)));
};

/** The same tree, as far as the audit would write it down: what is not known to be no input is left out. */
export const shownLayer = (layer: Layer, redaction: Redaction): Layer => ({
  ...layer,
  fields: fieldsOf(layer, redaction),
  // Sentences about bytes quote them.
  problems: layer.problems.map(() => ({ message: 'it cannot be read wholly' })),
  verdicts: [],
  inside: layer.inside.map((one) => shownLayer(one, redaction)),
});

/** Characters of a line that are shown. */
const MAX_LINE_CHARS = 300;

/** Lines of a message's tree. Its bytes are the bridge's own already: nothing is verified once more. */
export const shownLines = (body: Buffer, redaction: Redaction, now: number): readonly Line[] =>
  layerLines(shownLayer(decodeMessage(body, NO_KEYS, now, []), redaction), { now, full: true })
    .filter((line) => line.length > 0)
    .map((line) => line.map(({ text, tone }) => ({ tone, text: cut(text, MAX_LINE_CHARS) })));
