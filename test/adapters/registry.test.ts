import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { API_VERSION, type EgressType, type IngressType } from '../../src/adapters/adapter-type.ts';
import { EGRESS_TYPES, egressType, INGRESS_TYPES, ingressType } from '../../src/adapters/registry.ts';
import type { SchemaContext } from '../../src/config/context.ts';
import { load, MINIMAL } from '../config/sample.ts';

const context: SchemaContext = { hostname: 'h', cluster: 'c', hasClaims: false, resolve: (path) => path };

/** As bridge.yaml gives it. */
const typeOf = z.object({ properties: z.object({ type: z.object({ const: z.string() }) }) });

const SIDES: readonly (readonly [string, readonly (IngressType | EgressType)[]])[] = [
  ['ingresses', INGRESS_TYPES],
  ['egresses', EGRESS_TYPES],
];

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

  it.each(types)(
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
    const { ingresses } = load(MINIMAL).config;
    for (const [name, it] of ingresses)
      expect(ingressType(it.type)?.adapterOf(it)).toMatchObject({ name, type: it.type });
    const entry = ingressType('choria-collective')
      ?.schema(context)
      .parse({
        type: 'choria-collective',
        servers: ['nats://n'],
        insecure_plaintext: true,
        callers: { ca: 'ca' },
      });
    expect(entry?.config.type).toBe('choria-collective');
    expect(entry?.adapt('a')).toMatchObject({ name: 'a', type: 'choria-collective' });
  });

  it('of another type is nothing to a protocol', () => {
    expect(ingressType('choria-federation')?.adapterOf({ type: 'mcollective-stomp', name: 'a' })).toBe(
      undefined,
    );
    expect([ingressType('amqp'), egressType(undefined)]).toEqual([undefined, undefined]);
  });
});
