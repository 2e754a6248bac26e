import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AdapterType, defineEgress } from '../../src/adapters/adapter-type.ts';
import { BUILT_IN, createRegistry } from '../../src/adapters/registry.ts';
import { withMadeUpVariables } from '../../src/capture/replay/placeholder-variables.ts';
import { secret } from '../../src/config/fields.ts';
import { nodesFields, nodesOf } from '../../src/config/nodes.ts';
import { parseConfig } from '../../src/setup/load.ts';
import { type AdapterFolder, makeAdapterFolder } from './adapter-modules.ts';

const apiKey = () =>
  secret('a key').refine((key) => key.reveal().length > 20, {
    params: { allowed: 'a key of 21 characters' },
  });

const type: AdapterType = defineEgress({
  type: 'test-web',
  transport: 'web',
  anyServer: 'web://127.0.0.1',
  opaque: undefined,
  schema: () =>
    z
      .strictObject({
        type: z.literal('test-web'),
        api_key: apiKey(),
        auth: z.strictObject({ keys: z.array(secret('a key')).optional() }).optional(),
        ...nodesFields(),
      })
      .transform((it) => ({ key: it.api_key, ...nodesOf(it) })),
  adapt: () => {
    throw new Error('no adapter is made of what is wrong');
  },
  replyPath: { beforeToken: () => undefined, of: () => undefined },
});
const registry = createRegistry([...BUILT_IN.ingressTypes, ...BUILT_IN.egressTypes, type]);

let folder: AdapterFolder;
beforeEach(() => {
  folder = makeAdapterFolder();
});
afterEach(() => folder.end());

const textWith = (keys: string): string => `cluster_key: 0123456789abcdef0123456789abcdef
ingresses:
  a: { type: choria-federation, servers: [nats://a], tls: { ca: c, cert: c, key: k } }
egresses:
  web: { type: test-web, ${keys} }
routes: [{ from: a, to: web, collectives: [m], identities: [{ exact: choria=a, to: cert=a }] }]
`;

describe('what an adapter reads as a secret', () => {
  it.each([
    ['is too short', 'api_key: hunter2', 'api_key', 'a key of 21 characters'],
    ['is a number', 'api_key: 8675309', 'api_key', 'a key'],
    ['is one of several', `api_key: ${'k'.repeat(21)}, auth: { keys: [8675309] }`, 'auth.keys[0]', 'a key'],
  ])('is not shown where it %s', (_, keys, path, allowed) => {
    let said = '';
    try {
      parseConfig(textWith(keys), 'bridge.yaml', {}, registry);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(
      `egresses.web.${path}: the value (a secret, not shown) is not allowed; allowed: ${allowed}`,
    );
    expect(said).not.toMatch(/hunter2|8675309/);
  });

  it('is made up where nobody connects', () => {
    const keys = `api_key: "\${API_KEY}", auth: { keys: ["\${FURTHER}"] }, nodes: "\${NODES}"`;
    const env = withMadeUpVariables(folder.write('bridge.yaml', textWith(keys)), {}, registry);
    expect(Object.keys(env).toSorted()).toEqual(['API_KEY', 'FURTHER']);
    expect(env['API_KEY']).toMatch(/^[0-9a-f]{64}$/);
  });
});
