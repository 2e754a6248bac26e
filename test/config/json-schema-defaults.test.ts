import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_MIN_VERSION } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { jsonSchemaOf, valuesOf, written } from './json-schema.ts';
import { CLUSTER_KEY, load } from './sample.ts';

/** Has no policy of any agent. */
const folder = mkdtempSync(join(tmpdir(), 'mcbridge-defaults-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Every section that there is, and an entry of each type, each with no more than it needs. */
const ALL = `${CLUSTER_KEY}claims: { servers: [nats://claims.example.net], tls: { ca: ca.pem, cert: c.pem, key: c.key } }
audit: { sinks: [{ file: audit.log }], heads: {} }
policies:
  ours: { rules: [{ verdict: allow }] }
  nodes: { action_policy: { folder: ${JSON.stringify(folder)}, dialect: choria } }
log: {}
http: {}
page: {}
statistics: {}
ingresses:
  federation:
    type: choria-federation
    cluster: mcollective
    servers: [nats://nats1.example.net]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    callers: {}
    buffer: {}
  choria_clients:
    type: choria-collective
    servers: [nats://nats1.example.net]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    callers: {}
    buffer: {}
  mco:
    type: mcollective-stomp
    servers: [stomp+ssl://activemq1.example.net]
    tls: {}
    callers: { keys_dir: clients }
    server_private_key: server.pem
    buffer: {}
  web:
    type: websocket
    listen: 127.0.0.1:8443
    tls: { cert: web.pem, key: web.key }
    clients: { ca: ca.pem }
    tokens: { issuer: i, audience: a, jwks_file: keys.json }
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp+ssl://activemq1.example.net]
    tls: {}
    signing: { keys_dir: keys }
    server_public_key: server.pem
    discovery: {}
    buffer: {}
  choria:
    type: choria-collective
    servers: [nats://nats2.example.net]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { certs_dir: certs }
    discovery: {}
    buffer: {}
routes:
  - { from: federation, to: choria, collectives: [a] }
  - { from: choria_clients, to: legacy, collectives: [a], identities: [{ exact: choria=a.mcollective, to: cert=a }] }
`;

/** Without the section itself, which has a default as well. */
const WITHOUT = ALL.replace(/^policies:\n(?: .*\n)*/m, '');

type Entries = Readonly<Record<string, { readonly type: string }>>;
const ENTRIES: Readonly<Record<'ingresses' | 'egresses', Entries>> = parseDocument(ALL).toJS();

/** The entry of a type. */
const nameOf = (side: 'ingresses' | 'egresses', type: string): string => {
  const found = Object.entries(ENTRIES[side]).find(([, entry]) => entry.type === type);
  if (found === undefined)
    throw new Error(`${side} have a type ${type}: add the smallest entry of it to ALL in this file`);
  return found[0];
};

/** Of a list its first entry is meant. */
const keysOf = (keys: readonly string[]): readonly (string | number)[] =>
  keys.flatMap((key) => (key.endsWith('[]') ? [key.slice(0, -2), 0] : [key]));

/** Where the file has what a path of the schema is about: by the type that the path names, in the entry of that type. */
const placeOf = (path: string): readonly (string | number)[] => {
  const [, first = '', ...keys] = path.split('.');
  if (first === 'ingresses' || first === 'egresses') {
    const [type = '', ...rest] = keys;
    return [first, nameOf(first, type), ...rest];
  }
  if (first === 'policies') {
    const name = keys[0] === 'action_policy' ? 'nodes' : 'ours';
    return [first, name, ...keysOf(keys)];
  }
  // The rule of the only route that has one.
  const isRule = path.startsWith('.routes[].identities');
  const list = first === 'routes[]' ? ['routes', isRule ? 1 : 0] : [first];
  return [...list, ...keysOf(keys)];
};

/** All that a configuration says, but what tells that a default was written. */
const saidBy = (text: string): unknown => {
  const { config } = load(text);
  const sides = (entries: typeof config.ingresses | typeof config.egresses) =>
    [...entries].map(([name, entry]) => ({ ...entry, name, adapter: undefined }));
  const all = { ...config, ingresses: sides(config.ingresses), egresses: sides(config.egresses) };
  return JSON.parse(
    JSON.stringify(all, (key, value: unknown) => {
      if (key === 'given') return undefined;
      return key === 'minVersion' && value === DEFAULT_MIN_VERSION ? undefined : written(value);
    }),
  );
};

const plain = saidBy(ALL);
const defaults = valuesOf(jsonSchemaOf(BUILT_IN)).flatMap(({ path, schema, isKey }): [string, unknown][] =>
  isKey && schema['default'] !== undefined ? [[path, schema['default']]] : [],
);

it('there are many defaults', () => {
  expect(defaults.length).toBeGreaterThan(60);
});

it.each(defaults)('the default of %s is what counts where the key is not given', (path, value) => {
  const isSection = path === '.policies';
  const document = parseDocument(isSection ? WITHOUT : ALL);
  document.setIn(isSection ? ['policies'] : placeOf(path), value);
  expect(saidBy(document.toString())).toEqual(isSection ? saidBy(WITHOUT) : plain);
});
