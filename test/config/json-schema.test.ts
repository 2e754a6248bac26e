import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { z } from 'zod';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { configSchema } from '../../src/setup/schema.ts';

const FILE = fileURLToPath(new URL('../../docs/bridge.schema.json', import.meta.url));

const pattern = z.object({ source: z.string() });

const EXAMPLE = fileURLToPath(new URL('../../docs/bridge.example.yaml', import.meta.url));

/** Of a pattern what the file would say. */
const written = (value: unknown): unknown =>
  value instanceof Object && 'source' in value ? pattern.parse(value).source : value;

/** What is the machine's own is nobody else's default. */
const HOST = 'the-host-name';

/** What the file may hold, for editors: made of the schema that reads it. */
const made = z.toJSONSchema(
  configSchema(
    { hostname: HOST, cluster: 'mcollective', hasClaims: false, resolve: (path) => path },
    BUILT_IN,
  ),
  {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (!(zodSchema instanceof z.ZodDefault)) return;
      const value: unknown = zodSchema.def.defaultValue;
      if (value !== HOST) jsonSchema.default = Array.isArray(value) ? value.map(written) : value;
    },
  },
);

it('the JSON schema in docs is that of the configuration; UPDATE_SCHEMA=1 writes it anew', () => {
  const text = `${JSON.stringify(made, null, 2)}\n`;
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

type Found = readonly [path: string, schema: Readonly<Record<string, unknown>>];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Each key, each entry of a list, and each section with a name of the user's. */
const valuesOf = (schema: unknown, path = ''): readonly Found[] => {
  if (!isRecord(schema)) return [];
  const below = (it: unknown, name: string): readonly Found[] =>
    isRecord(it) ? [[name, it] as const, ...valuesOf(it, name)] : [];
  const { properties = {}, items, additionalProperties, oneOf = [] } = schema;
  return [
    ...Object.entries(isRecord(properties) ? properties : {}).flatMap(([key, it]) =>
      below(it, `${path}.${key}`),
    ),
    ...below(items, `${path}[]`),
    ...below(additionalProperties, `${path}.*`),
    ...(Array.isArray(oneOf) ? oneOf.flatMap((it) => valuesOf(it, path)) : []),
  ];
};

const found = valuesOf(made);

it('it has a type for each value, and says of each that is no section or list what it may be', () => {
  expect(found.length).toBeGreaterThan(150);
  const isTyped = (it: Found[1]): boolean =>
    ['type', 'enum', 'const', 'anyOf', 'oneOf'].some((name) => it[name] !== undefined);
  expect(found.filter(([, it]) => !isTyped(it)).map(([path]) => path)).toEqual([]);
  const isPlain = (it: Found[1]): boolean =>
    !['properties', 'items', 'additionalProperties', 'oneOf', 'const'].some((name) => it[name] !== undefined);
  expect(found.filter(([, it]) => isPlain(it) && it['description'] === undefined)).toEqual([]);
});

it.each([
  ['.max_ttl', { default: 3600, description: expect.stringContaining('a time from 1 s') }],
  [
    '.log.level',
    {
      default: 'info',
      anyOf: expect.arrayContaining([expect.objectContaining({ enum: expect.anything() })]),
    },
  ],
  [
    '.egresses.*.direct_limit',
    { default: 10, anyOf: expect.arrayContaining([{ type: 'integer', minimum: 0, maximum: 1_000_000 }]) },
  ],
  ['.ingresses.*.callers.allow[]', { type: 'string' }],
  ['.egresses.*.privileged', { default: [], type: 'array' }],
])('it has the default and the type of %s', (path, wanted) => {
  const [, schema] = found.find(([name]) => name === path) ?? [];
  expect(schema).toMatchObject(wanted);
});

describe('an editor that goes by it', () => {
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(FILE, 'utf8')));
  const example: unknown = parse(readFileSync(EXAMPLE, 'utf8'));
  const faultsWith = (path: readonly (string | number)[], value: unknown): readonly string[] => {
    const document = parseDocument(readFileSync(EXAMPLE, 'utf8'));
    document.setIn(path, value);
    return (schema.safeParse(document.toJS()).error?.issues ?? []).map((it) => it.path.join('.'));
  };

  it('finds nothing wrong with the example', () => {
    expect(schema.safeParse(example).error?.issues ?? []).toEqual([]);
  });

  it.each<[string, readonly (string | number)[], unknown]>([
    ['a number', ['max_targets'], 7],
    ['a number as text', ['max_targets'], '7'],
    ['a variable', ['max_targets'], `\${MOST}`],
    ['a time', ['max_ttl'], '10m'],
    ['a size', ['max_message_bytes'], '1MiB'],
    ['a list where one value would do', ['egresses', 'legacy', 'server_public_key'], ['a', 'b']],
    ['adapters', ['adapters'], ['./a.js']],
  ])('takes %s', (_, path, value) => {
    expect(faultsWith(path, value)).toEqual([]);
  });

  it.each<[string, readonly (string | number)[], unknown, string]>([
    ['a number that is too large', ['max_targets'], 1_000_000, 'max_targets'],
    ['a time without a unit that there is', ['max_ttl'], '10 minutes', 'max_ttl'],
    ['an unknown key', ['max_tll'], 1, ''],
    ['an unknown type', ['egresses', 'legacy', 'type'], 'mcollective', 'egresses.legacy'],
    ['an unknown level', ['log', 'level'], 'loud', 'log.level'],
  ])('finds %s', (_, path, value, place) => {
    expect(faultsWith(path, value)).toEqual([place]);
  });
});
