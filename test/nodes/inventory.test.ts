import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Inventory } from '../../src/nodes/inventory.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const START = 1_800_000_000_000;

describe('the inventory', () => {
  let now: number;
  let lines: LogLine[];
  /** What has been put off. */
  let later: (() => void)[];
  const settle = (): void => {
    for (const tell of later.splice(0)) tell();
  };
  const make = (capacity?: number, peerEgresses?: ReadonlyMap<string, ReadonlySet<string>>): Inventory =>
    new Inventory({
      clock: () => now,
      log: recordingLog(lines),
      expire: (egress) => (egress === 'legacy' ? 180_000 : 30_000),
      later: (tell) => void later.push(tell),
      ...(capacity === undefined ? {} : { capacity }),
      ...(peerEgresses === undefined ? {} : { peerEgresses }),
    });

  beforeEach(() => {
    now = START;
    lines = [];
    later = [];
  });

  it('tells of each node that comes or goes, at once and once', () => {
    const inventory = make(2, new Map([['beside', new Set(['legacy'])]]));
    const moves: unknown[] = [];
    inventory.onMove((move) => void moves.push(move));
    const n1 = { collective: 'mcollective', node: 'n1' };
    inventory.observe('beside', 'mcollective', 'n1', 'discovery');
    inventory.observe('beside', 'mcollective', 'n1', 'reply');
    inventory.targets('beside', 'mcollective', ++now);
    inventory.observe('legacy', 'mcollective', 'n1', 'reply');
    inventory.observe('legacy', 'mcollective', 'n2', 'discovery');
    inventory.observe('legacy', 'mcollective', 'no room', 'discovery');
    inventory.left('legacy', 'mcollective', 'n1');
    inventory.left('legacy', 'mcollective', 'n1');
    now += 180_000;
    inventory.sweep();
    expect(moves).toEqual([
      { ...n1, egress: 'beside', came: 'discovery' },
      { ...n1, egress: 'beside', came: undefined },
      { ...n1, egress: 'legacy', came: 'reply' },
      { ...n1, egress: 'legacy', node: 'n2', came: 'discovery' },
      { ...n1, egress: 'legacy', came: undefined },
      { ...n1, egress: 'legacy', node: 'n2', came: undefined },
    ]);
    expect(inventory.size).toBe(0);
  });

  it('knows who was seen beyond which egress, in which collective', () => {
    const inventory = make();
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    inventory.observe('legacy', 'uk', 'n2', 'reply');
    expect([...inventory.learned('legacy', 'mcollective')]).toEqual(['n1']);
    expect([...inventory.learned('legacy', 'uk')]).toEqual(['n2']);
    expect([...inventory.learned('choria', 'mcollective')]).toEqual([]);
    expect(inventory.size).toBe(2);
  });

  it('knows when a node was there last, and how', () => {
    const inventory = make();
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    now += 5_000;
    inventory.observe('legacy', 'mcollective', 'n1', 'reply');
    expect(inventory.records('legacy', 'mcollective')).toEqual([
      { identity: 'n1', seen: START + 5_000, by: 'reply' },
    ]);
    expect(inventory.records('legacy', 'uk')).toEqual([]);
  });

  it('forgets who was silent for too long, by egress', () => {
    const inventory = make();
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    inventory.observe('choria', 'mcollective', 'n2', 'discovery');
    now += 29_999;
    inventory.sweep();
    expect(inventory.size).toBe(2);
    now += 1;
    inventory.sweep();
    expect([...inventory.learned('choria', 'mcollective')]).toEqual([]);
    inventory.observe('legacy', 'mcollective', 'n1', 'reply');
    now += 179_999;
    inventory.sweep();
    expect([...inventory.learned('legacy', 'mcollective')]).toEqual(['n1']);
    now += 1;
    inventory.sweep();
    expect(inventory.size).toBe(0);
  });

  describe('of nodes that move', () => {
    const ACROSS = new Map([
      ['legacy', new Set(['choria'])],
      ['choria', new Set(['legacy'])],
    ]);
    let inventory: Inventory;
    const sides = (node: string): readonly string[] =>
      ['legacy', 'choria'].filter((egress) => inventory.learned(egress, 'mcollective').has(node));
    const seen = (egress: string): void => inventory.observe(egress, 'mcollective', 'n1', 'discovery');
    /** A question now, and the time to answer it. @param answers come at once */
    const scheduler = (egress: string, answers: boolean): void => {
      const asked = now;
      now += 100;
      if (answers) seen(egress);
      now += 4_900;
      inventory.targets(egress, 'mcollective', asked);
    };

    beforeEach(() => {
      inventory = make(undefined, ACROSS);
      seen('legacy');
      now += 10_000;
      seen('choria');
    });

    it('knows them on both sides as long as they answer on both', () => {
      for (let round = 0; round < 3; round++) {
        now += 60_000;
        scheduler('legacy', true);
        scheduler('choria', true);
      }
      expect(sides('n1')).toEqual(['legacy', 'choria']);
    });

    it('forgets where they were once they have missed a question there, having been heard of across', () => {
      const { version } = inventory;
      now += 50_000;
      scheduler('legacy', false);
      expect(sides('n1')).toEqual(['choria']);
      expect([inventory.version, later.length]).toEqual([version + 1, 1]);
      scheduler('choria', false);
      expect(sides('n1')).toEqual(['choria']);
    });

    it('keeps them where they have missed a question until they are heard of across', () => {
      now += 50_000;
      scheduler('choria', false);
      expect(sides('n1')).toEqual(['legacy', 'choria']);
      inventory.observe('elsewhere', 'mcollective', 'n1', 'reply');
      inventory.observe('legacy', 'uk', 'n1', 'reply');
      expect(sides('n1')).toEqual(['legacy', 'choria']);
      settle();
      inventory.observe('legacy', 'mcollective', 'n1', 'reply');
      expect(sides('n1')).toEqual(['legacy']);
      expect(later).toHaveLength(1);
    });

    it('knows them again on a side that they are heard of again: one answer may have been lost', () => {
      now += 50_000;
      scheduler('legacy', false);
      scheduler('legacy', true);
      scheduler('choria', true);
      expect(sides('n1')).toEqual(['legacy', 'choria']);
    });

    it('does not count as missed what came otherwise after the question', () => {
      now += 50_000;
      const asked = now;
      now += 1_000;
      inventory.observe('legacy', 'mcollective', 'n1', 'reply');
      seen('choria');
      inventory.targets('legacy', 'mcollective', asked);
      expect(sides('n1')).toEqual(['legacy', 'choria']);
    });

    it('makes room for others', () => {
      inventory = make(2, ACROSS);
      seen('legacy');
      inventory.observe('legacy', 'mcollective', 'n2', 'discovery');
      now += 60_000;
      scheduler('legacy', false);
      seen('choria');
      expect([sides('n1'), inventory.size, inventory.refused]).toEqual([['choria'], 2, 0]);
    });
  });

  it('keeps nobody for longer because the clock was set back', () => {
    const inventory = make();
    now += 86_400_000;
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    now -= 86_400_000;
    inventory.sweep();
    now += 180_000;
    inventory.sweep();
    expect(inventory.size).toBe(0);
  });

  it('tells once of all changes of one moment, and not of known nodes', () => {
    const inventory = make();
    const listener = vi.fn();
    inventory.onChange(listener);
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    inventory.observe('legacy', 'mcollective', 'n2', 'discovery');
    expect(listener).not.toHaveBeenCalled();
    settle();
    expect(listener).toHaveBeenCalledTimes(1);

    const { version } = inventory;
    now += 1_000;
    inventory.observe('legacy', 'mcollective', 'n2', 'reply');
    inventory.sweep();
    settle();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(inventory.version).toBe(version);

    now += 180_000;
    inventory.sweep();
    settle();
    expect(listener).toHaveBeenCalledTimes(2);
    expect(inventory.version).not.toBe(version);
  });

  it('tells by itself soon after', async () => {
    const inventory = new Inventory({ clock: () => now, log: recordingLog(lines), expire: () => 1_000 });
    const told = new Promise<void>((resolve) => inventory.onChange(resolve));
    inventory.observe('legacy', 'mcollective', 'n1', 'discovery');
    const alive = setInterval(() => undefined, 1_000);
    await told;
    clearInterval(alive);
  });

  it.each(['', 'a b', 'a.>', '*', '../n1', '.n1', 'n1\n', 'n'.repeat(256)])(
    'takes no node in that calls itself %j, and says so once',
    (node) => {
      const inventory = make();
      inventory.observe('legacy', 'mcollective', node, 'discovery');
      inventory.observe('legacy', 'mcollective', node, 'discovery');
      expect([inventory.size, later.length]).toEqual([0, 0]);
      expect(lines).toEqual([
        {
          level: 'warn',
          fields: { event: 'inventory_full', egress: 'legacy', collective: 'mcollective', node },
          message: 'a node without a valid identity is left out of the inventory; further ones silently',
        },
      ]);
    },
  );

  it('takes in no more than it has room for, says so once, and counts', () => {
    const inventory = make(2);
    for (const node of ['n1', 'n2', 'n3', 'n4', 'n1'])
      inventory.observe('legacy', 'mcollective', node, 'reply');
    expect([...inventory.learned('legacy', 'mcollective')]).toEqual(['n1', 'n2']);
    expect([inventory.refused, lines.map(({ message }) => message)]).toEqual([
      2,
      [expect.stringMatching(/^2 nodes are known, which is all there is room for: this one is left out/)],
    ]);
    now += 180_000;
    inventory.sweep();
    inventory.observe('legacy', 'mcollective', 'n3', 'reply');
    expect([...inventory.learned('legacy', 'mcollective')]).toEqual(['n3']);
  });

  it('agrees with a list of everything that was ever seen', () => {
    const steps = fc.array(
      fc.record({
        wait: fc.integer({ min: 0, max: 40_000 }),
        egress: fc.constantFrom('legacy', 'choria'),
        node: fc.constantFrom('n1', 'n2', 'n3'),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        now = START;
        const inventory = make();
        const last = new Map<string, number>();
        for (const { wait, egress, node } of all) {
          now += wait;
          inventory.sweep();
          inventory.observe(egress, 'mcollective', node, 'reply');
          last.set(`${egress} ${node}`, now);
        }
        const there = (egress: string, limit: number): readonly string[] =>
          ['n1', 'n2', 'n3'].filter((node) => now - (last.get(`${egress} ${node}`) ?? 0) < limit);
        expect([...inventory.learned('legacy', 'mcollective')].toSorted()).toEqual(there('legacy', 180_000));
        expect([...inventory.learned('choria', 'mcollective')].toSorted()).toEqual(there('choria', 30_000));
      }),
    );
  });
});
