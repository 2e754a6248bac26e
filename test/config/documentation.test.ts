import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { configSchema } from '../../src/setup/schema.ts';
import { load } from './sample.ts';

const docs = new URL('../../docs/', import.meta.url);
const reference = readFileSync(new URL('configuration.md', docs), 'utf8');
const example = new URL('bridge.example.yaml', docs).pathname;

/** Old names are read, and not documented as keys. */
const isOldName = (schema: unknown): boolean =>
  typeof schema === 'object' && schema !== null && Reflect.get(schema, 'deprecated') === true;

/** Every key that a schema knows, with its section's path, whatever the schema is wrapped in. */
const keysOf = (schema: unknown, path: string): readonly string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  const below = (key: string): readonly string[] =>
    key in schema ? keysOf(Reflect.get(schema, key), path) : [];
  const properties: unknown = Reflect.get(schema, 'properties');
  const own =
    typeof properties === 'object' && properties !== null
      ? Object.entries(properties)
          .filter(([, it]) => !isOldName(it))
          .flatMap(([key, it]) => [`${path}.${key}`, ...keysOf(it, `${path}.${key}`)])
      : [];
  const union: unknown = Reflect.get(schema, 'oneOf');
  const options = Array.isArray(union) ? union.flatMap((it: unknown) => keysOf(it, path)) : [];
  return [...own, ...options, ...below('items'), ...below('additionalProperties')];
};

const schema = configSchema(
  { hostname: 'h', cluster: 'c', hasClaims: false, resolve: (path) => path },
  BUILT_IN,
);
const paths = keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '');

describe('the configuration reference', () => {
  it('is about a schema with sections inside sections', () => {
    expect(paths).toContain('.egresses.signing.keys_dir');
    expect(paths).toContain('.ingresses.callers.allow');
    expect(paths).toContain('.routes.identities.regex');
    expect(paths.length).toBeGreaterThan(60);
  });

  it.each(paths)('has a row for %s', (path) => {
    const key = path.split('.').at(-1);
    const rows = reference.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.some((row) => row.split('|')[1]?.includes(`\`${key}\``))).toBe(true);
  });

  it('has no row for a key that is none', () => {
    const tables = reference.slice(0, reference.indexOf('## Errors'));
    const names = [...tables.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) => cell?.match(/\w+/g) ?? []);
    const known = new Set(paths.map((path) => path.split('.').at(-1)));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  it('shows a configuration that loads', () => {
    const yaml = /```yaml\n(.+?)```/s.exec(reference)?.[1] ?? '';
    const env = { MCBRIDGE_CLUSTER_KEY: 'k'.repeat(32), MCBRIDGE_STOMP_PASSWORD: 'p' };
    expect(load(yaml, env).config.routes).toHaveLength(1);
  });
});

describe('the annotated example', () => {
  it('loads', () => {
    const { config } = loadConfig(example, {}, BUILT_IN);
    expect([...config.ingresses.keys(), ...config.egresses.keys()]).toEqual(['federation', 'legacy']);
    expect(config.routes[0]?.identities.map(({ to }) => to)).toEqual(['cert=admin', 'cert=$1']);
  });

  it('has every key, if only in a comment', () => {
    const text = readFileSync(example, 'utf8');
    const missing = paths
      .map((path) => path.split('.').at(-1) ?? '')
      .filter((key) => !new RegExp(`\\b${key}:`).test(text));
    expect(missing).toEqual([]);
  });
});
