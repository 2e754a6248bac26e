import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';
import httpTypes from '../../examples/http-egress/http-egress.js';
import { BUILT_IN, createRegistry } from '../../src/adapters/registry.ts';
import { isRecord, jsonSchemaOf } from './json-schema.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const validatorOf = (schema: object) =>
  new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

const published: unknown = JSON.parse(readFileSync(`${ROOT}docs/bridge.schema.json`, 'utf8'));
if (!isRecord(published)) throw new Error('docs/bridge.schema.json is no JSON schema');
const builtIn = validatorOf(published);
const withHttp = validatorOf(
  jsonSchemaOf(createRegistry([...BUILT_IN.ingressTypes, ...BUILT_IN.egressTypes, ...httpTypes])),
);

/** Where something is wrong; of a section of a wrong type, whatever each of the types has against it. */
const faultsOf = (value: unknown, validate = builtIn): ReadonlySet<string> => {
  validate(value);
  return new Set((validate.errors ?? []).map(({ instancePath }) => instancePath));
};

/** Configurations in the fenced blocks of a text, whose parts alone are none. */
const blocksOf = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^( *)```yaml\n([\s\S]*?)^\1```/gm)]
    .map(([, indent = '', yaml = '']) => yaml.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .filter((yaml) =>
      ['ingresses', 'egresses', 'routes'].every((key) => new RegExp(`^${key}:`, 'm').test(yaml)),
    );

const FOLDERS = ['.', 'docs', 'fixtures', 'examples'];

const texts = FOLDERS.flatMap((folder) =>
  readdirSync(`${ROOT}${folder}`, { recursive: folder !== '.', encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((name) => /\.(?:ya?ml|md)$/.test(name) && !name.includes('node_modules/')),
).flatMap((name): [name: string, text: string][] => {
  const text = readFileSync(`${ROOT}${name}`, 'utf8');
  if (name.endsWith('.md')) return blocksOf(text).map((block, index) => [`${name}, ${index + 1}`, block]);
  return /^ingresses:/m.test(text) ? [[name, text]] : [];
});

describe('an editor that goes by the JSON schema', () => {
  it('has configurations to look at, in files and in documents', () => {
    const names = texts.map(([name]) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        './README.md, 1',
        'docs/bridge.example.yaml',
        'docs/configuration.md, 1',
        'docs/federation.md, 1',
        'docs/migration.md, 1',
        'fixtures/cassettes/choria-to-legacy.yaml',
        'fixtures/cassettes/choria-to-choria.yaml',
        'fixtures/cassettes/legacy-to-choria.yaml',
        'examples/http-egress/README.md, 1',
      ]),
    );
  });

  it.each(texts)('finds nothing wrong with %s', (_, text) => {
    const value: unknown = parse(text, { merge: true });
    const hasAdapters = isRecord(value) && value['adapters'] !== undefined;
    expect(faultsOf(value, hasAdapters ? withHttp : builtIn)).toEqual(new Set());
  });

  const EXAMPLE = readFileSync(`${ROOT}docs/bridge.example.yaml`, 'utf8');
  const faultsWith = (path: readonly (string | number)[], value: unknown): ReadonlySet<string> => {
    const document = parseDocument(EXAMPLE);
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, value);
    return faultsOf(document.toJS());
  };

  it.each<[string, readonly (string | number)[], unknown]>([
    ['a number', ['max_targets'], 7],
    ['a number as text', ['max_targets'], '7'],
    ['a variable', ['max_targets'], `\${MOST}`],
    ['a time', ['max_ttl'], '10m'],
    ['a size', ['max_message_bytes'], '1MiB'],
    ['a list where one value would do', ['egresses', 'legacy', 'server_public_key'], ['a', 'b']],
    ['one value where a list would do', ['egresses', 'legacy', 'server_public_key'], 'a'],
    ['adapters', ['adapters'], ['./a.js']],
    ['off', ['http', 'listen'], 'off'],
  ])('takes %s', (_, path, value) => {
    expect(faultsWith(path, value)).toEqual(new Set());
  });

  it.each<[string, readonly (string | number)[], unknown, string]>([
    ['a number that is too large', ['max_targets'], 1_000_000, '/max_targets'],
    ['a time without a unit that there is', ['max_ttl'], '10 minutes', '/max_ttl'],
    ['an unknown key', ['max_tll'], 1, ''],
    ['a key that is missing', ['routes'], undefined, ''],
    ['an unknown type', ['egresses', 'legacy', 'type'], 'mcollective', '/egresses/legacy/type'],
    ['an unknown level', ['log', 'level'], 'loud', '/log/level'],
    ['a key of another type', ['egresses', 'legacy', 'certs_dir'], 'certs', '/egresses/legacy'],
    [
      "a wrong value of a type's own",
      ['egresses', 'legacy', 'serializer'],
      'json',
      '/egresses/legacy/serializer',
    ],
    [
      "an unknown key in a type's own section",
      ['ingresses', 'federation', 'tls', 'certificate'],
      'c.pem',
      '/ingresses/federation/tls',
    ],
    ['a text where a list is wanted', ['routes', 0, 'collectives'], 'mcollective', '/routes/0/collectives'],
  ])('finds %s', (_, path, value, place) => {
    expect(faultsWith(path, value)).toContain(place);
  });

  it('knows a type from outside only by the schema that is made with it', () => {
    const text = texts.find(([name]) => name === 'examples/http-egress/README.md, 1')?.[1] ?? '';
    const value: unknown = parse(text);
    expect(faultsOf(value, withHttp)).toEqual(new Set());
    expect(faultsOf(value).size).toBeGreaterThan(0);
  });
});
