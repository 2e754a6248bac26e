import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { helloDestination } from '../../src/adapters/mcollective/wire/addressing.ts';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { requirementsOf } from '../../src/app/requirements.ts';
import { sharedBy } from '../../src/app/sharing.ts';
import type { Log } from '../../src/envelope/log.ts';
import { exportedBy } from '../../src/setup/ends.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { sidesOf } from '../../src/setup/sides.ts';
import type { Config } from '../../src/setup/types.ts';
import type { Link, Right } from '../../src/transport/link.ts';
import { partOf, type Requirement } from '../../src/transport/requirement.ts';
import { BROKERS, type Transports } from '../../src/transport/transports.ts';
import { type Fleet, startFleet } from '../support/choria-fleet.ts';
import { type ChoriaNetwork, startChoriaNetwork } from '../support/choria-network.ts';
import {
  C1,
  C2,
  C3,
  type MixedWorld,
  mixedConfig,
  R1,
  R2,
  startMixedWorld,
  UK_COLLECTIVE,
} from '../support/mixed-world.ts';
import { NODE1, NODE2, YAML_COLLECTIVE, YAML_NODE } from '../support/world.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const OPAQUE = 'opaque';
const OPAQUE_NODES = ['s1.opaque.example.net', 's2.opaque.example.net'];
const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

let mixed: MixedWorld;
let member: ChoriaNetwork;
let opaque: Fleet;
let config: Config;
let app: App;

/** What the bridge has asked of each link, as `Link` has it, so that it holds for any client of a broker. */
const used = new Map<string, Right[]>();

/** The link, with every destination noted that goes through it. */
const noted = (link: Link, name: string): Link => {
  const rights = used.get(name) ?? [];
  used.set(name, rights);
  const note = (kind: Right['kind'], destination: string): void => {
    if (!rights.some((right) => right.kind === kind && right.destination === destination))
      rights.push({ kind, destination });
  };
  return {
    open: () => link.open(),
    close: () => link.close(),
    state: () => link.state(),
    subscribe: (subscription) => {
      note('subscribe', subscription.destination);
      return link.subscribe(subscription);
    },
    send: (message, unsent) => {
      note('publish', message.destination);
      link.send(message, unsent);
    },
    sendAll: (messages, unsent) => {
      for (const { destination } of messages) note('publish', destination);
      link.sendAll(messages, unsent);
    },
    ...(link.prove && { prove: link.prove.bind(link) }),
  };
};

const noting: Transports = {
  open: (spec, options) => noted(BROKERS.open(spec, options), spec.name),
};

beforeAll(async () => {
  mixed = await startMixedWorld({ legacy: [NODE1, NODE2, YAML_NODE] });
  // One in this process does its work.
  await mixed.bridge.stop();
  // On a network of its own: what is opaque and what is not would take each other's replies.
  member = await startChoriaNetwork(OPAQUE);
  for (const [name, text] of Object.entries(member.files)) mixed.world.files.write(name, text);
  opaque = await startFleet({
    url: member.nats.url,
    tls: member.tls(member.authority.issue({ commonName: 'nodes.example.net' })),
    callers: mixed.world.authority.certificate,
    dialect: 'ruby',
    collectives: [OPAQUE],
    nodes: OPAQUE_NODES,
    services: ['registry'],
  });
  const file = mixed.world.config((base) => {
    const it = mixedConfig(base);
    return {
      ...it,
      http: { listen: 'off' },
      egresses: {
        ...it.egresses,
        // Nodes of the requester's own side are among them.
        choria: { ...it.egresses.choria, nodes: ['*1.example.net'] },
        opaque: { type: 'choria-collective', ...member.connection },
      },
      routes: [...it.routes, { from: 'federation', to: 'opaque', collectives: [OPAQUE] }],
    };
  });
  const loaded = loadConfig(file, {}, BUILT_IN);
  config = loaded.config;
  app = createApp(loaded, { log: SILENT, version: '0', transports: noting });
  await app.start();
  await vi.waitFor(() => expect(JSON.stringify(app.nodes.snapshot())).toSatisfy(hasAll), PATIENCE);
}, 180_000);

afterAll(async () => {
  await app?.stop();
  await opaque?.close();
  await mixed?.stop();
  await member?.nats.stop();
});

const ALL = [C1, C2, C3, R1, R2, NODE1, NODE2, YAML_NODE];
const hasAll = (text: string): boolean => ALL.every((node) => text.includes(node));

/** Requests of all kinds, of clients of all kinds; each is answered. */
const traffic = async (): Promise<void> => {
  const federated = await mixed.world.client({ dialect: 'ruby' });
  const plain = await mixed.world.client({ dialect: 'go', federated: false });
  const ask = (collective: string, node: string) => ({
    agent: 'rpcutil',
    action: 'ping',
    collective,
    targets: [node],
    expect: 1,
    timeout: 60_000,
  });
  for (const [collective, nodes] of [
    ['mcollective', [NODE1, NODE2]],
    [UK_COLLECTIVE, [NODE1, NODE2]],
    [YAML_COLLECTIVE, [YAML_NODE]],
    [OPAQUE, OPAQUE_NODES],
  ] as const) {
    expect(await federated.discover({ collective, expect: nodes.length, timeout: 60_000 })).toEqual(nodes);
    expect(await federated.rpc(ask(collective, nodes[0])), collective).toHaveLength(1);
  }
  const service = federated.buildRequest({
    agent: 'registry',
    collective: OPAQUE,
    body: '{"agent":"registry","action":"ping","data":{}}',
    targetSubjects: [`${OPAQUE}.broadcast.service.registry`],
  });
  expect(await federated.send(service, { expect: 1, timeout: 60_000 })).toHaveLength(1);
  expect((await plain.discover({ expect: 5, timeout: 60_000 })).toSorted()).toEqual([
    C1,
    C2,
    C3,
    NODE1,
    NODE2,
  ]);
  expect(await plain.rpc(ask('mcollective', NODE1))).toHaveLength(1);
  const { marshal, yaml } = mixed.mco;
  // The queue gives a request to the node or to the bridge, which gives it back.
  for (const [mco, node, link, collective] of [
    [marshal, NODE1, 'mco', 'mcollective'],
    [yaml, YAML_NODE, 'mco_yaml', YAML_COLLECTIVE],
  ] as const)
    await vi.waitFor(async () => {
      await mco.run('rpc', 'rpcutil', 'ping', '-I', node, '-j');
      expect(used.get(link)).toContainEqual({ kind: 'publish', destination: `/queue/${collective}.nodes` });
    }, PATIENCE);
  for (const [mco, node, ...args] of [
    [marshal, C1],
    [marshal, NODE1],
    [yaml, C1],
    [marshal, R1, '-T', UK_COLLECTIVE],
  ] as const) {
    expect((await mco.run('ping', ...args)).stdout).toContain(node);
    const { stdout } = await mco.run('rpc', 'rpcutil', 'ping', '-I', node, '-j', ...args);
    expect(stdout.replaceAll(' ', '')).toContain(`"sender":"${node}"`);
  }
};

describe('the rights that check asks for and docs/rights.md lists', () => {
  beforeAll(traffic, 180_000);

  /** Each link of the bridge, with what it needs by its configuration. */
  const links = (): readonly (readonly [name: string, needs: readonly Requirement[]])[] => [
    ...sidesOf(config).map((side) => [side.adapter.name, requirementsOf(side, config)] as const),
  ];

  /** Where an ingress that is the only one warns others: listed in docs/rights.md, and nothing that check asks for. */
  const hellos = (name: string): readonly string[] =>
    sharedBy('single', config).includes(name) ? exportedBy(name, config).map(helloDestination) : [];
  const isPublishing = (right: Right, destination: string): boolean =>
    right.kind === 'publish' && right.destination === destination;

  it('hold every destination that a running bridge subscribes to or publishes to', () => {
    const uncovered = links().flatMap(([name, needs]) =>
      (used.get(name) ?? [])
        .filter((right) => !needs.some((need) => partOf(need)(right)))
        .filter((right) => !hellos(name).some((destination) => isPublishing(right, destination)))
        .map(({ kind, destination }) => `${name}: ${kind} ${destination}`),
    );
    expect(uncovered).toEqual([]);
  });

  it('are all used', () => {
    const unused = links().flatMap(([name, needs]) =>
      needs
        .filter((need) => !used.get(name)?.some(partOf(need)))
        .map(({ right: { kind }, grant, purpose }) => `${name}: ${kind} ${grant}, to ${purpose}`),
    );
    expect(unused).toEqual([]);
  });
});
