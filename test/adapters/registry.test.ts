import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AdapterType, API_VERSION, defineEgress } from '../../src/adapters/adapter-type.ts';
import { BUILT_IN, createRegistry } from '../../src/adapters/registry.ts';
import type { SchemaContext } from '../../src/config/context.ts';
import { parseConfig } from '../../src/setup/load.ts';
import { load, MINIMAL } from '../config/sample.ts';

const context: SchemaContext = { hostname: 'h', cluster: 'c', hasClaims: false, resolve: (path) => path };

/** As bridge.yaml gives it. */
const typeOf = z.object({ properties: z.object({ type: z.object({ const: z.string() }) }) });

const SIDES: readonly (readonly [string, readonly AdapterType[]])[] = [
  ['ingresses', BUILT_IN.ingressTypes],
  ['egresses', BUILT_IN.egressTypes],
];

/** One to which clients come has none. */
const hasServers = ({ schema }: (typeof SIDES)[number][1][number]): boolean => {
  const { properties } = z
    .object({ properties: z.record(z.string(), z.unknown()) })
    .parse(z.toJSONSchema(schema(context), { io: 'input', unrepresentable: 'any' }));
  return 'servers' in properties;
};

describe.each(SIDES)('the registry of %s', (_, types) => {
  it('has each type once', () => {
    const names = types.map(({ type }) => type);
    expect(names).toEqual([...new Set(names)]);
  });

  it.each(types)('has the type of its schema: $type', ({ apiVersion, type, schema }) => {
    const { properties } = typeOf.parse(
      z.toJSONSchema(schema(context), { io: 'input', unrepresentable: 'any' }),
    );
    expect([apiVersion, properties.type.const]).toEqual([API_VERSION, type]);
  });

  it.each(types.filter(hasServers))(
    'has a server that is valid whatever stands beside it: $type',
    ({ type, anyServer, schema }) => {
      const faults = (beside: object): readonly unknown[] =>
        (schema(context).safeParse({ type, servers: [anyServer], ...beside }).error?.issues ?? []).map(
          ({ path: [key] }) => key,
        );
      expect(faults({})).not.toContain('servers');
      const whole = faults({ tls: { ca: 'ca', cert: 'cert', key: 'key' } });
      expect(whole).not.toContain('servers');
      expect(whole).not.toContain('tls');
    },
  );
});

describe('an entry', () => {
  it('is bound to its protocol when it is read', () => {
    const { ingresses, egresses } = load(MINIMAL).config;
    for (const [name, { type, adapter }] of [...ingresses, ...egresses])
      expect(adapter).toMatchObject({ name, type });
    const entryOf = BUILT_IN.ingress('choria-collective')
      ?.schema(context)
      .parse({
        type: 'choria-collective',
        servers: ['nats://n'],
        insecure_plaintext: true,
        callers: { ca: 'ca' },
      });
    expect(entryOf?.('a')).toMatchObject({
      name: 'a',
      config: { type: 'choria-collective' },
      adapter: { name: 'a', type: 'choria-collective' },
    });
  });

  it('of an egress says who lives beyond it', () => {
    const entryOf = BUILT_IN.egress('mcollective-stomp')
      ?.schema(context)
      .parse({
        type: 'mcollective-stomp',
        servers: ['stomp://n'],
        signing: { keys_dir: 'keys' },
        server_public_key: 'server.pem',
        nodes: ['web*'],
        discovery: { every: 7 },
      });
    expect(entryOf?.('a')).toMatchObject({ nodes: ['web*'], discovery: { every: 7 } });
  });

  it('of an egress whose schema does not say that is a problem of its section', () => {
    const nobody = defineEgress({
      type: 'nobody',
      transport: 'none',
      anyServer: 'none://',
      opaque: undefined,
      // As by a module of JavaScript, in which nobody looks at types.
      schema: () =>
        z.strictObject({ type: z.literal('nobody') }).transform((it) => JSON.parse(JSON.stringify(it))),
      adapt: () => {
        throw new Error('it is not asked');
      },
      replyPath: { beforeToken: () => undefined, of: () => undefined },
    });
    const registry = createRegistry([...BUILT_IN.ingressTypes, nobody]);
    const text = MINIMAL.replace(/ {4}type: mcollective-stomp\n(?: {4}.*\n)+/, '    type: nobody\n');
    expect(() => parseConfig(text, 'bridge.yaml', {}, registry)).toThrow(
      'bridge.yaml:9:5: egresses.legacy: the schema of its type gives no nodes and discovery, which nodesFields and nodesOf of mcbridge/adapter make',
    );
  });

  it('is data that can be compared', () => {
    const configOf = (key: string): unknown =>
      BUILT_IN.egress('mcollective-stomp')
        ?.schema(context)
        .parse({
          type: 'mcollective-stomp',
          servers: ['stomp://n'],
          signing: { keys_dir: 'keys' },
          server_public_key: key,
        })('a').config;
    expect(isDeepStrictEqual(configOf('one'), configOf('one'))).toBe(true);
    expect(isDeepStrictEqual(configOf('one'), configOf('other'))).toBe(false);
  });

  it('of another type is none', () => {
    const { ingress, egress } = BUILT_IN;
    expect([ingress('amqp'), egress(undefined), egress('choria-federation')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
