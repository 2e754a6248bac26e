import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { NodeState } from './choria-agent.ts';
import { JSON_VALUES, runAction } from './choria-agents.ts';
import type { Dialect, Json } from './choria-messages.ts';

const STATS = { total: 9, validated: 6, unvalidated: 1, passed: 7, filtered: 1, replies: 5, ttlexpired: 1 };
const stateOf = (dialect: Dialect): NodeState => ({
  identity: 'c1.example.net',
  dialect,
  agents: ['rpcutil', 'echo', 'discovery'],
  facts: { os: 'Debian', cpus: 4, net: { eth0: 'x' } },
  classes: ['apache'],
  collectives: ['mcollective', 'uk'],
  data: { fstat: { '/etc/hosts': { size: 10, present: 1 } } },
  stats: STATS,
  startTime: 1_700_000_000,
});
const NOW = 1_700_000_123_456;
const call = (dialect: Dialect, agent: string, action: string, data: Json = {}) =>
  runAction(agent, action, data, stateOf(dialect), NOW);

const DDL = '/usr/lib/ruby/vendor_ruby/mcollective/agent/rpcutil.ddl';
const outputsOf = (action: string): readonly string[] => {
  const text = readFileSync(DDL, 'utf8');
  const [, body = ''] = new RegExp(`^action "${action}"(.*?)^end`, 'ms').exec(text) ?? [];
  return [...body.matchAll(/output :(\w+)/g)].map(([, name = '']) => name).toSorted();
};

const INPUTS: Readonly<Record<string, Json>> = {
  get_fact: { fact: 'os' },
  get_facts: { facts: 'os, cpus' },
  get_config_item: { item: 'identity' },
};

describe.each(['ruby', 'go'] as const)('rpcutil in %s', (dialect) => {
  test.each([
    'collective_info',
    'inventory',
    'get_fact',
    'get_facts',
    'daemon_stats',
    'agent_inventory',
    'get_config_item',
    'ping',
  ])('%s has the outputs of the installed DDL', (action) => {
    const { data, ...status } = call(dialect, 'rpcutil', action, INPUTS[action]);
    expect(status).toEqual({ statuscode: 0, statusmsg: 'OK', ran: true });
    const outputs = outputsOf(action);
    expect(outputs.length).toBeGreaterThan(0);
    // What the DDLs of Choria declare besides.
    const added = ['machines', 'upgradable', 'events'];
    expect(
      Object.keys(data)
        .filter((key) => !added.includes(key))
        .toSorted(),
    ).toEqual(outputs);
  });

  test('tells the data that it was made with', () => {
    expect(call(dialect, 'rpcutil', 'daemon_stats').data).toMatchObject(STATS);
    expect(call(dialect, 'rpcutil', 'get_fact', { fact: 'nope' }).data).toEqual({
      fact: 'nope',
      value: null,
    });
    const query = { source: 'fstat', query: '/etc/hosts' };
    expect(call(dialect, 'rpcutil', 'get_data', query).data).toEqual({ size: 10, present: 1 });
  });

  test('echo gives back what it was given, and every kind of JSON value', () => {
    const data = { value: 'x', more: [1, null], process_results: true };
    expect(call(dialect, 'echo', 'echo', data).data).toEqual({
      value: 'x',
      seen: { value: 'x', more: [1, null] },
    });
    expect(call(dialect, 'echo', 'types', { value: 'x' }).data).toEqual({ echoed: 'x', values: JSON_VALUES });
    expect(call(dialect, 'echo', 'fail', { code: 3 })).toEqual({
      statuscode: 3,
      statusmsg: 'failed with 3',
      data: { done: 'before it failed' },
      ran: true,
    });
  });
});

test('facts are texts in Ruby, and what they are in Go, where paths lead into them', () => {
  const fact = (dialect: Dialect, name: string) =>
    call(dialect, 'rpcutil', 'get_fact', { fact: name }).data['value'];
  expect([fact('ruby', 'cpus'), fact('ruby', 'net.eth0')]).toEqual(['4', null]);
  expect([fact('go', 'cpus'), fact('go', 'net.eth0')]).toEqual([4, 'x']);
});

test.each<
  [agent: string, action: string, data: Json, ruby: readonly [number, string], go: readonly [number, string]]
>([
  [
    'rpcutil',
    'nope',
    {},
    [4, "Attempted to call action nope for rpcutil but it's not declared in the DDL"],
    [2, 'Unknown action nope for agent rpcutil'],
  ],
  ['rpcutil', 'get_fact', {}, [4, 'Action get_fact needs a fact argument'], [0, 'OK']],
  [
    'rpcutil',
    'get_fact',
    { fact: 'a b' },
    [4, 'Cannot validate input fact: value should match ^[\\w\\-.]+$'],
    [0, 'OK'],
  ],
  ['rpcutil', 'get_config_item', { item: 'x' }, [1, 'Unknown config property x'], [1, 'Unknown key']],
  ['rpcutil', 'get_data', { source: 'x' }, [5, 'No plugin x_data defined'], [1, 'Unknown data plugin']],
  [
    'echo',
    'fail',
    {},
    [4, 'Action fail needs a code argument'],
    [1, "Validation failed: input 'code' is required"],
  ],
  [
    'echo',
    'fail',
    { code: 'x' },
    [4, 'Cannot validate input code: value should be a integer'],
    [1, "Validation failed: validation failed for input 'code': value should be a integer"],
  ],
])('%s#%s %j fails as it does in each', (agent, action, data, ruby, go) => {
  const outcomes = (['ruby', 'go'] as const).map((dialect) => call(dialect, agent, action, data));
  expect(outcomes.map(({ statuscode, statusmsg }) => [statuscode, statusmsg])).toEqual([ruby, go]);
});
