import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { routesOf } from '../../src/app/wiring.ts';
import { type Route, Routing, wiringProblem } from '../../src/bridge/routing.ts';
import { ConfigError } from '../../src/config/problem.ts';
import type { PayloadKind } from '../../src/envelope/message.ts';
import type { Egress, Ingress } from '../../src/envelope/port.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { load, minimalWith } from '../config/sample.ts';

const side = {
  drain: async () => undefined,
  close: async () => undefined,
  status: () => ({ name: 'side', up: true }),
  start: async () => undefined,
};
const ingress = (name: string, accepts: readonly PayloadKind[]): Ingress => ({
  ...side,
  name,
  accepts,
  reply: () => undefined,
});
const egress = (name: string, accepts: readonly PayloadKind[]): Egress => ({
  ...side,
  name,
  accepts,
  deliver: async () => undefined,
});
const READ: readonly PayloadKind[] = ['rpc', 'discovery'];
const ALL: readonly PayloadKind[] = [...READ, 'opaque'];

const route = (from: Ingress, to: Egress, carries?: readonly PayloadKind[]): Route => ({
  from,
  to,
  collectives: new Set(['mcollective']),
  identities: { rules: [], privileged: [] },
  ...(carries && { carries }),
});

describe('a route', () => {
  it('is wired where its egress accepts its requests and its ingress their replies', () => {
    expect(wiringProblem(route(ingress('in', ALL), egress('out', ALL), ['opaque']))).toBeUndefined();
    expect(wiringProblem(route(ingress('in', READ), egress('out', READ)))).toBeUndefined();
  });

  it('is refused where its egress does not accept opaque requests', () => {
    const one = route(ingress('in', ALL), egress('out', READ), ['opaque']);
    expect(() => new Routing([one])).toThrow('the egress out does not accept requests of this kind: opaque');
  });

  it('is refused where its ingress does not accept opaque replies', () => {
    const one = route(ingress('in', READ), egress('out', ALL), ['opaque']);
    expect(() => new Routing([one])).toThrow('the ingress in does not accept replies of this kind: opaque');
  });

  it('is refused where its egress only passes, and it is to be read', () => {
    const one = route(ingress('in', ALL), egress('out', ['opaque']));
    expect(() => new Routing([one])).toThrow('does not accept requests of this kind: rpc, discovery');
  });

  it('is not that of a request which it does not carry', () => {
    const routing = new Routing([route(ingress('in', ALL), egress('out', ALL), ['opaque'])]);
    expect(routing.routeFor('in', 'opaque', ['mcollective'])?.to.name).toBe('out');
    expect(routing.routeFor('in', 'rpc', ['mcollective'])).toBeUndefined();
  });
});

it('a configured route between sides that do not accept what it carries is an error at its place in the file', () => {
  const file = fileURLToPath(new URL('../../fixtures/cassettes/choria-to-choria.yaml', import.meta.url));
  const loaded = loadConfig(file, {}, BUILT_IN);
  const { config } = loaded;
  const index = config.routes.findIndex(({ identities }) => identities.length === 0);
  const adapters = (accepts: readonly PayloadKind[]) => ({
    ingresses: new Map([...config.ingresses.keys()].map((name) => [name, ingress(name, ALL)])),
    egresses: new Map([...config.egresses.keys()].map((name) => [name, egress(name, accepts)])),
  });
  expect(routesOf(config, adapters(ALL), loaded)[index]?.carries).toEqual(['opaque']);
  let error: unknown;
  try {
    routesOf(config, adapters(READ), loaded);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof ConfigError)) throw new Error('it was wired');
  expect(error.problems).toContainEqual(
    expect.objectContaining({
      ...loaded.at(['routes', index]),
      path: `routes[${index}]`,
      message: `the egress ${config.routes[index]?.to} does not accept requests of this kind: opaque`,
    }),
  );
});

it('a configured route knows whom its egress holds privileged', () => {
  const { config, ...place } = load(
    minimalWith(
      '    server_public_key: server.pem\n',
      "    server_public_key: server.pem\n    privileged: ['^cert=root$']\n",
    ),
  );
  const [one] = routesOf(
    config,
    {
      ingresses: new Map([['federation', ingress('federation', ALL)]]),
      egresses: new Map([['legacy', egress('legacy', READ)]]),
    },
    place,
  );
  expect(one?.identities.privileged.map((pattern) => pattern.test('cert=root'))).toEqual([true]);
});
