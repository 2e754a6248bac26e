import { formatJson } from '../adapters/choria/wire/index.ts';
import { isMap, type Value } from '../envelope/value.ts';
import { age, moment } from './age.ts';
import { type Excerpt, type Field, LAYERS, type Layer, type Problem, type Verdict } from './tree.ts';

export type Tone = 'plain' | 'title' | 'faint' | 'good' | 'bad' | 'doubtful';

/** A piece of a line. Its text may hold anything that a message held: the printing code escapes it. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

export interface TextOptions {
  /** Ms since the epoch, for ages. */
  readonly now: number;
  /** Nothing is cut. */
  readonly full: boolean;
}

const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });

/** Characters of a text, bytes of a binary value and entries of a list that are shown unless all are wanted. */
const MAX_TEXT_CHARS = 200;
const MAX_SHOWN_BYTES = 32;
const MAX_ENTRIES = 50;
/** A hash or list that is shorter stays on one line. */
const MAX_INLINE_CHARS = 80;

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

const cut = (text: string, { full }: TextOptions): string =>
  full || text.length <= MAX_TEXT_CHARS
    ? text
    : `${text.slice(0, MAX_TEXT_CHARS)}… (${text.length - MAX_TEXT_CHARS} more characters, --full shows them)`;

const hex = (bytes: Uint8Array, { full }: TextOptions): string => {
  const shown = Buffer.from(full ? bytes : bytes.subarray(0, MAX_SHOWN_BYTES)).toString('hex');
  return `${bytes.length} bytes: ${shown}${shown.length < bytes.length * 2 ? '… (--full shows them)' : ''}`;
};

/** A value on one line; texts in quotes, so that "5" is not 5. */
const inline = (value: Value, options: TextOptions): string => {
  if (typeof value === 'string') return cut(JSON.stringify(value), options);
  if (value instanceof Uint8Array) return `<${hex(value, options)}>`;
  if (isList(value)) return `[${value.map((entry) => inline(entry, options)).join(', ')}]`;
  if (isMap(value))
    return `{${[...value].map(([key, entry]) => `${cut(key, options)}: ${inline(entry, options)}`).join(', ')}}`;
  return cut(formatJson(value), options);
};

/** Whether it is worth lines of its own. */
const isSpread = (value: Value, options: TextOptions): boolean =>
  (isList(value) || isMap(value)) && inline(value, options).length > MAX_INLINE_CHARS;

const entriesOf = (value: Value): readonly (readonly [string, Value])[] => {
  if (isList(value)) return value.map((entry) => ['-', entry]);
  return isMap(value) ? [...value].map(([key, entry]) => [`${key}:`, entry]) : [];
};

const spread = (value: Value, indent: string, options: TextOptions): readonly Line[] => {
  const entries = entriesOf(value);
  const shown = options.full ? entries : entries.slice(0, MAX_ENTRIES);
  const lines = shown.flatMap(([name, entry]): readonly Line[] => {
    const label = `${indent}${cut(name, options)}`;
    return isSpread(entry, options)
      ? [[span(label, 'faint')], ...spread(entry, `${indent}  `, options)]
      : [[span(`${label} `, 'faint'), span(inline(entry, options))]];
  });
  const rest = entries.length - shown.length;
  return rest === 0 ? lines : [...lines, [span(`${indent}… ${rest} more, --full shows them`, 'faint')]];
};

const ttl = (value: Value, ends: number, { now }: TextOptions): string =>
  `${inline(value, { now, full: true })} s, ${ends > now ? 'ends' : 'ended'} ${age(ends, now)}`;

/** A field's value where it takes no lines of its own. */
const words = (field: Field, options: TextOptions): string => {
  const { value, text, time, ends } = field;
  if (time !== undefined) return moment(time, options.now);
  if (ends !== undefined) return ttl(value, ends, options);
  if (text !== undefined) return cut(text, options);
  return typeof value === 'string' ? cut(value, options) : inline(value, options);
};

/** A field whose words stand for its value shows that too where all is wanted. */
const fieldLines = (field: Field, width: number, options: TextOptions): readonly Line[] => {
  const name = `${cut(field.name, options)}:`;
  const label = span(`${name.padEnd(width + 1)} `, 'faint');
  const own = field.time === undefined && field.ends === undefined && field.text === undefined;
  if (own && isSpread(field.value, options))
    return [[span(name, 'faint')], ...spread(field.value, '  ', options)];
  const line: Line = [label, span(words(field, options))];
  return options.full && field.text !== undefined ? [line, ...spreadOrInline(field.value, options)] : [line];
};

const spreadOrInline = (value: Value, options: TextOptions): readonly Line[] =>
  isSpread(value, options) ? spread(value, '  ', options) : [[span(`  ${inline(value, options)}`)]];

const MARKS: Readonly<Record<Verdict['state'], readonly [mark: string, tone: Tone, word: string]>> = {
  valid: ['✓', 'good', 'valid'],
  invalid: ['✗', 'bad', 'invalid'],
  unverified: ['?', 'doubtful', 'not verified'],
};

const verdictLine = ({ of, state, reason }: Verdict): Line => {
  const [mark, tone, word] = MARKS[state];
  return [span(`${mark} ${of} ${word}`, tone), span(`: ${reason}`)];
};

const printableByte = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';

/** `byte 16: 7b 22 [61] 67  {"ag`, with the place of the problem in brackets. */
const excerptLines = ({ from, bytes }: Excerpt, offset: number): readonly Line[] => {
  if (bytes.length === 0) return [];
  const digits = [...bytes].map((byte, i) => {
    const text = byte.toString(16).padStart(2, '0');
    return from + i === offset ? `[${text}]` : text;
  });
  const end = offset === from + bytes.length ? ' [end]' : '';
  const text = [...bytes].map(printableByte).join('');
  return [[span(`  byte ${from}: ${digits.join(' ')}${end}  ${text}`, 'faint')]];
};

/** An offset at the end says that all was read, and that something was not there. */
const place = (offset: number | undefined, size: number | undefined): string => {
  if (offset === undefined) return '';
  return offset === size ? `, at the end (byte ${offset})` : `, at byte ${offset}`;
};

const problemLines = ({ message, offset, excerpt }: Problem, size: number | undefined): readonly Line[] => [
  [span(`✗ ${message}${place(offset, size)}`, 'bad')],
  ...(excerpt === undefined || offset === undefined ? [] : excerptLines(excerpt, offset)),
];

const MAX_NAME_COLUMNS = 24;

const contentLines = (
  { fields, verdicts, problems, bytes }: Layer,
  options: TextOptions,
): readonly Line[] => {
  // Not as arguments of a call, of which there may be no hundred thousand.
  const width = fields.reduce((most, { name }) => Math.max(most, Math.min(MAX_NAME_COLUMNS, name.length)), 0);
  return [
    ...fields.flatMap((field) => fieldLines(field, width, options)),
    ...verdicts.map(verdictLine),
    ...problems.flatMap((problem) => problemLines(problem, bytes)),
  ];
};

const FORMATS = { json: 'JSON', marshal: 'Marshal', yaml: 'YAML' } as const;

const titleLine = ({ kind, format, bytes }: Layer): Line => {
  const about = [
    ...(format === undefined || kind === 'json' ? [] : [FORMATS[format]]),
    ...(bytes === undefined ? [] : [`${bytes} bytes`]),
  ].join(', ');
  return [span(LAYERS[kind], 'title'), ...(about === '' ? [] : [span(` (${about})`, 'faint')])];
};

const branch = (text: string, line: Line): Line => [span(text, 'faint'), ...line];

/** A message as a tree: a line for each layer, below it what is in it, then the layers inside. */
export const layerLines = (layer: Layer, options: TextOptions): readonly Line[] => {
  const { inside } = layer;
  const beside = inside.length > 0 ? '│ ' : '  ';
  return [
    titleLine(layer),
    ...contentLines(layer, options).map((line) => branch(beside, line)),
    ...inside.flatMap((child, i) => {
      const last = i === inside.length - 1;
      const [first = [], ...rest] = layerLines(child, options);
      return [branch(last ? '└─ ' : '├─ ', first), ...rest.map((line) => branch(last ? '   ' : '│  ', line))];
    }),
  ];
};
