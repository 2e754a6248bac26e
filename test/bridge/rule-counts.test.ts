import { expect, it } from 'vitest';
import { RuleCounts } from '../../src/bridge/rule-counts.ts';

it('rules are counted by their names, and beyond some thousand of them together', () => {
  const counts = new RuleCounts();
  for (let number = 0; number < 6_000; number++) counts.add('a → b', `rule ${number}`);
  counts.add('a → b', 'rule 7');
  const all = counts.all();
  expect(all).toHaveLength(5_001);
  expect(all.find(({ rule }) => rule === 'rule 7')?.count).toBe(2);
  expect(all.find(({ rule }) => rule === 'other')?.count).toBe(1_000);
});
