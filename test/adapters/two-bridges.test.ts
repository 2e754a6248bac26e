import { describe, expect, it } from 'vitest';
import { Bridge } from '../../src/bridge/bridge.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import { type Brokers, CLUSTER, COLLECTIVE, makeBrokers } from './brokers.ts';
import {
  makeCollectiveIngress,
  makeResidents,
  NODES,
  unfederated,
} from './choria/collective/ingress-world.ts';
import { makeCollectiveEgress } from './choria/collective/make-egress.ts';
import { createChoriaClient } from './choria-client.ts';
import { alice, makeEgress, makeIngress, makeInstance, settled, until } from './world.ts';

const [NODE = ''] = NODES;
const LEGACY = [`/queue/${COLLECTIVE}.nodes`, `/topic/${COLLECTIVE}.>`];
const RULES = {
  rules: [
    {
      match: { kind: 'regex', pattern: /choria=(.+)\.mcollective/ },
      to: 'cert=$1',
      privileged: false,
    },
  ],
  privileged: [],
} as const;

const listen = async (net: MemoryBroker, destination: string) => {
  const seen: string[] = [];
  await net.link().subscribe({ destination, onMessage: (message) => void seen.push(message.destination) });
  return seen;
};

/** The bridge that stands in a Choria collective for legacy nodes. */
const standingIn = async (brokers: Brokers) => {
  const from = makeCollectiveIngress(brokers.nats.link(), makeResidents(NODES), { cluster: 'second' });
  const bridge = new Bridge({
    identity: 'second.example.net',
    cluster: 'second',
    instance: '1',
    routes: [{ from, to: makeEgress(brokers), collectives: new Set([COLLECTIVE]), identities: RULES }],
    clock: Date.now,
    drainTimeout: 0,
  });
  await bridge.start();
  return bridge;
};

/** Requests of a federation's clients pass through into that collective. */
const passing = async (federation: MemoryBroker, brokers: Brokers) => {
  const from = makeIngress(
    { ...brokers, nats: federation },
    { opaque: new Map([[COLLECTIVE, { verify: false }]]) },
  );
  const to = makeCollectiveEgress(brokers.nats.link(), { homes: new Map([[CLUSTER, 'federation']]) });
  const bridge = new Bridge({
    identity: 'first.example.net',
    cluster: CLUSTER,
    instance: '1',
    routes: [
      {
        from,
        to,
        collectives: new Set([COLLECTIVE]),
        identities: { rules: [], privileged: [] },
        carries: ['opaque'],
      },
    ],
    clock: Date.now,
    drainTimeout: 0,
  });
  await bridge.start();
};

// The trail of two would have seven hops, and mco federation trace draws five at most.
describe('a request passes one bridge', () => {
  it.each([
    ['a node', { nodes: [NODE] }],
    ['all nodes', {}],
    ['a node, traced', { nodes: [NODE], headers: { 'seen-by': [] } }],
  ])('and a second one on its way to legacy nodes leaves it alone: to %s', async (_, deviation) => {
    const brokers = makeBrokers();
    const federation = new MemoryBroker(NATS_RULES);
    const second = await standingIn(brokers);
    await passing(federation, brokers);
    const legacy = await Promise.all(LEGACY.map((destination) => listen(brokers.stomp, destination)));
    const client = await createChoriaClient({ ...brokers, nats: federation }, alice);
    client.send(deviation);
    await until('it has been seen', () => second.stats.snapshot().ignored.bridged === 1);
    await settled();
    expect(legacy.flat()).toEqual([]);
    expect(client.replies).toEqual([]);
    // By itself, it carries the same request of a client of the collective.
    const own = await createChoriaClient(brokers, alice);
    own.send(unfederated(deviation));
    await until('it is carried', () => legacy.flat().length === 1);
  });

  it('and a second one on its way from legacy to Choria nodes does', async () => {
    const brokers = makeBrokers();
    const { bridge } = makeInstance(brokers);
    await bridge.start();
    const headers: Readonly<Record<string, string>>[] = [];
    for (const destination of LEGACY)
      await brokers.stomp
        .link()
        .subscribe({ destination, onMessage: (message) => void headers.push(message.headers) });
    const client = await createChoriaClient(brokers, alice);
    client.send({});
    client.send({ nodes: [NODE] });
    await until('both are on the legacy side', () => headers.length === 2);
    // By which the ingress of every bridge there, of whichever cluster, knows them.
    for (const { mcbridge } of headers) expect(mcbridge).toBe(CLUSTER);
  });
});
