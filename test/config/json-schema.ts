import { z } from 'zod';
import type { Registry } from '../../src/adapters/registry.ts';
import { configSchema } from '../../src/setup/schema.ts';

const pattern = z.object({ source: z.string() });

/** Of a pattern what the file would say. */
export const written = (value: unknown): unknown =>
  value instanceof Object && 'source' in value ? pattern.parse(value).source : value;

/** What is the machine's own, or this file's, is no default of the schema's. */
const HOST = 'the-host-name';
const CLUSTER = 'the-cluster';

/** What a file may hold, for editors: made of the schema that reads it. */
export const jsonSchemaOf = (registry: Registry) =>
  z.toJSONSchema(
    configSchema({ hostname: HOST, cluster: CLUSTER, hasClaims: false, resolve: (path) => path }, registry),
    {
      io: 'input',
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        const later = zodSchema instanceof z.ZodType ? zodSchema.meta()?.['default'] : undefined;
        const value: unknown = zodSchema instanceof z.ZodDefault ? zodSchema.def.defaultValue : later;
        if (value === HOST || value === CLUSTER) delete jsonSchema.default;
        else if (value !== undefined) jsonSchema.default = Array.isArray(value) ? value.map(written) : value;
      },
    },
  );

export type JsonSchema = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Found {
  /** `.egresses.<type>.signing.keys_dir`; `[]` is an entry of a list. */
  readonly path: string;
  readonly schema: JsonSchema;
  /** Whether it is a key, and no entry of a list or of a section of the user's names. */
  readonly isKey: boolean;
}

const typeOf = (option: unknown): string => {
  const parsed = z
    .object({ properties: z.object({ type: z.object({ const: z.string() }) }) })
    .safeParse(option);
  return parsed.success ? `.${parsed.data.properties.type.const}` : '';
};

/** Each key, each entry of a list, and each section with a name of the user's. */
export const valuesOf = (schema: unknown, path = ''): readonly Found[] => {
  if (!isRecord(schema)) return [];
  const below = (it: unknown, name: string, isKey: boolean): readonly Found[] =>
    isRecord(it) ? [{ path: name, schema: it, isKey }, ...valuesOf(it, name)] : [];
  const { properties = {}, items, additionalProperties, oneOf } = schema;
  return [
    ...Object.entries(isRecord(properties) ? properties : {}).flatMap(([key, it]) =>
      below(it, `${path}.${key}`, true),
    ),
    ...below(items, `${path}[]`, false),
    // Of a section with names of the user's, the types that are there stand for the name.
    ...(isRecord(additionalProperties) ? valuesOf(additionalProperties, path) : []),
    ...(Array.isArray(oneOf) ? oneOf.flatMap((it) => below(it, `${path}${typeOf(it)}`, false)) : []),
  ];
};
