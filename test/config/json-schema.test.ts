import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { type JsonSchema, jsonSchemaOf, valuesOf } from './json-schema.ts';

const FILE = fileURLToPath(new URL('../../docs/bridge.schema.json', import.meta.url));

const made = jsonSchemaOf(BUILT_IN);

it('the JSON schema in docs is that of the configuration; UPDATE_SCHEMA=1 writes it anew', () => {
  const text = `${JSON.stringify(made, null, 2)}\n`;
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

const found = valuesOf(made);
const keys = found.filter(({ isKey }) => isKey);
const pathsOf = (which: (schema: JsonSchema) => boolean, among = found): readonly string[] =>
  among.filter(({ schema }) => which(schema)).map(({ path }) => path);

describe('the JSON schema', () => {
  it('says of each key what it is for', () => {
    expect(keys.length).toBeGreaterThan(150);
    const isUntold = ({ description }: JsonSchema): boolean =>
      typeof description !== 'string' || description === '';
    expect(pathsOf(isUntold, keys)).toEqual([]);
  });

  it('has a type for each value, and says of each that is no section or list what it may be', () => {
    const isUntyped = (it: JsonSchema): boolean =>
      ['type', 'enum', 'const', 'anyOf', 'oneOf', 'properties'].every((name) => it[name] === undefined);
    expect(pathsOf(isUntyped, keys)).toEqual([]);
    const isPlain = (it: JsonSchema): boolean =>
      !['properties', 'items', 'additionalProperties', 'oneOf', 'const'].some(
        (name) => it[name] !== undefined,
      );
    expect(pathsOf((it) => isPlain(it) && it['description'] === undefined)).toEqual([]);
  });

  it.each(['.ingresses.', '.egresses.'])('has each type among %s, with its own section', (sides) => {
    const types = sides === '.ingresses.' ? BUILT_IN.ingressTypes : BUILT_IN.egressTypes;
    const own = types.map(({ type }) => keys.filter(({ path }) => path.startsWith(`${sides}${type}.`)));
    expect(own.map((its) => its.length > 10)).toEqual(types.map(() => true));
    expect(own.map((its) => its[0]?.schema['const'])).toEqual(types.map(({ type }) => type));
  });

  it.each<[string, JsonSchema]>([
    [
      '.max_ttl',
      { default: 3600, description: expect.stringMatching(/^the longest ttl.*: a time from 1 s/) },
    ],
    [
      '.log.level',
      {
        default: 'info',
        anyOf: expect.arrayContaining([expect.objectContaining({ enum: expect.anything() })]),
      },
    ],
    [
      '.egresses.mcollective-stomp.direct_limit',
      { default: 10, anyOf: expect.arrayContaining([{ type: 'integer', minimum: 0, maximum: 1_000_000 }]) },
    ],
    ['.ingresses.choria-federation.callers.allow[]', { type: 'string' }],
    ['.ingresses.choria-federation.callers.allow', { default: ['\\.mcollective$', '\\.choria$'] }],
    ['.ingresses.mcollective-stomp.beside', { deprecated: true }],
    ['.egresses.mcollective-stomp.privileged', { default: [], type: 'array' }],
    ['.egresses.choria-collective.compound', { default: 'expr' }],
  ])('has the default and the type of %s', (path, wanted) => {
    expect(found.find((it) => it.path === path)?.schema).toMatchObject(wanted);
  });
});
