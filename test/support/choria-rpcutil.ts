import { type Action, ActionFailed, type Agent, type NodeState } from './choria-agent.ts';
import { factAt } from './choria-filter-go.ts';
import type { Dialect, Json } from './choria-messages.ts';

const VERSIONS: Readonly<Record<Dialect, string>> = { ruby: '2.12.5', go: '0.29.4' };
/** The data plugins that come with MCollective; go-choria's `choria` and `config`. */
const DATA_PLUGINS: Readonly<Record<Dialect, readonly string[]>> = {
  ruby: ['agent_data', 'collective_data', 'fact_data', 'fstat_data'],
  go: ['choria', 'config'],
};

/** encoding/json writes maps in order of their keys; structs in order of their fields. */
const sorted = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** `Facts::Base#normalize_facts`. */
const asTexts = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(asTexts);
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asTexts(inner)]));
};

const factsOf = ({ dialect, facts }: NodeState): Json =>
  dialect === 'go'
    ? sorted(facts)
    : Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, asTexts(value)]));

/** Go follows a path; Ruby knows the names of the first level. */
const factOf = (node: NodeState, name: string): unknown => {
  const facts = factsOf(node);
  const value =
    node.dialect === 'go' ? factAt(facts, name) : Object.hasOwn(facts, name) ? facts[name] : undefined;
  return value ?? null;
};

const dataPlugins = ({ dialect, data }: NodeState): readonly string[] => {
  const own = Object.keys(data);
  const all = [...DATA_PLUGINS[dialect], ...(dialect === 'ruby' ? own.map((name) => `${name}_data`) : own)];
  return [...new Set(all)].toSorted();
};

const collectivesOf = ({ collectives }: NodeState): Json => ({
  main_collective: collectives[0] ?? null,
  collectives,
});

const inventory = (node: NodeState): Json => {
  const { dialect, agents, classes } = node;
  const facts = factsOf(node);
  const version = VERSIONS[dialect];
  const { main_collective, collectives } = collectivesOf(node);
  const data_plugins = dataPlugins(node);
  if (dialect === 'ruby')
    // `machines` is in Choria's DDL, and set by go-choria alone.
    return { agents, facts, classes, version, main_collective, collectives, data_plugins, machines: null };
  const known = { agents, classes, collectives, data_plugins, facts, machines: [] };
  return { ...known, main_collective, version, upgradable: false };
};

const CONFIG_FILE: Readonly<Record<Dialect, string>> = {
  ruby: '/etc/puppetlabs/mcollective/server.cfg',
  go: '/etc/choria/server.conf',
};

const daemonStats = (node: NodeState): Json => {
  const { dialect, agents, stats, startTime: starttime } = node;
  const pid = 1;
  const configfile = CONFIG_FILE[dialect];
  const version = VERSIONS[dialect];
  const { validated, unvalidated, passed, filtered, total, replies, ttlexpired } = stats;
  if (dialect === 'ruby') {
    const times = { utime: 0.25, stime: 0.5, cutime: 0, cstime: 0 };
    const first = { threads: ['#<Thread:0x0001 run>'], agents, pid, times };
    const counts = { validated, unvalidated, passed, filtered, starttime, total, replies };
    return { ...first, ...counts, configfile, version, ttlexpired };
  }
  const threads = ['Go go1.22.6 with 20 go procs on 2 cores'];
  const times = { cstime: 0, cutime: 0, stime: 0, utime: 0 };
  const first = { agents, configfile, filtered, pid, passed, threads, replies, starttime, ttlexpired };
  return { ...first, events: 0, times, total, unvalidated, validated, version };
};

const agentInventory = ({ dialect, agents }: NodeState): Json => {
  const about = {
    license: 'Apache-2.0',
    timeout: 10,
    url: 'https://choria.io',
    version: VERSIONS[dialect],
    author: 'the fleet',
  };
  const list = agents.map((agent) => ({ agent, ...about, name: agent, description: `agent ${agent}` }));
  // Ruby sorts the list; Go's is in the order of a map.
  return { agents: list.toSorted((a, b) => (a.agent < b.agent ? -1 : 1)) };
};

const configItem = (node: NodeState, item: string): Json => {
  const items: Json = { identity: node.identity, ...collectivesOf(node), ttl: 60 };
  if (Object.hasOwn(items, item)) return { item, value: items[item] };
  throw new ActionFailed(1, node.dialect === 'ruby' ? `Unknown config property ${item}` : 'Unknown key');
};

const dataOf = ({ dialect, data }: NodeState, source: string, query: string): Json => {
  const plugin = Object.hasOwn(data, source) ? data[source] : undefined;
  if (plugin !== undefined) return dialect === 'go' ? sorted(plugin[query] ?? {}) : (plugin[query] ?? {});
  if (dialect === 'go') throw new ActionFailed(1, 'Unknown data plugin');
  // A RuntimeError of the plugin manager.
  throw new ActionFailed(5, `No plugin ${source}_data defined`);
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const telling = (outputs: readonly string[], run: (node: NodeState) => Json): Action => ({
  outputs,
  run: (_, node) => run(node),
});

/** The outputs and inputs are those of `rpcutil.ddl` of MCollective 2.12.5, and of go-choria's `rpcutil.go`. */
export const rpcutil: Agent = {
  ping: { outputs: ['pong'], run: (_, _node, now) => ({ pong: Math.floor(now / 1000) }) },
  inventory: telling(
    ['agents', 'facts', 'classes', 'version', 'main_collective', 'collectives', 'data_plugins', 'machines'],
    inventory,
  ),
  collective_info: telling(['main_collective', 'collectives'], collectivesOf),
  daemon_stats: telling([], daemonStats),
  agent_inventory: telling(['agents'], agentInventory),
  get_fact: {
    inputs: { fact: { type: 'string', validation: /^[\w\-.]+$/m, maxLength: 40 } },
    outputs: ['fact', 'value'],
    run: ({ fact }, node) => ({ fact: text(fact), value: factOf(node, text(fact)) }),
  },
  get_facts: {
    inputs: {
      facts: { type: 'string', validation: /^\s*[\w.-]+(\s*,\s*[\w.-]+)*$/m, maxLength: 200 },
    },
    outputs: ['values'],
    run: ({ facts }, node) => {
      const names = text(facts)
        .split(',')
        .map((name) => name.trim());
      const values = Object.fromEntries(names.map((name) => [name, factOf(node, name)]));
      return { values: node.dialect === 'go' ? sorted(values) : values };
    },
  },
  get_config_item: {
    inputs: { item: { type: 'string', validation: /^.+$/m, maxLength: 50 } },
    outputs: ['item', 'value'],
    run: ({ item }, node) => configItem(node, text(item)),
  },
  get_data: {
    inputs: {
      source: { type: 'string', validation: /^\w+$/m, maxLength: 50 },
      query: { type: 'string', optional: true, validation: /^.+$/m, maxLength: 200 },
    },
    run: ({ source, query }, node) => dataOf(node, text(source), text(query)),
  },
};
