import { describe, expect, it } from 'vitest';
import { Stats } from '../../src/bridge/stats.ts';
import { Observers, type Refusal, type Stage } from '../../src/envelope/observer.ts';
import { REJECTION_CODES, type RejectionCode } from '../../src/envelope/rejection.ts';
import { healthOf, type Phase } from '../../src/telemetry/health.ts';
import { type MeteredLink, meterLink } from '../../src/telemetry/meter.ts';
import { createMetrics, type MetricsOptions } from '../../src/telemetry/metrics.ts';
import type { Link, LinkState } from '../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { parseExposition } from './prometheus.ts';

const UP: LinkState = { up: true, server: 'memory://nats', buffered: 0 };

/** Two links between which nothing is but what the tests do. */
const world = async (
  phase: Phase = 'running',
  states: Partial<Record<string, LinkState>> = {},
  sharing: Pick<MetricsOptions, 'claims' | 'conflicts' | 'certificates' | 'refusedFiles'> = {},
) => {
  const stats = new Stats();
  stats.route('federation', 'legacy');
  const make = async (inner: Link, name: string, side: MeteredLink['side']): Promise<MeteredLink> => {
    const seen: Link = { ...inner, state: () => states[name] ?? UP };
    const metered = meterLink(seen, { name, side, clusters: ['production'], clock: () => 1_000 });
    await metered.link.subscribe({ destination: `${name}.in`, onMessage: () => undefined });
    return metered;
  };
  const nats = new MemoryBroker(NATS_RULES);
  const stomp = new MemoryBroker(STOMP_RULES);
  const federation = await make(nats.link(), 'federation', 'federation');
  const legacy = await make(stomp.link(), 'legacy', 'collective');
  const links = [federation, legacy];
  const observers = new Observers();
  const registry = createMetrics({
    version: '1.2.3',
    identity: 'bridge1.example.net',
    cluster: 'production',
    instance: '1',
    links,
    stats,
    observe: (observer) => void observers.add(observer),
    inFlight: () => 7,
    silentNodes: () => 0,
    health: () => healthOf(links, phase),
    ...sharing,
  });
  const read = async () => parseExposition(await registry.metrics());
  return { stats, observers, federation, legacy, read };
};

const refusal = (code: RejectionCode, stage: Stage): Refusal => ({
  code,
  stage,
  context: {},
  sentence: 'no',
});
const message = (destination: string) => ({ destination, body: Buffer.from('x'), expires: Number.MAX_VALUE });
/** The in-process broker hands over in the next turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const COMMON = { worker: '0', cluster: 'production', identity: 'bridge1.example.net' };

describe('metrics with the names of go-choria’s broker', () => {
  it('have its types', async () => {
    const { types } = await (await world()).read();
    expect(Object.fromEntries([...types].filter(([name]) => name.startsWith('choria_')))).toEqual({
      choria_federation_received_msgs: 'counter',
      choria_federation_published_msgs: 'counter',
      choria_federation_errors: 'counter',
      choria_federation_time: 'summary',
    });
  });

  it('have its labels, and its series before the first message', async () => {
    const { samples } = await (await world()).read();
    const series = (metric: string) =>
      samples
        .filter(({ name }) => name === metric)
        .map(({ labels, value }) => {
          const { name, connected_to, ...rest } = labels;
          expect([rest, value]).toEqual([COMMON, 0]);
          return `${name} ${connected_to}`;
        })
        .toSorted();
    const workers = [
      'choria_reply_transformer unconnected',
      'choria_request_transformer unconnected',
      'nats_egest collective',
      'nats_egest federation',
      'nats_ingest collective',
      'nats_ingest federation',
    ];
    expect(series('choria_federation_received_msgs')).toEqual(workers);
    expect(series('choria_federation_errors')).toEqual(workers);
    expect(series('choria_federation_time_count')).toEqual(workers);
    expect(series('choria_federation_time_sum')).toEqual(workers);
    expect(series('choria_federation_published_msgs')).toEqual([
      'nats_egest collective',
      'nats_egest federation',
    ]);
  });

  it('count every reason from zero, so that its first event is an increase', async () => {
    const { stats, read } = await world();
    const rejected = async () =>
      (await read()).samples.filter(({ name }) => name === 'mcbridge_rejected_total');
    const before = await rejected();
    expect(before.map(({ labels, value }) => [labels['reason'], value])).toEqual(
      REJECTION_CODES.map((reason) => [reason, 0]),
    );
    stats.refused(refusal('internal', 'request'));
    const after = await rejected();
    expect(after).toHaveLength(before.length);
    expect(after.filter(({ value }) => value > 0)).toMatchObject([
      { labels: { reason: 'internal' }, value: 1 },
    ]);
  });

  it.each(['mcbridge_claims_total', 'mcbridge_claim_duration_seconds', 'mcbridge_share_conflict'])(
    'say nothing of %s where nothing is shared',
    async (metric) => {
      const { samples, types } = await (await world()).read();
      expect(samples.some(({ name }) => name.startsWith(metric))).toBe(false);
      expect(types.has(metric)).toBe(false);
    },
  );

  it('count claims by what became of them, and say how long they took', async () => {
    const { stats, observers, read } = await world('running', {}, { claims: true });
    const claim = { key: 'k', result: 'lost', seconds: 0.003, context: {} } as const;
    stats.claimed(claim);
    observers.claimed(claim);
    const { samples } = await read();
    const of = (name: string): readonly unknown[] =>
      samples.filter((it) => it.name === name).map(({ labels, value }) => [labels['result'], value]);
    expect(of('mcbridge_claims_total')).toEqual([
      ['won', 0],
      ['lost', 1],
      ['unknown', 0],
    ]);
    expect(of('mcbridge_claim_duration_seconds_sum')).toContainEqual(['lost', 0.003]);
  });

  it('count what goes through the links, and the time it takes', async () => {
    const { federation, legacy, read } = await world();
    federation.link.send(message('federation.in'));
    for (let i = 0; i < 3; i++) legacy.link.send(message('/queue/else'));
    await settle();
    const { value } = await read();
    const received = 'choria_federation_received_msgs';
    expect(value(received, { name: 'nats_ingest', connected_to: 'federation' })).toBe(1);
    expect(value(received, { name: 'nats_ingest', connected_to: 'collective' })).toBe(0);
    const published = 'choria_federation_published_msgs';
    expect(value(published, { connected_to: 'federation' })).toBe(1);
    expect(value(published, { connected_to: 'collective' })).toBe(3);
    const egest = { name: 'nats_egest', connected_to: 'collective' };
    expect(value('choria_federation_time_count', egest)).toBe(3);
    expect(value('choria_federation_time_sum', egest)).toBeGreaterThan(0);
  });

  it('count what is refused where it is refused', async () => {
    const { stats, federation, read } = await world();
    stats.refused(refusal('malformed_json', 'request_in'));
    stats.refused(refusal('no_mapping', 'request'));
    stats.refused(refusal('no_mapping', 'request'));
    for (let i = 0; i < 3; i++) stats.refused(refusal('token_forged', 'reply_in'));
    for (let i = 0; i < 4; i++) stats.refused(refusal('overloaded', 'reply'));
    await federation.link.close();
    expect(() => federation.link.send(message('x'))).toThrow();
    const { value } = await read();
    const errors = (name: string, connected_to: string): number =>
      value('choria_federation_errors', { name, connected_to });
    expect(errors('nats_ingest', 'federation')).toBe(1);
    expect(errors('choria_request_transformer', 'unconnected')).toBe(2);
    expect(errors('nats_ingest', 'collective')).toBe(3);
    expect(errors('choria_reply_transformer', 'unconnected')).toBe(4);
    expect(errors('nats_egest', 'federation')).toBe(1);
    expect(value('mcbridge_rejected_total', { reason: 'no_mapping' })).toBe(2);
    expect(value('mcbridge_rejected_total', { reason: 'overloaded' })).toBe(4);
  });
});

describe('the bridge’s own metrics', () => {
  it('are read anew each time, and never add up twice', async () => {
    const { stats, read } = await world();
    const route = stats.route('federation', 'legacy');
    route.requestsReceived += 5;
    route.requestsSent += 4;
    route.targetsSent += 800;
    route.repliesReceived += 700;
    route.repliesSent += 699;
    stats.expired(3);
    for (let i = 0; i < 2; i++) stats.step('error sent', undefined, () => ({}));
    await read();
    const { value } = await read();
    const of = { route: 'federation → legacy' };
    expect(value('mcbridge_requests_total', { ...of, direction: 'received' })).toBe(5);
    expect(value('mcbridge_requests_total', { ...of, direction: 'sent' })).toBe(4);
    expect(value('mcbridge_targets_total', of)).toBe(800);
    expect(value('mcbridge_replies_total', { ...of, direction: 'received' })).toBe(700);
    expect(value('mcbridge_replies_total', { ...of, direction: 'sent' })).toBe(699);
    expect(value('mcbridge_expired_total')).toBe(3);
    expect(value('mcbridge_error_replies_total')).toBe(2);
    expect(value('mcbridge_requests_in_flight')).toBe(7);
  });

  it('have the durations of requests that were answered in buckets', async () => {
    const { observers, read } = await world();
    for (const duration of [4, 200, 90_000])
      observers.requestDone({ fields: () => ({}), route: 'federation → legacy', replies: 1, duration });
    // Nobody answered, or another instance took it.
    observers.requestDone({ fields: () => ({}), route: 'federation → legacy', replies: 0, duration: 0 });
    observers.requestDone({ fields: () => ({}), route: undefined, replies: 1, duration: 4 });
    const { value } = await read();
    const bucket = (le: string): number =>
      value('mcbridge_request_duration_seconds_bucket', { route: 'federation → legacy', le });
    expect([bucket('0.005'), bucket('0.1'), bucket('0.25'), bucket('60'), bucket('+Inf')]).toEqual([
      1, 1, 2, 2, 3,
    ]);
    expect(value('mcbridge_request_duration_seconds_sum')).toBeCloseTo(90.204);
  });

  it('say what is connected, what waits, and whether the bridge is ready', async () => {
    const { read } = await world('running', {
      legacy: { up: false, reason: 'connection refused', buffered: 12 },
    });
    const { value } = await read();
    expect(value('mcbridge_link_up', { link: 'federation', side: 'federation' })).toBe(1);
    expect(value('mcbridge_link_up', { link: 'legacy', side: 'collective' })).toBe(0);
    expect(value('mcbridge_buffered_messages', { link: 'legacy' })).toBe(12);
    expect(value('mcbridge_ready')).toBe(0);
    expect((await (await world()).read()).value('mcbridge_ready')).toBe(1);
  });

  it('say what runs, and how the process is', async () => {
    const { value } = await (await world()).read();
    const build = { version: '1.2.3', cluster: 'production', instance: '1', node: process.version };
    expect(value('mcbridge_build_info', build)).toBe(1);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  it('belong to one bridge each', async () => {
    const [one, other] = [await world(), await world()];
    one.stats.expired(3);
    expect((await other.read()).value('mcbridge_expired_total')).toBe(0);
  });
});

describe('health', () => {
  const health = async (phase: Phase, states: Partial<Record<string, LinkState>> = {}) => {
    const { federation, legacy } = await world(phase, states);
    return healthOf([federation, legacy], phase);
  };

  it('is good while all is connected and subscribed', async () => {
    expect(await health('running')).toEqual({ ready: true, phase: 'running', troubles: [] });
  });

  it.each(['starting', 'draining'] as const)('is not ready while %s', async (phase) => {
    expect(await health(phase)).toMatchObject({ ready: false, phase, troubles: [] });
  });

  it('names what is not connected, and why', async () => {
    const down = { up: false, reason: 'NATS server nats://a:4222: connection refused', buffered: 0 };
    expect(await health('running', { federation: down })).toEqual({
      ready: false,
      phase: 'running',
      troubles: [{ name: 'federation', side: 'federation', problem: 'not connected', reason: down.reason }],
    });
  });

  it('names subscriptions that the broker has not confirmed', async () => {
    const deaf = { ...UP, unconfirmed: ['/queue/mcollective.reply.production.>'] };
    expect((await health('running', { legacy: deaf })).troubles).toEqual([
      {
        name: 'legacy',
        side: 'collective',
        problem: 'not subscribed',
        reason: 'the broker has not confirmed /queue/mcollective.reply.production.>',
      },
    ]);
  });
});

describe('certificates and files', () => {
  it('have their end each, in seconds, and what cannot be used is there while it is so', async () => {
    let refused = ['legacy'];
    const { read } = await world(
      'running',
      {},
      {
        certificates: () => [
          { link: 'legacy', file: '/cert.pem', ends: 1_900_000_000_999 },
          { link: 'claims', file: '/ca.pem', ends: 1_800_000_000_000 },
        ],
        refusedFiles: () => refused,
      },
    );
    const of = async (name: string) =>
      (await read()).samples
        .filter((sample) => sample.name === name)
        .map(({ labels, value }) => [labels, value]);
    expect(await of('mcbridge_certificate_expires_timestamp_seconds')).toEqual([
      [{ link: 'legacy', file: '/cert.pem' }, 1_900_000_000],
      [{ link: 'claims', file: '/ca.pem' }, 1_800_000_000],
    ]);
    expect(await of('mcbridge_files_refused')).toEqual([[{ link: 'legacy' }, 1]]);
    refused = [];
    expect(await of('mcbridge_files_refused')).toEqual([]);
  });
});
