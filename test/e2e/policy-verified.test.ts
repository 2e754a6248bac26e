import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stopAndCount } from '../support/bridge.ts';
import { EAST, type FederationWorld, startFederationWorld, WEST } from '../support/federation-world.ts';

// Requests that pass unchanged, with a policy where they are verified before: in the west, and not in the east.

const BRIDGE = 'bridge1.example.net';
const NOT_AUTHORIZED = 'You are not authorized to call this agent or action';
const denied = (reason: string) => `${NOT_AUTHORIZED}: ${reason} (mcbridge: denied_by_policy)`;
const [N1 = '', N2 = '', N3 = ''] = WEST;

let federation: FederationWorld;

beforeAll(async () => {
  federation = await startFederationWorld([], (config) => ({
    ...config,
    policies: {
      west: {
        rules: [
          { name: 'few', agents: ['rpcutil.ping'], max_nodes: 2, verdict: 'allow' },
          {
            name: 'country',
            as: ['choria=alice.mcollective'],
            agents: ['rpcutil.get_fact'],
            inputs: { fact: { equals: 'country' } },
            nodes: [N1, N2],
            verdict: 'allow',
          },
          { name: 'facts', agents: ['rpcutil.get_fact'], verdict: 'deny', reason: 'no other facts' },
          { name: 'lost', discovery: true, callers: ['choria=guest.mcollective'], verdict: 'deny' },
        ],
      },
    },
    routes: config.routes.map((route) => (route.to === 'west' ? { ...route, policy: 'west' } : route)),
  }));
});

afterEach(() => federation.forget());

afterAll(() => federation?.stop());

const ask = async (targets: readonly string[], action: string, data = {}, collective = 'west') => {
  // Each side's nodes speak one dialect, and so do its clients.
  const client = federation.clients[collective === 'west' ? 'go' : 'ruby'];
  const replies = await client.rpc({ agent: 'rpcutil', action, data, collective, targets });
  return replies.map(({ sender, rpc }) => [sender, rpc?.statuscode, rpc?.statusmsg]);
};

/** What has come to nodes of the west. */
const came = () => federation.fleets.west.received().map(({ agent, action }) => `${agent}#${action}`);

describe('a policy of a route that verifies', () => {
  test('lets pass what a rule allows, with its signature: nodes answer it', async () => {
    expect(await ask([N1], 'ping')).toEqual([[N1, 0, 'OK']]);
    expect(await ask([N1, N2], 'get_fact', { fact: 'country' })).toEqual([
      [N1, 0, 'OK'],
      [N2, 0, 'OK'],
    ]);
    expect(federation.fleets.west.refused()).toEqual([]);
  });

  test('refuses by what the signed bytes say: action, inputs, nodes, and whom no rule lets', async () => {
    const facts = [BRIDGE, 1, denied('no other facts')];
    expect(await ask([N1], 'get_fact', { fact: 'cores' })).toEqual([facts]);
    expect(await ask([N1, N3], 'get_fact', { fact: 'country' })).toEqual([facts, facts]);
    const none = denied('no rule of the policy west allows it');
    expect(await ask([N1], 'inventory')).toEqual([[BRIDGE, 1, none]]);
    expect(came()).toEqual([]);
  });

  test('counts the nodes that they name', async () => {
    const many = denied('one request may reach 2 nodes, and this one would reach 3');
    expect(await ask([N1, N2, N3], 'ping')).toEqual([1, 2, 3].map(() => [BRIDGE, 1, many]));
    expect(came()).toEqual([]);
  });

  test('leaves discovery without an answer where a rule denies it, and lets others discover', async () => {
    const guest = await federation.world.client({ name: 'guest.mcollective' });
    const built = guest.buildRequest({ collective: 'west', agent: 'discovery', body: 'ping' });
    for (const payload of built.payloads) await guest.publish(built.subject, payload, built.replyTo);
    await federation.bridge.line(
      (line) => line['rule'] === 'lost' && line['request_id'] === built.requestId,
      'that it denies discovery',
    );
    expect(came()).toEqual([]);
    const found = await federation.clients.go.discover({ collective: 'west', expect: WEST.length });
    expect(found.toSorted()).toEqual(WEST);
  });

  test('is not asked where another route passes requests as they are', async () => {
    const node = EAST.slice(0, 1);
    expect(await ask(node, 'get_fact', { fact: 'cores' }, 'east')).toEqual([[...node, 0, 'OK']]);
  });

  test('is counted', async () => {
    expect((await stopAndCount(federation.bridge)).rejected).toEqual({ denied_by_policy: 5 });
  });
});
