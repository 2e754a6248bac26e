import { afterEach, describe, expect, it } from 'vitest';
import { Stats } from '../../src/bridge/stats.ts';
import { meterLink } from '../../src/telemetry/meter.ts';
import { Monitor } from '../../src/telemetry/monitor.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import { type LogLine, recordingLog, settled, until } from '../adapters/world.ts';

const monitors: Monitor[] = [];
afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.stopPublishing();
});

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
    interval: () => 1,
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

describe('the other instances of a cluster', () => {
  it('are counted once they say that they are there', async () => {
    const network = new MemoryBroker(NATS_RULES);
    await instanceOn(network, '1', ['federation']);
    await instanceOn(network, '2', ['federation']);
    await instanceOn(network, '3', ['federation'], 'lab');
    await until('both know of each other', () =>
      monitors.slice(0, 2).every((monitor) => monitor.others() === 1),
    );
    expect(monitors[0]?.instances()).toMatchObject([
      { instance: '2', said: { requests: 0, replies: 0, refused: 0, inFlight: 0 } },
    ]);
  });

  it('are unknown where there is no network on which they would say so', async () => {
    await instanceOn(new MemoryBroker(NATS_RULES), '1', []);
    expect(monitors[0]?.others()).toBeUndefined();
  });
});
