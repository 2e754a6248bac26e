import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Egress } from '../../../../src/envelope/port.ts';
import { SigningPool } from '../../../../src/pki/signing-pool.ts';
import { toNodes } from '../../../../src/testing/targets.ts';
import { createNatsLink } from '../../../../src/transport/nats/index.ts';
import { type Fleet, startFleet } from '../../../support/choria-fleet.ts';
import { newRequestId } from '../../../support/choria-messages.ts';
import { type ChoriaNetwork, startChoriaNetwork } from '../../../support/choria-network.ts';
import { authority, settled, until } from '../../world.ts';
import type { CollectiveEgressOverrides } from './make-egress.ts';
import { ALICE, credentialsOf, type Handed, makeSigningEgress, requestOf, started } from './signed-world.ts';

const DIALECTS = ['ruby', 'go'] as const;
const NODES = ['n1', 'n2', 'n3', 'n4'];
const nodesOf = (collective: string): readonly string[] =>
  NODES.map((node) => `${node}.${collective}.example.net`);

let network: ChoriaNetwork;
/** A fleet for each dialect, in a collective that is called so. */
const fleets = new Map<string, Fleet>();
const egresses: Egress[] = [];

beforeAll(async () => {
  network = await startChoriaNetwork('nodes');
  const tls = network.tls(network.authority.issue({ commonName: 'nodes.example.net' }));
  for (const dialect of DIALECTS)
    fleets.set(
      dialect,
      await startFleet({
        url: network.nats.url,
        tls,
        callers: authority.certificate,
        collectives: [dialect],
        nodes: nodesOf(dialect),
        dialect,
        // Without one they believe callers themselves only, see ruby-nodes.test.ts.
        ruby: { requestSigner: true },
      }),
    );
});

afterEach(async () => {
  await Promise.all(egresses.splice(0).map((egress) => egress.close()));
  for (const fleet of fleets.values()) fleet.forget();
});

afterAll(async () => {
  await Promise.all([...fleets.values()].map((fleet) => fleet.close()));
  await network?.nats.stop();
});

/** An instance of the bridge's egress on the real network. */
const makeInstance = async (
  part: CollectiveEgressOverrides = {},
): Promise<Handed & { readonly egress: Egress }> => {
  const { certificate, privateKey } = network.authority.issue({ commonName: 'bridge.example.net' });
  const tls = { ca: network.authority.certificate, cert: certificate, key: privateKey, verify: true };
  const link = createNatsLink({
    servers: [network.nats.url],
    name: 'test',
    tls,
    onEvent: (event) => {
      if (event.kind === 'error') throw event.error;
    },
  });
  const egress = makeSigningEgress(link, part);
  egresses.push(egress);
  return { egress, ...(await started(egress)) };
};

const sendersIn = (...instances: readonly Handed[]): readonly string[] =>
  instances.flatMap(({ replies }) => replies.map(({ sender }) => sender)).toSorted();

describe.each(DIALECTS)('nodes of the %s dialect', (dialect) => {
  const nodes = nodesOf(dialect);
  const fleet = (): Fleet => {
    const found = fleets.get(dialect);
    if (found === undefined) throw new Error('no such fleet');
    return found;
  };
  const ping = (part: Parameters<typeof requestOf>[0] = {}) =>
    requestOf({
      id: newRequestId(),
      collective: dialect,
      payload: { kind: 'rpc', action: 'ping', data: new Map() },
      ...part,
    });

  test('answer a broadcast for the mapped caller, each once', async () => {
    const instance = await makeInstance();
    const request = ping();
    await instance.egress.deliver(request);
    await until('all have answered', () => instance.replies.length >= nodes.length);
    await settled();
    expect(sendersIn(instance)).toEqual(nodes);
    for (const { home } of instance.replies) expect(home).toEqual(request.home);
    expect(instance.replies[0]).toMatchObject({
      payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK' },
    });
    expect(instance.rejections).toEqual([]);
    expect(fleet().refused()).toEqual([]);
    expect(fleet().received()).toMatchObject(
      nodes.map(() => ({ caller: ALICE, collective: dialect, agent: 'rpcutil' })),
    );
  });

  test('answer those who are named', async () => {
    const instance = await makeInstance();
    const asked = nodes.slice(1, 3);
    await instance.egress.deliver(ping({ targets: toNodes(asked) }));
    await until('both have answered', () => instance.replies.length >= asked.length);
    expect(sendersIn(instance)).toEqual(asked);
    expect(fleet().received()).toHaveLength(asked.length);
  });

  test('answer discovery', async () => {
    const instance = await makeInstance();
    await instance.egress.deliver(ping({ agent: 'discovery', payload: { kind: 'discovery' } }));
    await until('all have answered', () => instance.replies.length >= nodes.length);
    expect(sendersIn(instance)).toEqual(nodes);
    expect(instance.replies[0]).toMatchObject({ payload: { kind: 'discovery' } });
    expect(fleet().refused()).toEqual([]);
  });

  test('take a request with a short ttl, and with little of it left', async () => {
    const instance = await makeInstance();
    const now = Math.floor(Date.now() / 1000);
    await instance.egress.deliver(ping({ ttl: 20_000, time: (now - 10) * 1000 }));
    await until('all have answered', () => instance.replies.length >= nodes.length);
    expect(fleet().refused()).toEqual([]);
  });

  test('record their hops where the requester asks for the trail', async () => {
    const instance = await makeInstance();
    const hops = [['stomp://a', 'prod:1', 'nats://b']];
    const request = ping();
    await instance.egress.deliver({ ...request, home: { ...request.home, hops } });
    await until('all have answered', () => instance.replies.length >= nodes.length);
    const { url } = network.nats;
    for (const { home, sender } of instance.replies) expect(home.hops).toEqual([...hops, [url, sender, url]]);
  });

  test('refuse the bridge where its certificate is not privileged', async () => {
    const plain = authority.issue({ commonName: 'mcbridge.mcollective', usages: ['client'] });
    const instance = await makeInstance({ credentials: credentialsOf(plain) });
    await instance.egress.deliver(ping());
    await until('all have refused', () => fleet().refused().length >= nodes.length);
    for (const { why } of fleet().refused())
      expect(why).toMatch(/alice\.mcollective (invalid|shows the certificate of mcbridge\.mcollective)/);
    expect(fleet().received()).toEqual([]);
    expect(instance.replies).toEqual([]);
  });

  test('are asked with one signature, in as many messages as a client sends', async () => {
    const pool = new SigningPool();
    const sign = vi.spyOn(pool, 'sign');
    const instance = await makeInstance({ pool });
    // Of one moment: what two messages say of the time is part of what is signed.
    const request = ping();
    for (const node of nodes) await instance.egress.deliver({ ...request, targets: toNodes([node]) });
    await until('all have answered', () => instance.replies.length >= nodes.length);
    expect(sendersIn(instance)).toEqual(nodes);
    expect(sign).toHaveBeenCalledTimes(1);
  });

  test('reach two instances with their replies, each reply one of them', async () => {
    const instances = await Promise.all([makeInstance(), makeInstance()]);
    const [first] = instances;
    const requests = Array.from({ length: 25 }, () => ping());
    await Promise.all(requests.map((request) => first?.egress.deliver(request)));
    const all = requests.length * nodes.length;
    await until('all have answered', () => sendersIn(...instances).length >= all);
    await settled();
    expect(sendersIn(...instances)).toHaveLength(all);
    for (const { replies, rejections } of instances) {
      expect(replies).not.toHaveLength(0);
      expect(rejections).toEqual([]);
    }
  });

  test('reach another instance with their replies once the one that asked is gone', async () => {
    const release = fleet().hold();
    const gone = await makeInstance();
    const request = ping();
    await gone.egress.deliver(request);
    await until('all have it', () => fleet().received().length === nodes.length);
    await gone.egress.close();
    const heir = await makeInstance();
    release();
    await until('all have answered', () => heir.replies.length >= nodes.length);
    expect(sendersIn(heir)).toEqual(nodes);
    for (const { home } of heir.replies) expect(home).toEqual(request.home);
  });

  test('are discovered by the instance that asks, and by no other', async () => {
    const [asking, other] = [await makeInstance(), await makeInstance()];
    const found: string[] = [];
    const others: string[] = [];
    await asking.egress.discover?.(dialect, (node) => void found.push(node));
    await until('all are found', () => found.length >= nodes.length);
    await other.egress.discover?.(dialect, (node) => void others.push(node));
    await until('all are found again', () => others.length >= nodes.length);
    await settled();
    expect(found.toSorted()).toEqual(nodes);
    expect(others.toSorted()).toEqual(nodes);
    for (const { replies, rejections } of [asking, other]) {
      expect(replies).toEqual([]);
      expect(rejections).toEqual([]);
    }
    expect(fleet().refused()).toEqual([]);
    expect(fleet().received()[0]).toMatchObject({
      caller: 'choria=mcbridge.privileged.mcollective',
      headers: { 'reply-to': expect.stringMatching(/^choria\.federation\.[\w-]+\.collective$/) },
    });
  });
});
