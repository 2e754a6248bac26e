import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NOTIFICATIONS, PARAMS, REQUEST_ID, RESULTS } from '../../../src/adapters/websocket/wire/messages.ts';

const docs = new URL('../../../docs/', import.meta.url);
const FILE = new URL('websocket.schema.json', docs);

type JsonSchema = Readonly<Record<string, unknown>>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return made;
};

const message = (properties: JsonSchema, required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties: { jsonrpc: { const: '2.0' }, ...properties },
  required: ['jsonrpc', ...required],
  additionalProperties: false,
});

const ID = schemaOf(REQUEST_ID, 'input');
/** Params may be left out where none is required. */
const needsParams = ({ required }: JsonSchema): boolean => Array.isArray(required) && required.length > 0;

const requests = Object.entries(PARAMS).map(([method, schema]): [string, JsonSchema] => {
  const params = schemaOf(schema, 'input');
  const required = needsParams(params) ? ['method', 'params'] : ['method'];
  return [method, message({ id: ID, method: { const: method }, params }, required)];
});
const results = Object.entries(RESULTS).map(([method, schema]): [string, JsonSchema] => [
  `${method} result`,
  message({ id: ID, result: schemaOf(schema, 'output') }, ['id', 'result']),
]);
const notifications = Object.entries(NOTIFICATIONS).map(([method, schema]): [string, JsonSchema] => [
  method,
  message({ method: { const: method }, params: schemaOf(schema, 'output') }, ['method', 'params']),
]);
const error: JsonSchema = message(
  {
    id: { anyOf: [ID, { type: 'null' }] },
    error: {
      type: 'object',
      properties: {
        code: { type: 'integer' },
        message: { type: 'string' },
        data: { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] },
      },
      required: ['code', 'message', 'data'],
      additionalProperties: false,
    },
  },
  ['id', 'error'],
);

const $defs = Object.fromEntries([...requests, ...results, ...notifications, ['error', error]]);
const made = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'mcbridge.v1.json: the messages of the ingress websocket',
  anyOf: Object.keys($defs).map((name) => ({ $ref: `#/$defs/${name.replaceAll(' ', '%20')}` })),
  $defs,
};

const ajv = new Ajv2020({ strict: false, validateFormats: false, schemas: { made } });
/** Which definitions a message is of. */
const kindsOf = (value: unknown): readonly string[] =>
  Object.keys($defs).filter((name) =>
    ajv.validate({ $ref: `made#/$defs/${name.replaceAll(' ', '%20')}` }, value),
  );

it('the JSON schema in docs is that of the messages; UPDATE_SCHEMA=1 writes it anew', () => {
  const text = `${JSON.stringify(made, null, 2)}\n`;
  if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

describe('the examples of the documentation', () => {
  const text = readFileSync(new URL('websocket.md', docs), 'utf8');
  const examples = [...text.matchAll(/^[→←] (\{.*\})$/gm)].map(([, json = '']) =>
    json.replaceAll('0d1f…', '0'.repeat(32)),
  );

  it('are some', () => expect(examples.length).toBeGreaterThan(3));

  it.each(examples)('%s is a message of the schema', (json) => {
    expect(kindsOf(JSON.parse(json))).not.toEqual([]);
  });

  it('name all methods and notifications', () => {
    for (const name of [...Object.keys(PARAMS), ...Object.keys(NOTIFICATIONS)])
      expect(text).toContain(`\`${name}\``);
  });
});

it.each<[string, unknown]>([
  ['another method', { jsonrpc: '2.0', id: 1, method: 'rpc.evil' }],
  [
    'a call without an agent',
    { jsonrpc: '2.0', id: 1, method: 'rpc.call', params: { collective: 'a', action: 'b' } },
  ],
  ['a key too many', { jsonrpc: '2.0', id: 1, method: 'session.info', params: { a: 1 } }],
  ['a request without params', { jsonrpc: '2.0', id: 1, method: 'nodes.list' }],
])('%s is no message of the schema', (_, value) => {
  expect(kindsOf(value)).toEqual([]);
});
