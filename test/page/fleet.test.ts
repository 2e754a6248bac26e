import { describe, expect, it } from 'vitest';
import type { InventoryDocument } from '../../src/nodes/document.ts';
import { countedFleets, fleetsOf } from '../../src/page/fleet.ts';

const egress = (name: string, type: string, nodes: readonly string[], error?: string) => ({
  ...{ name, type, patterns: [], every: 60, last_survey: null, ...(error !== undefined && { error }) },
  collectives: [
    { name: 'mcollective', nodes: nodes.map((identity) => ({ identity, seen: 0, by: 'reply' as const })) },
  ],
});

const documentOf = (...egresses: InventoryDocument['egresses']): InventoryDocument => ({
  ...{ time: 0, cluster: 'prod', instance: '1', refused: 0, egresses },
});

describe('the nodes of a collective', () => {
  it('are counted by side: how many have moved, and how many are there twice', () => {
    const document = documentOf(
      egress('old', 'type-a', ['n1', 'n2', 'n3']),
      egress('older', 'type-a', ['n3', 'n4'], 'it is not connected'),
      egress('new', 'type-b', ['n1', 'n5']),
    );
    expect(fleetsOf(document)).toEqual([
      {
        ...{ collective: 'mcollective', nodes: 5, both: 1 },
        sides: [
          { type: 'type-a', egresses: ['old', 'older'], nodes: 4, only: 3, error: 'it is not connected' },
          { type: 'type-b', egresses: ['new'], nodes: 2, only: 1 },
        ],
      },
    ]);
  });

  it('are none where nobody is known', () => {
    expect(fleetsOf(documentOf())).toEqual([]);
    expect(fleetsOf(documentOf(egress('old', 'type-a', [])))).toMatchObject([{ nodes: 0, both: 0 }]);
  });

  it('are counted each five seconds at most', () => {
    const clock = { now: 0 };
    let made = 0;
    const fleets = countedFleets(
      () => {
        made++;
        return documentOf();
      },
      () => clock.now,
    );
    for (const now of [0, 1_000, 4_999, 5_000, 5_001, 2_000]) {
      clock.now = now;
      fleets();
    }
    expect(made).toBe(3);
  });
});
