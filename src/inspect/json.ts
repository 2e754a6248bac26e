import { isoTime } from '../envelope/time.ts';
import { mapOf, type Value } from '../envelope/value.ts';
import { type Excerpt, type Field, isWhole, type Layer, type Problem, type Verdict } from './tree.ts';

const ifAny = (values: readonly Value[]): Value | undefined => (values.length === 0 ? undefined : values);

/** What the fields' values mean, by name: moments in ISO 8601, and words. */
const meanings = (
  fields: readonly Field[],
  meaning: (field: Field) => Value | undefined,
): Value | undefined => {
  const found = fields.flatMap((field) => {
    const value = meaning(field);
    return value === undefined ? [] : [[field.name, value] as const];
  });
  return found.length === 0 ? undefined : new Map(found);
};

const timeOf = ({ time, ends }: Field): string | undefined => {
  const ms = time ?? ends;
  return ms === undefined ? undefined : isoTime(ms);
};

const verdict = ({ of, state, reason }: Verdict): Value => mapOf({ of, state, reason });

const excerpt = ({ from, bytes }: Excerpt): Value => mapOf({ from, hex: bytes.toString('hex') });

const problem = (it: Problem): Value =>
  mapOf({
    message: it.message,
    offset: it.offset,
    excerpt: it.excerpt === undefined ? undefined : excerpt(it.excerpt),
  });

/** A layer for programs. Values are as docs/values.md has them; absent keys stand for nothing. */
export const layerValue = (layer: Layer): Value =>
  mapOf({
    kind: layer.kind,
    format: layer.format,
    bytes: layer.bytes,
    fields: new Map(layer.fields.map(({ name, value }) => [name, value])),
    times: meanings(layer.fields, timeOf),
    words: meanings(layer.fields, ({ text }) => text),
    verdicts: ifAny(layer.verdicts.map(verdict)),
    problems: ifAny(layer.problems.map(problem)),
    inside: ifAny(layer.inside.map(layerValue)),
  });

/** A message for programs: where it came from, whether all of it could be read, and its layers. */
export const messageValue = (layer: Layer, source: string, line: number | undefined): Value =>
  mapOf({ source, line, whole: isWhole(layer), message: layerValue(layer) });
