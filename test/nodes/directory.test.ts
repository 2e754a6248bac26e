import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { directoryOf, knowledgeOf, peerEgressesOf, remoteNodesOf } from '../../src/nodes/directory.ts';
import { Inventory } from '../../src/nodes/inventory.ts';
import { collectivesOf } from '../../src/setup/ends.ts';
import { BRIDGE, recordingLog } from '../adapters/world.ts';

const fresh = (): Inventory =>
  new Inventory({
    clock: () => 0,
    log: recordingLog([]),
    expire: () => 1,
    later: (tell) => tell(),
  });

const LEGACY = { to: 'legacy', collectives: ['mcollective'] };

describe('the remote nodes of an ingress', () => {
  it('are those learned beyond its routes, in their collectives', () => {
    const inventory = fresh();
    const remoteNodes = remoteNodesOf({
      inventory,
      routes: [LEGACY, { to: 'old', collectives: ['uk'] }],
      patterns: new Map(),
    });
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    inventory.observe('legacy', 'uk', 'n2', 'discovery');
    inventory.observe('old', 'uk', 'n3', 'discovery');
    inventory.observe('elsewhere', 'mcollective', 'n4', 'discovery');
    expect([...remoteNodes.names('mcollective')]).toEqual(['n1']);
    expect([...remoteNodes.names('uk')]).toEqual(['n3']);
    expect([...remoteNodes.names('de')]).toEqual([]);
    expect(remoteNodes.has('mcollective', 'n1')).toBe(true);
    expect(remoteNodes.has('uk', 'n1')).toBe(false);
    expect(remoteNodes.has('mcollective', 'n4')).toBe(false);
  });

  it('are those whom the globs of these egresses stand for', () => {
    const remoteNodes = remoteNodesOf({
      inventory: fresh(),
      routes: [LEGACY],
      patterns: new Map([
        ['legacy', ['web*', 'db1']],
        ['choria', ['*']],
      ]),
    });
    expect(remoteNodes.patterns('mcollective')).toEqual(['web*', 'db1']);
    expect(remoteNodes.patterns('uk')).toEqual([]);
    expect(remoteNodes.has('mcollective', 'web7')).toBe(true);
    expect(remoteNodes.has('mcollective', 'db1')).toBe(true);
    expect(remoteNodes.has('mcollective', 'db2')).toBe(false);
    expect(remoteNodes.has('uk', 'web7')).toBe(false);
  });

  it('are not those that were learned on its own side, though a glob stands for them', () => {
    const inventory = fresh();
    const patterns = new Map([['legacy', ['*']]]);
    const remoteNodes = remoteNodesOf({ inventory, routes: [LEGACY], localEgress: 'choria', patterns });
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    expect(remoteNodes.has('mcollective', 'n1')).toBe(true);
    inventory.observe('choria', 'mcollective', 'n1', 'discovery');
    expect(remoteNodes.has('mcollective', 'n1')).toBe(false);
    expect([...remoteNodes.names('mcollective')]).toEqual([]);
    expect(remoteNodes.has('mcollective', 'n2')).toBe(true);
  });

  it('are those that are native only in another collective', () => {
    const inventory = fresh();
    const routes = [{ to: 'legacy', collectives: ['mcollective', 'uk'] }];
    const remoteNodes = remoteNodesOf({ inventory, routes, localEgress: 'choria', patterns: new Map() });
    for (const collective of ['mcollective', 'uk'])
      inventory.observe('legacy', collective, 'n1', 'discovery');
    inventory.observe('choria', 'mcollective', 'n1', 'discovery');
    expect([remoteNodes.has('mcollective', 'n1'), remoteNodes.has('uk', 'n1')]).toEqual([false, true]);
  });

  it('are not silenced by globs that overlap: configured alone is not native', () => {
    const inventory = fresh();
    const patterns = new Map([
      ['legacy', ['*']],
      ['choria', ['*']],
    ]);
    const routes = [LEGACY];
    const legacySide = remoteNodesOf({
      inventory,
      routes: [{ to: 'choria', collectives: ['mcollective'] }],
      localEgress: 'legacy',
      patterns,
    });
    const choriaSide = remoteNodesOf({ inventory, routes, localEgress: 'choria', patterns });
    expect([legacySide, choriaSide].map((side) => side.has('mcollective', 'n1'))).toEqual([true, true]);
    inventory.observe('legacy', 'mcollective', 'n1', 'reply');
    expect([legacySide, choriaSide].map((side) => side.has('mcollective', 'n1'))).toEqual([false, true]);
  });

  it('are those that have moved there from its own side, whose replies are no longer held back', () => {
    let now = 0;
    const inventory = new Inventory({
      clock: () => now,
      log: recordingLog([]),
      expire: () => 180_000,
      peerEgresses: new Map([['legacy', new Set(['choria'])]]),
      later: (tell) => tell(),
    });
    const remoteNodes = remoteNodesOf({
      inventory,
      routes: [{ to: 'choria', collectives: ['mcollective'] }],
      localEgress: 'legacy',
      patterns: new Map(),
    });
    const knowledge = knowledgeOf(inventory, new Map([['mco', 'legacy']]), BRIDGE);
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    now = 20_000;
    inventory.observe('choria', 'mcollective', 'n1', 'discovery');
    expect([remoteNodes.has('mcollective', 'n1'), knowledge.isLocal('mco', 'mcollective', 'n1')]).toEqual([
      false,
      true,
    ]);
    now = 65_000;
    inventory.targets('legacy', 'mcollective', 60_000);
    expect([remoteNodes.has('mcollective', 'n1'), knowledge.isLocal('mco', 'mcollective', 'n1')]).toEqual([
      true,
      false,
    ]);
    expect([...remoteNodes.names('mcollective')]).toEqual(['n1']);
  });

  it('tell when they change, and give the same set as long as they do not', () => {
    const inventory = fresh();
    const remoteNodes = remoteNodesOf({
      inventory,
      routes: [LEGACY],
      localEgress: 'choria',
      patterns: new Map(),
    });
    const listener = vi.fn();
    remoteNodes.onChange(listener);
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    const names = remoteNodes.names('mcollective');
    expect(listener).toHaveBeenCalledTimes(1);
    inventory.observe('legacy', 'mcollective', 'n1', 'reply');
    expect(remoteNodes.names('mcollective')).toBe(names);
    inventory.observe('choria', 'mcollective', 'n1', 'discovery');
    expect(listener).toHaveBeenCalledTimes(2);
    expect([[...names], [...remoteNodes.names('mcollective')]]).toEqual([['n1'], []]);
  });

  it('are the union beyond, without what is beside', () => {
    const nodes = fc.uniqueArray(fc.constantFrom<string[]>('n1', 'n2', 'n3', 'web1', 'web2'));
    fc.assert(
      fc.property(nodes, nodes, nodes, (one, two, beside) => {
        const inventory = fresh();
        for (const [egress, some] of [
          ['one', one],
          ['two', two],
          ['beside', beside],
        ] as const)
          for (const node of some) inventory.observe(egress, 'mcollective', node, 'reply');
        const remoteNodes = remoteNodesOf({
          inventory,
          routes: ['one', 'two'].map((to) => ({ to, collectives: ['mcollective'] })),
          localEgress: 'beside',
          patterns: new Map([['two', ['web*']]]),
        });
        const learned = [...new Set([...one, ...two])].filter((node) => !beside.includes(node));
        expect([...remoteNodes.names('mcollective')].toSorted()).toEqual(learned.toSorted());
        for (const node of ['n1', 'n2', 'n3', 'web1', 'web2', 'web3']) {
          const expected = !beside.includes(node) && (learned.includes(node) || node.startsWith('web'));
          expect(remoteNodes.has('mcollective', node)).toBe(expected);
        }
      }),
    );
  });
});

describe('what the bridge knows of nodes', () => {
  it('is who has replied beyond an egress, and who is native to the side of an ingress', () => {
    const inventory = fresh();
    const knowledge = knowledgeOf(inventory, new Map([['clients', 'choria']]), BRIDGE);
    knowledge.observe('choria', 'mcollective', 'n1');
    knowledge.observe('legacy', 'mcollective', 'n2');
    expect(inventory.records('choria', 'mcollective')).toMatchObject([{ identity: 'n1', by: 'reply' }]);
    expect(knowledge.isLocal('clients', 'mcollective', 'n1')).toBe(true);
    expect(knowledge.isLocal('clients', 'mcollective', 'n2')).toBe(false);
    expect(knowledge.isLocal('clients', 'uk', 'n1')).toBe(false);
    expect(knowledge.isLocal('federation', 'mcollective', 'n1')).toBe(false);
  });

  it('is no node by the name of the bridge, in which it tells errors, unless that answers when asked', () => {
    const inventory = fresh();
    const knowledge = knowledgeOf(inventory, new Map([['clients', 'choria']]), BRIDGE);
    knowledge.observe('choria', 'mcollective', BRIDGE);
    expect([...inventory.learned('choria', 'mcollective')]).toEqual([]);
    inventory.observe('choria', 'mcollective', BRIDGE, 'discovery');
    expect([...inventory.learned('choria', 'mcollective')]).toEqual([BRIDGE]);
  });

  it('is between which egresses nodes may move', () => {
    const routes = [
      { from: 'mco', to: 'choria' },
      { from: 'mco', to: 'choria_ruby' },
      { from: 'clients', to: 'legacy' },
      { from: 'federation', to: 'legacy' },
    ];
    const beside = new Map([
      ['mco', 'legacy'],
      ['clients', 'choria'],
    ]);
    expect(peerEgressesOf(routes, beside)).toEqual(
      new Map([
        ['legacy', new Set(['choria', 'choria_ruby'])],
        ['choria', new Set(['legacy'])],
      ]),
    );
  });

  it('covers the collectives beyond the routes and beside the ingresses', () => {
    const routes = [
      { from: 'mco', to: 'choria', collectives: ['mcollective', 'uk'] },
      { from: 'federation', to: 'legacy', collectives: ['uk', 'de'] },
    ];
    expect(collectivesOf(routes, new Map([['mco', 'legacy']]))).toEqual(
      new Map([
        ['choria', ['mcollective', 'uk']],
        ['legacy', ['mcollective', 'uk', 'de']],
      ]),
    );
  });
});

describe('the directory of an egress', () => {
  const patterns = new Map([
    ['legacy', ['web*']],
    ['choria', ['web1', 'db*']],
  ]);
  const directory = (inventory: Inventory) => directoryOf(inventory, 'legacy', patterns);

  it('has a node here that has answered from beyond it, though one of its name has elsewhere too', () => {
    const inventory = fresh();
    inventory.observe('legacy', 'mcollective', 'db1', 'reply');
    inventory.observe('choria', 'mcollective', 'db1', 'discovery');
    expect(directory(inventory).whereabouts('mcollective', 'db1')).toBe('here');
    expect(directory(inventory).whereabouts('uk', 'db1')).toBe('elsewhere');
  });

  it('has a node elsewhere that has answered there alone, in the same collective', () => {
    const inventory = fresh();
    inventory.observe('choria', 'mcollective', 'web7', 'discovery');
    expect(directory(inventory).whereabouts('mcollective', 'web7')).toBe('elsewhere');
    expect(directory(inventory).whereabouts('uk', 'web7')).toBe('unknown');
  });

  it('takes no pattern for a node that is there, and one of another egress for one that is not', () => {
    const at = (node: string) => directory(fresh()).whereabouts('mcollective', node);
    expect([at('web1'), at('web2'), at('db2'), at('other')]).toEqual([
      'unknown',
      'unknown',
      'elsewhere',
      'unknown',
    ]);
  });
});
