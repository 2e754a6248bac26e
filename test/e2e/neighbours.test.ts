import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mcbridge } from '../support/bridge.ts';
import { type BridgeConfig, CLUSTER, startWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld({ nodes: [] });
});
afterEach(() => Promise.all(world.bridges().map((bridge) => bridge.child.kill())));
afterAll(() => world?.stop());

const telling = (config: BridgeConfig) => ({ ...config, statistics: { interval: '1s' } });

/** Another bridge of the same name: it serves a collective's own clients besides, between the same brokers. */
const other = (config: BridgeConfig) => {
  const { servers, tls } = config.ingresses.federation;
  const [route] = config.routes;
  return {
    ...telling(config),
    ingresses: {
      ...config.ingresses,
      partners: { type: 'choria-collective', servers, tls },
    },
    routes: [...config.routes, { ...route, from: 'partners', collectives: ['partners'] }],
  };
};

const clash = (theirs: string, mine: string): RegExp =>
  new RegExp(
    `another bridge of the cluster ${CLUSTER}, instance \\d+, has other ingresses \\(${theirs}\\) than this one \\(${mine}\\)`,
  );

describe('two bridges between the same NATS server and ActiveMQ, of one cluster name and with other ingresses', () => {
  it('say so, both of them, and check says it to whoever is about to start one', async () => {
    const [one, two] = [await world.bridge(telling), await world.bridge(other)];
    const [first, second] = await Promise.all(
      [one, two].map((bridge) => bridge.line(({ event }) => event === 'cluster_clash', 'the other bridge')),
    );
    expect(first?.msg).toMatch(clash('federation, partners', 'federation'));
    expect(second?.msg).toMatch(clash('federation', 'federation, partners'));
    await two.stop();
    const checked = await mcbridge('check', '--config', world.config(other), '--listen', '3');
    expect(checked.stdout + checked.stderr).toMatch(clash('federation', 'federation, partners'));
    expect(checked.status).not.toBe(0);
  });

  it('with the same ingresses say nothing', async () => {
    const bridges = [await world.bridge(telling), await world.bridge(telling)];
    const checked = await mcbridge('check', '--config', world.config(telling), '--listen', '3');
    expect(checked.stdout + checked.stderr).toContain('no bridge was heard that this one does not go with');
    // Both have published for as long as that.
    for (const bridge of bridges)
      expect(bridge.lines().filter(({ event }) => event === 'cluster_clash')).toEqual([]);
  });
});
