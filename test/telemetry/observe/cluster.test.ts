import { describe, expect, it } from 'vitest';
import { decodeStats } from '../../../src/adapters/choria/wire/stats.ts';
import { ObservedCluster } from '../../../src/telemetry/observe/cluster.ts';
import { formatView } from '../../../src/telemetry/observe/format.ts';
import { viewObject } from '../../../src/telemetry/observe/json.ts';
import type { ClusterView } from '../../../src/telemetry/observe/view.ts';
import { captured, document } from './documents.ts';
import { names, only, T0, viewAt } from './views.ts';

describe('a cluster of Ruby brokers, as recorded', () => {
  const cluster = new ObservedCluster('production');
  // The first two documents of each instance.
  for (const { at, payload } of captured.slice(0, 4)) cluster.hear(decodeStats(Buffer.from(payload)), at);
  const view = cluster.view(captured[3]?.at ?? 0);

  it('adds up what its instances counted', () => {
    expect(view.federation).toMatchObject({ received: 2 + 2, sent: 4 + 6 });
    expect(view.collective).toMatchObject({ received: 4 + 6, sent: 4 + 2 });
  });

  it('has shares in percent', () => {
    expect(view.federation.instances).toMatchObject([
      { name: '1', received: 2, receivedShare: 50, sent: 4, sentShare: 40 },
      { name: '2', received: 2, receivedShare: 50, sent: 6, sentShare: 60 },
    ]);
    expect(view.collective.instances).toMatchObject([
      { name: '1', receivedShare: 40, sentShare: expect.closeTo(66.667, 3) },
      { name: '2', receivedShare: 60, sentShare: expect.closeTo(33.333, 3) },
    ]);
  });

  it('has rates between the last two documents, which came 10.001 s apart', () => {
    expect(view.federation.instances.map(({ rates }) => rates)).toEqual([
      { received: 1 / 10.001, sent: 1 / 10.001 },
      { received: 1 / 10.001, sent: 3 / 10.001 },
    ]);
    expect(view.federation.rates?.sent).toBeCloseTo(4 / 10.001, 6);
    expect(view.collective.rates?.received).toBeCloseTo(4 / 10.001, 6);
  });

  it('says who the instances are', () => {
    expect(view.instances[0]).toMatchObject({
      name: '1',
      version: '0.6.0',
      status: 'OK',
      started: 1_795_412_323_000,
      interval: 10_001,
      stale: false,
      rejected: null,
      expired: null,
      connections: {
        federation: { server: 'nats://127.0.0.1:4223', lastMessage: 1_795_412_334_000 },
        collective: { server: 'nats://127.0.0.1:4222', lastMessage: 1_795_412_334_000 },
      },
    });
    expect(view.notes).toEqual([]);
  });
});

describe('shares', () => {
  it('are 0 where the cluster did nothing yet', () => {
    expect(viewAt(0, [0, {}]).federation.instances).toMatchObject([{ receivedShare: 0, sentShare: 0 }]);
  });

  it('are those of the whole cluster where only one instance is listed', () => {
    const cluster = new ObservedCluster('production');
    cluster.hear(document({ instance: '1', federation: [30, 0] }), T0);
    cluster.hear(document({ instance: '2', federation: [10, 0] }), T0);
    const view = cluster.view(T0, new Set(['2']));
    expect(names(view)).toEqual(['2']);
    expect(view.federation).toMatchObject({ received: 40, instances: [{ name: '2', receivedShare: 25 }] });
  });
});

describe('staleness', () => {
  const stale = (view: ClusterView): boolean => only(view.instances).stale;

  it('begins after three intervals of silence, 10 s each unless known better', () => {
    expect(stale(viewAt(30, [0, {}]))).toBe(false);
    expect(stale(viewAt(30.1, [0, {}]))).toBe(true);
  });

  it('goes by the interval that the documents say', () => {
    const bridge = { identity: 'b', interval: 2 };
    expect(stale(viewAt(6, [0, { bridge }]))).toBe(false);
    expect(stale(viewAt(6.1, [0, { bridge }]))).toBe(true);
  });

  it('goes by the interval that was seen, and one lost document does not change it', () => {
    const heard = [0, 5, 10, 20, 25].map((at) => [at, {}] as const);
    expect(stale(viewAt(40, ...heard))).toBe(false);
    expect(stale(viewAt(40.1, ...heard))).toBe(true);
  });

  it('leaves an instance its part in the totals, and takes away its rates', () => {
    const view = viewAt(
      60,
      [0, { federation: [1, 1] }],
      [10, { federation: [11, 1] }],
      [50, { instance: '2', federation: [10, 0] }],
      [60, { instance: '2', federation: [20, 0] }],
    );
    expect(view.federation.received).toBe(31);
    expect(view.federation.rates).toEqual({ received: 1, sent: 0 });
    expect(view.federation.instances.map(({ rates }) => rates)).toEqual([null, { received: 1, sent: 0 }]);
  });

  it('ends with the next document', () => {
    expect(stale(viewAt(100, [0, {}], [99, {}]))).toBe(false);
  });

  it('does not depend on the clock of the instance', () => {
    const ahead = T0 / 1000 + 86_400;
    expect(stale(viewAt(31, [0, { started: ahead, lastMessage: ahead }]))).toBe(true);
  });
});

describe('rates', () => {
  const rates = (view: ClusterView): unknown => only(view.federation.instances).rates;

  it('need two documents', () => {
    expect(rates(viewAt(0, [0, { federation: [100, 100] }]))).toBeNull();
    expect(rates(viewAt(4, [0, { federation: [100, 100] }], [4, { federation: [110, 300] }]))).toEqual({
      received: 2.5,
      sent: 50,
    });
  });

  it('are unknown for documents that came at the same moment', () => {
    expect(rates(viewAt(0, [0, { federation: [1, 1] }], [0, { federation: [9, 9] }]))).toBeNull();
  });
});

describe('what is no document of the cluster', () => {
  it('is counted and told, without what could steer a terminal', () => {
    const cluster = new ObservedCluster('production');
    cluster.refuse('first');
    cluster.refuse('bad \u001b[2J key');
    const view = cluster.view(T0);
    expect(view.malformed).toEqual({ count: 2, last: 'bad ?[2J key' });
    expect(view.notes).toEqual(['2 documents could not be read, the last: bad ?[2J key']);
  });

  it('may be of another cluster', () => {
    const view = viewAt(0, [0, { cluster: 'staging', federation: [9, 9] }]);
    expect(view.malformed).toMatchObject({ count: 1, last: expect.stringContaining('cluster staging') });
    expect(view.federation.received).toBe(0);
  });
});

describe('a document of this bridge', () => {
  it('says what was refused, what expired and which links are down', () => {
    const bridge = {
      identity: 'b',
      interval: 30,
      rejected: { no_mapping: 3 },
      expired: 2,
      links: [
        { name: 'federation', side: 'federation', up: true },
        { name: 'legacy', side: 'collective', up: false, reason: 'connection refused' },
      ],
    };
    expect(only(viewAt(0, [0, { bridge }]).instances)).toMatchObject({
      interval: 30_000,
      rejected: { no_mapping: 3 },
      expired: 2,
      linksDown: [{ name: 'legacy', reason: 'connection refused' }],
    });
  });
});

describe('instances', () => {
  it('are in the order of numbers where their names are numbers', () => {
    const heard = ['10', '9', 'b', '1', 'a'].map((instance) => [0, { instance }] as const);
    expect(names(viewAt(0, ...heard))).toEqual(['1', '9', '10', 'a', 'b']);
  });

  it('beyond a hundred are left out, those first that were heard once, and the view says so', () => {
    const cluster = new ObservedCluster('production');
    const honest = document({ instance: 'honest' });
    cluster.hear(honest, T0);
    cluster.hear(honest, T0 + 1000);
    for (let i = 0; i < 20_000; i++) cluster.hear(document({ instance: `i${i}` }), T0 + 2000);
    expect(cluster.names().size).toBe(100);
    expect(cluster.names().has('honest')).toBe(true);
    expect(cluster.names().has('i0')).toBe(false);
    expect(cluster.names().has('i19999')).toBe(true);
    expect(cluster.view(T0 + 2000).notes).toContainEqual(
      expect.stringMatching(/more than 100 processes .*19901 were left out/),
    );
  });

  it('fill no terminal, however much somebody makes up', () => {
    const cluster = new ObservedCluster('production');
    const links = Array.from({ length: 300 }, (_, i) => ({
      name: `${i}${'n'.repeat(500)}`,
      side: 'ingress',
      up: false,
      reason: 'r'.repeat(1000),
    }));
    const rejected = Object.fromEntries(links.map(({ name }, i) => [name, i + 1]));
    const bridge = { identity: 'b', interval: 10, links, rejected };
    for (let i = 0; i < 200; i++) {
      const instance = `${'x'.repeat(900)}${i}`;
      cluster.hear(document({ instance, started: i + 1, bridge }), T0);
    }
    const text = formatView(cluster.view(T0))
      .map((line) => line.text)
      .join('\n');
    expect(text.length).toBeLessThan(2 * 1024 * 1024);
    expect(JSON.stringify(viewObject(cluster.view(T0))).length).toBeLessThan(10 * 1024 * 1024);
  });
});
