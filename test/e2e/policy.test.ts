import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChoriaClient } from '../support/choria-client.ts';
import { DISCOVERY } from '../support/mcollectived.ts';
import { C1, C2, C3, type MixedConfig, type MixedWorld, startMixedWorld } from '../support/mixed-world.ts';
import { NODE1, YAML_COLLECTIVE } from '../support/world.ts';

// Real clients of both kinds and nodes of both kinds, with one policy at all routes between them.

const BRIDGE = 'bridge1.example.net';
const NOT_AUTHORIZED = 'You are not authorized to call this agent or action';
const FACTS = `${NOT_AUTHORIZED}: ask the owner of the machine for its facts (mcbridge: denied_by_policy)`;
const NO_RULE = `${NOT_AUTHORIZED}: no rule of the policy ops allows it (mcbridge: denied_by_policy)`;

const withPolicy = (config: MixedConfig) => {
  const toChoria = [{ regex: 'choria=(.+)', to: 'choria=$1' }];
  const routes = config.routes
    .filter(({ from, collectives }) => from !== 'federation' || !collectives.includes(YAML_COLLECTIVE))
    .concat({ from: 'federation', to: 'choria', collectives: [YAML_COLLECTIVE], identities: toChoria });
  return {
    ...config,
    policies: {
      ops: {
        rules: [
          { name: 'looks', agents: ['rpcutil.ping'], verdict: 'allow' },
          {
            name: 'facts',
            agents: ['rpcutil.get_fact'],
            verdict: 'deny',
            reason: 'ask the owner of the machine for its facts',
          },
        ],
      },
    },
    routes: routes.map((route) => ({ ...route, policy: 'ops' })),
  };
};

let mixed: MixedWorld;
let client: ChoriaClient;

beforeAll(async () => {
  mixed = await startMixedWorld({ legacy: [NODE1], changes: withPolicy });
  client = await mixed.world.client({ dialect: 'go' });
});

afterAll(() => mixed?.stop());

beforeEach(() => mixed.fleets.go.forget());

type Row = readonly [sender: string, status: number | undefined, message: string | undefined];

const mco = async (...args: readonly string[]): Promise<readonly Row[]> => {
  const { stdout } = await mixed.mco.marshal.run('rpc', ...args, '-j', ...DISCOVERY);
  const rows: readonly { sender: string; statuscode: number; statusmsg: string }[] = JSON.parse(stdout);
  return rows
    .map(({ sender, statuscode, statusmsg }): Row => [sender, statuscode, statusmsg])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
};

const choria = async (
  node: string,
  collective: string,
  agent: string,
  action: string,
  data = {},
): Promise<readonly Row[]> => {
  const replies = await client.rpc({ agent, action, data, collective, targets: [node] });
  return replies.map(({ sender, rpc }): Row => [sender, rpc?.statuscode, rpc?.statusmsg]);
};

describe('an mco client', () => {
  test('finds the nodes of both kinds, for discovery needs no rule', async () => {
    const { stdout } = await mixed.mco.marshal.run('find', ...DISCOVERY);
    expect(stdout.trim().split('\n').toSorted()).toEqual([C1, C2, C3, NODE1]);
  });

  test('may ask a node of Choria what a rule allows, and reads why not what it denies', async () => {
    expect(await mco('rpcutil', 'ping', '-I', C1)).toEqual([[C1, 0, 'OK']]);
    expect([...mixed.fleets.go.executions('rpcutil#ping').keys()]).toEqual([C1]);
    expect(await mco('rpcutil', 'get_fact', 'fact=country', '-I', C1)).toEqual([[BRIDGE, 1, FACTS]]);
    expect(await mco('echo', 'echo', '-I', C1)).toEqual([[BRIDGE, 1, NO_RULE]]);
    expect(mixed.fleets.go.executions('rpcutil#get_fact').size).toBe(0);
    expect(mixed.fleets.go.executions('echo#echo').size).toBe(0);
  });

  test('is answered by its own nodes as ever, for they are not behind the bridge', async () => {
    expect(await mco('rpcutil', 'get_fact', 'fact=country', '-I', NODE1)).toEqual([[NODE1, 0, 'OK']]);
  });
});

describe('a Choria client', () => {
  test('may ask a legacy node what a rule allows, and reads why not what it denies', async () => {
    const daemon = mixed.world.daemons[0];
    expect(await choria(NODE1, 'mcollective', 'rpcutil', 'ping')).toEqual([[NODE1, 0, 'OK']]);
    const before = daemon?.log().length ?? 0;
    expect(await choria(NODE1, 'mcollective', 'rpcutil', 'get_fact', { fact: 'country' })).toEqual([
      [BRIDGE, 1, FACTS],
    ]);
    expect(await choria(NODE1, 'mcollective', 'echo', 'echo')).toEqual([[BRIDGE, 1, NO_RULE]]);
    // What was sent before this is at the node before it.
    expect(await choria(NODE1, 'mcollective', 'rpcutil', 'ping')).toEqual([[NODE1, 0, 'OK']]);
    expect(daemon?.log().slice(before)).not.toMatch(/get_fact|agent echo|Echo/);
  });

  test('may ask a node of Choria what a rule allows, and reads why not what it denies', async () => {
    expect(await choria(C1, YAML_COLLECTIVE, 'rpcutil', 'ping')).toEqual([[C1, 0, 'OK']]);
    expect(await choria(C1, YAML_COLLECTIVE, 'rpcutil', 'get_fact', { fact: 'country' })).toEqual([
      [BRIDGE, 1, FACTS],
    ]);
    expect(await choria(C1, YAML_COLLECTIVE, 'echo', 'echo')).toEqual([[BRIDGE, 1, NO_RULE]]);
    expect(mixed.fleets.go.received().map(({ agent, action }) => `${agent}#${action}`)).not.toContain(
      'rpcutil#get_fact',
    );
    expect(mixed.fleets.go.executions('echo#echo').size).toBe(0);
  });

  test('is told as often as it names nodes, so that it does not wait for more', async () => {
    const replies = await client.rpc({
      agent: 'rpcutil',
      action: 'get_fact',
      data: { fact: 'country' },
      collective: YAML_COLLECTIVE,
      targets: [C1, C2, C3],
      timeout: 60_000,
    });
    expect(replies.map(({ sender, rpc }) => [sender, rpc?.statusmsg])).toEqual([
      [BRIDGE, FACTS],
      [BRIDGE, FACTS],
      [BRIDGE, FACTS],
    ]);
  });
});
