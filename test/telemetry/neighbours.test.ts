import { afterEach, describe, expect, it } from 'vitest';
import { Stats } from '../../src/bridge/stats.ts';
import { meterLink } from '../../src/telemetry/meter.ts';
import { Monitor } from '../../src/telemetry/monitor.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import { type LogLine, recordingLog, settled, until } from '../adapters/world.ts';

const monitors: Monitor[] = [];
afterEach(() => Promise.all(monitors.splice(0).map((monitor) => monitor.close())));

/** The monitor of an instance that has these ingresses on the network, running. */
const instanceOn = async (
  network: MemoryBroker,
  instance: string,
  ingresses: readonly string[],
  cluster = 'prod',
) => {
  const log: LogLine[] = [];
  const stats = new Stats();
  const links = await Promise.all(
    ingresses.map(async (name) => {
      stats.route(name, 'legacy');
      const link = meterLink(network.link(), {
        name,
        side: 'federation',
        clusters: [cluster],
        clock: Date.now,
      });
      await link.link.open();
      return link;
    }),
  );
  const monitor = new Monitor({
    version: '1.2.3',
    identity: `bridge${instance}.example.net`,
    cluster,
    instance,
    configFile: '/etc/bridge.yaml',
    interval: 1,
    links,
    stats,
    observe: () => undefined,
    inFlight: () => 0,
    silentNodes: () => 0,
    log: recordingLog(log),
    clock: Date.now,
  });
  monitors.push(monitor);
  monitor.running();
  return log;
};

describe('another bridge of the cluster', () => {
  it('with other ingresses is told of, by both, once', async () => {
    const network = new MemoryBroker(NATS_RULES);
    const one = await instanceOn(network, '1', ['federation']);
    const other = await instanceOn(network, '1', ['federation', 'partners']);
    await until('both have said so', () => one.length > 0 && other.length > 0);
    expect(one).toMatchObject([
      {
        level: 'error',
        fields: { member: '1', sender: 'bridge1.example.net' },
        message: expect.stringContaining(
          'has other ingresses (federation, partners) than this one (federation): each may get replies',
        ),
      },
    ]);
    await instanceOn(network, '2', ['federation']);
    await settled();
    expect(one).toHaveLength(1);
  });

  it('with the same ingresses is none to tell of, nor is one of another cluster', async () => {
    const network = new MemoryBroker(NATS_RULES);
    const one = await instanceOn(network, '1', ['federation']);
    await instanceOn(network, '2', ['federation']);
    await instanceOn(network, '3', ['partners'], 'other');
    // Only what comes after all these shows that they were heard.
    await instanceOn(network, '4', ['late']);
    await until('the last one is heard', () => one.length > 0);
    expect(one.map(({ fields }) => fields['member'])).toEqual(['4']);
  });
});
