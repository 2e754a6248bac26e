import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BridgeProcess } from '../support/bridge.ts';
import { type MixedConfig, type MixedWorld, mixedConfig, startMixedWorld } from '../support/mixed-world.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { CLUSTER } from '../support/world.ts';
import {
  type Broadcast,
  deliveries,
  hasHandledOne,
  nonceOf,
  startBroadcaster,
  withClaims,
} from './broadcasts.ts';

/** Ms. */
const MOST = 120_000;
const PER_SECOND = 50;

const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

/** Those that no node got. */
const lostOf = (mixed: MixedWorld, sent: readonly Broadcast[]): readonly Broadcast[] =>
  sent.filter((one) => Math.max(...deliveries(mixed, one)) === 0);

test('three instances at 50 broadcasts a second: one is killed, one added, the NATS of the claims killed and started again, one stopped', {
  timeout: 600_000,
}, async () => {
  const claims: NatsServer = await startNatsServer({ jetstream: true });
  closing.push(() => claims.stop());
  const mixed = await startMixedWorld({ legacy: [], changes: withClaims(claims) });
  closing.push(() => mixed.stop());
  const another = (): Promise<BridgeProcess> =>
    mixed.world.bridge((config) => withClaims(claims)(mixedConfig(config)));
  const [first, victim, third] = [mixed.bridge, await another(), await another()];
  const nonces = await Promise.all([first, victim, third].map(nonceOf));
  expect(new Set(nonces).size).toBe(3);
  const client = await startBroadcaster(mixed.world.activemq, closing);
  const end = client.every(PER_SECOND);
  try {
    await Promise.all([first, victim, third].map(hasHandledOne));

    await victim.child.kill();
    await client.more(2 * PER_SECOND);

    const newcomer = await another();
    await hasHandledOne(newcomer);

    await claims.kill();
    await first.line(({ event }) => event === 'claims_away', 'that claims are away', MOST);
    await client.more(PER_SECOND / 2);
    await claims.restart();
    for (const bridge of [first, third, newcomer])
      await vi.waitFor(
        () =>
          expect(bridge.lines().filter(({ event }) => event === 'claims_open').length).toBeGreaterThanOrEqual(
            2,
          ),
        { timeout: MOST },
      );
    await client.more(2 * PER_SECOND);

    expect(await third.stop(), third.child.log()).toBe(0);
    await client.more(2 * PER_SECOND);
  } finally {
    end();
  }

  const admin = await connect({ servers: claims.url });
  closing.push(() => admin.close());
  const bucket = await new Kvm(admin).open(`mcbridge_${CLUSTER}`);
  const owner = async ({ claim }: Broadcast): Promise<unknown> => (await bucket.get(claim))?.string();
  /** Of which an instance has said that nobody can tell whose they are, as while the claims' NATS was away. */
  const undecided = (): ReadonlySet<unknown> =>
    new Set(
      mixed.world
        .bridges()
        .flatMap((bridge) =>
          bridge.lines().flatMap(({ event, claim }) => (event === 'claims_unknown' ? [claim] : [])),
        ),
    );
  const lostDecided = (): readonly Broadcast[] => {
    const told = undecided();
    return lostOf(mixed, client.sent).filter(({ claim }) => !told.has(claim));
  };
  // What nobody has handled is what the killed one had claimed, each by its name, and what could not be claimed.
  await vi.waitFor(
    async () => {
      const owners = await Promise.all(lostDecided().map(owner));
      expect(owners.filter((nonce) => nonce !== nonces[1])).toEqual([]);
    },
    { timeout: MOST, interval: 500 },
  );
  /** Which instances say that they have handled it. */
  const handlers = ({ id }: Broadcast): readonly number[] =>
    mixed.world
      .bridges()
      .flatMap((bridge, at) =>
        bridge.lines().some(({ event, request_id }) => event === 'request' && request_id === id) ? [at] : [],
      );
  const twice = client.sent.filter((one) => Math.max(...deliveries(mixed, one)) > 1);
  expect(twice.map((one) => [one.id, deliveries(mixed, one), handlers(one)])).toEqual([]);
  // Milliseconds' worth of them.
  expect(lostDecided().length).toBeLessThan(PER_SECOND);
  expect(client.sent.length).toBeGreaterThan(7 * PER_SECOND);
});

test('while the NATS of the claims is away no broadcast is handled, and each is told of', {
  timeout: 300_000,
}, async () => {
  const claims: NatsServer = await startNatsServer({ jetstream: true });
  closing.push(() => claims.stop());
  const mixed = await startMixedWorld({ legacy: [], changes: withClaims(claims) });
  closing.push(() => mixed.stop());
  const client = await startBroadcaster(mixed.world.activemq, closing);
  await nonceOf(mixed.bridge);
  await claims.kill();
  await mixed.bridge.line(({ event }) => event === 'claims_away', 'that claims are away', MOST);
  client.send();
  const [one] = client.sent;
  if (one === undefined) throw new Error('one was sent');
  const line = await mixed.bridge.line(
    ({ event }) => event === 'claims_unknown',
    'that it is not handled',
    MOST,
  );
  expect(line).toMatchObject({ claim: one.claim, request_id: one.id });
  const { url } = await mixed.bridge.line(({ event }) => event === 'http', 'where its pages are');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^mcbridge_claims_total\{result="unknown"\} 1$/m);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ troubles: [{ name: 'claims', side: 'cluster' }] });
  expect(deliveries(mixed, one)).toEqual([0, 0, 0]);
});

describe('two instances with a broker that puts broadcasts into a queue too', () => {
  const withQueue = (config: MixedConfig): object => ({
    ...config,
    ingresses: {
      ...config.ingresses,
      mco: { ...config.ingresses.mco, broadcast_queue: '/queue/mcbridge.{collective}.requests' },
    },
  });
  let queued: MixedWorld;

  beforeAll(async () => {
    queued = await startMixedWorld({
      legacy: [],
      activemq: {
        compositeTopics: [{ topic: 'mcollective.*.agent', queue: 'mcbridge.mcollective.requests' }],
      },
      changes: withQueue,
    });
    await queued.world.bridge((config) => withQueue(mixedConfig(config)));
  }, 180_000);

  afterAll(() => queued.stop());

  test('get each broadcast once between them', { timeout: 300_000 }, async () => {
    const client = await startBroadcaster(queued.world.activemq, closing);
    const end = client.every(PER_SECOND);
    for (const bridge of queued.world.bridges()) await hasHandledOne(bridge);
    end();
    await vi.waitFor(() => expect(lostOf(queued, client.sent)).toEqual([]), { timeout: MOST, interval: 500 });
    for (const one of client.sent) expect(deliveries(queued, one), one.id).toEqual([1, 1, 1]);
  });
});

test('two instances that share nothing warn of each other, and are not ready', {
  timeout: 300_000,
}, async () => {
  const mixed = await startMixedWorld({ legacy: [] });
  closing.push(() => mixed.stop());
  const other = await mixed.world.bridge((config) => mixedConfig(config));
  for (const bridge of [mixed.bridge, other]) {
    const line = await bridge.line(({ event }) => event === 'share_conflict', 'that it is not alone', MOST);
    expect(line).toMatchObject({ level: 'error', ingress: expect.stringMatching(/^mco/) });
    const { url } = await bridge.line(({ event }) => event === 'http', 'where its pages are');
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^mcbridge_share_conflict 1$/m);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('handles the same broadcasts');
  }
});
