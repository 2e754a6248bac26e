import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Inventory } from '../../src/nodes/inventory.ts';
import { acrossOf, directoryOf, knowledgeOf, residentsOf } from '../../src/nodes/residents.ts';
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

describe('the residents of an ingress', () => {
  it('are those learned beyond its routes, in their collectives', () => {
    const inventory = fresh();
    const residents = residentsOf({
      inventory,
      routes: [LEGACY, { to: 'old', collectives: ['uk'] }],
      patterns: new Map(),
    });
    inventory.seen('legacy', 'mcollective', 'n1', 'discovery');
    inventory.seen('legacy', 'uk', 'n2', 'discovery');
    inventory.seen('old', 'uk', 'n3', 'discovery');
    inventory.seen('elsewhere', 'mcollective', 'n4', 'discovery');
    expect([...residents.names('mcollective')]).toEqual(['n1']);
    expect([...residents.names('uk')]).toEqual(['n3']);
    expect([...residents.names('de')]).toEqual([]);
    expect(residents.has('mcollective', 'n1')).toBe(true);
    expect(residents.has('uk', 'n1')).toBe(false);
    expect(residents.has('mcollective', 'n4')).toBe(false);
  });

  it('are those whom the globs of these egresses stand for', () => {
    const residents = residentsOf({
      inventory: fresh(),
      routes: [LEGACY],
      patterns: new Map([
        ['legacy', ['web*', 'db1']],
        ['choria', ['*']],
      ]),
    });
    expect(residents.patterns('mcollective')).toEqual(['web*', 'db1']);
    expect(residents.patterns('uk')).toEqual([]);
    expect(residents.has('mcollective', 'web7')).toBe(true);
    expect(residents.has('mcollective', 'db1')).toBe(true);
    expect(residents.has('mcollective', 'db2')).toBe(false);
    expect(residents.has('uk', 'web7')).toBe(false);
  });

  it('are not those that were learned on its own side, though a glob stands for them', () => {
    const inventory = fresh();
    const patterns = new Map([['legacy', ['*']]]);
    const residents = residentsOf({ inventory, routes: [LEGACY], localEgress: 'choria', patterns });
    inventory.seen('legacy', 'mcollective', 'n1', 'discovery');
    expect(residents.has('mcollective', 'n1')).toBe(true);
    inventory.seen('choria', 'mcollective', 'n1', 'discovery');
    expect(residents.has('mcollective', 'n1')).toBe(false);
    expect([...residents.names('mcollective')]).toEqual([]);
    expect(residents.has('mcollective', 'n2')).toBe(true);
  });

  it('are those that are native only in another collective', () => {
    const inventory = fresh();
    const routes = [{ to: 'legacy', collectives: ['mcollective', 'uk'] }];
    const residents = residentsOf({ inventory, routes, localEgress: 'choria', patterns: new Map() });
    for (const collective of ['mcollective', 'uk']) inventory.seen('legacy', collective, 'n1', 'discovery');
    inventory.seen('choria', 'mcollective', 'n1', 'discovery');
    expect([residents.has('mcollective', 'n1'), residents.has('uk', 'n1')]).toEqual([false, true]);
  });

  it('are not silenced by globs that overlap: configured alone is not native', () => {
    const inventory = fresh();
    const patterns = new Map([
      ['legacy', ['*']],
      ['choria', ['*']],
    ]);
    const routes = [LEGACY];
    const legacySide = residentsOf({
      inventory,
      routes: [{ to: 'choria', collectives: ['mcollective'] }],
      localEgress: 'legacy',
      patterns,
    });
    const choriaSide = residentsOf({ inventory, routes, localEgress: 'choria', patterns });
    expect([legacySide, choriaSide].map((side) => side.has('mcollective', 'n1'))).toEqual([true, true]);
    inventory.seen('legacy', 'mcollective', 'n1', 'reply');
    expect([legacySide, choriaSide].map((side) => side.has('mcollective', 'n1'))).toEqual([false, true]);
  });

  it('are those that have moved there from its own side, whose replies are no longer held back', () => {
    let now = 0;
    const inventory = new Inventory({
      clock: () => now,
      log: recordingLog([]),
      expire: () => 180_000,
      across: new Map([['legacy', new Set(['choria'])]]),
      later: (tell) => tell(),
    });
    const residents = residentsOf({
      inventory,
      routes: [{ to: 'choria', collectives: ['mcollective'] }],
      localEgress: 'legacy',
      patterns: new Map(),
    });
    const knowledge = knowledgeOf(inventory, new Map([['mco', 'legacy']]), BRIDGE);
    inventory.seen('legacy', 'mcollective', 'n1', 'discovery');
    now = 20_000;
    inventory.seen('choria', 'mcollective', 'n1', 'discovery');
    expect([residents.has('mcollective', 'n1'), knowledge.isNative('mco', 'mcollective', 'n1')]).toEqual([
      false,
      true,
    ]);
    now = 65_000;
    inventory.surveyed('legacy', 'mcollective', 60_000);
    expect([residents.has('mcollective', 'n1'), knowledge.isNative('mco', 'mcollective', 'n1')]).toEqual([
      true,
      false,
    ]);
    expect([...residents.names('mcollective')]).toEqual(['n1']);
  });

  it('tell when they change, and give the same set as long as they do not', () => {
    const inventory = fresh();
    const residents = residentsOf({
      inventory,
      routes: [LEGACY],
      localEgress: 'choria',
      patterns: new Map(),
    });
    const listener = vi.fn();
    residents.onChange(listener);
    inventory.seen('legacy', 'mcollective', 'n1', 'discovery');
    const names = residents.names('mcollective');
    expect(listener).toHaveBeenCalledTimes(1);
    inventory.seen('legacy', 'mcollective', 'n1', 'reply');
    expect(residents.names('mcollective')).toBe(names);
    inventory.seen('choria', 'mcollective', 'n1', 'discovery');
    expect(listener).toHaveBeenCalledTimes(2);
    expect([[...names], [...residents.names('mcollective')]]).toEqual([['n1'], []]);
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
          for (const node of some) inventory.seen(egress, 'mcollective', node, 'reply');
        const residents = residentsOf({
          inventory,
          routes: ['one', 'two'].map((to) => ({ to, collectives: ['mcollective'] })),
          localEgress: 'beside',
          patterns: new Map([['two', ['web*']]]),
        });
        const learned = [...new Set([...one, ...two])].filter((node) => !beside.includes(node));
        expect([...residents.names('mcollective')].toSorted()).toEqual(learned.toSorted());
        for (const node of ['n1', 'n2', 'n3', 'web1', 'web2', 'web3']) {
          const expected = !beside.includes(node) && (learned.includes(node) || node.startsWith('web'));
          expect(residents.has('mcollective', node)).toBe(expected);
        }
      }),
    );
  });
});

describe('what the bridge knows of nodes', () => {
  it('is who has replied beyond an egress, and who is native to the side of an ingress', () => {
    const inventory = fresh();
    const knowledge = knowledgeOf(inventory, new Map([['clients', 'choria']]), BRIDGE);
    knowledge.seen('choria', 'mcollective', 'n1');
    knowledge.seen('legacy', 'mcollective', 'n2');
    expect(inventory.sightings('choria', 'mcollective')).toMatchObject([{ identity: 'n1', by: 'reply' }]);
    expect(knowledge.isNative('clients', 'mcollective', 'n1')).toBe(true);
    expect(knowledge.isNative('clients', 'mcollective', 'n2')).toBe(false);
    expect(knowledge.isNative('clients', 'uk', 'n1')).toBe(false);
    expect(knowledge.isNative('federation', 'mcollective', 'n1')).toBe(false);
  });

  it('is no node by the name of the bridge, in which it tells errors, unless that answers when asked', () => {
    const inventory = fresh();
    const knowledge = knowledgeOf(inventory, new Map([['clients', 'choria']]), BRIDGE);
    knowledge.seen('choria', 'mcollective', BRIDGE);
    expect([...inventory.learned('choria', 'mcollective')]).toEqual([]);
    inventory.seen('choria', 'mcollective', BRIDGE, 'discovery');
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
    expect(acrossOf(routes, beside)).toEqual(
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
    inventory.seen('legacy', 'mcollective', 'db1', 'reply');
    inventory.seen('choria', 'mcollective', 'db1', 'discovery');
    expect(directory(inventory).whereabouts('mcollective', 'db1')).toBe('here');
    expect(directory(inventory).whereabouts('uk', 'db1')).toBe('elsewhere');
  });

  it('has a node elsewhere that has answered there alone, in the same collective', () => {
    const inventory = fresh();
    inventory.seen('choria', 'mcollective', 'web7', 'discovery');
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
