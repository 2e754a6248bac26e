import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { heaviest } from '../../src/cluster/rendezvous.ts';

const hex = (): string => randomBytes(16).toString('hex');
const ids = Array.from({ length: 10_000 }, (_, index) => `request ${index}`);
const sharesOf = (members: readonly string[]) => {
  const shares = new Map<string | undefined, number>();
  for (const id of ids) {
    const owner = heaviest(members, id);
    shares.set(owner, (shares.get(owner) ?? 0) + 1);
  }
  return shares;
};

it('gives three members a third each, within five percent', () => {
  const shares = sharesOf(['one', 'two', 'three']);
  expect(shares.size).toBe(3);
  for (const count of shares.values()) expect(Math.abs(count - ids.length / 3)).toBeLessThan(ids.length / 60);
});

it('moves only the share of one that comes or goes', () => {
  const three = [hex(), hex(), hex()];
  const [first = '', ...two] = three;
  let moved = 0;
  for (const id of ids) {
    const before = heaviest(three, id);
    const after = heaviest(two, id);
    if (before === first) moved++;
    else expect(after).toBe(before);
  }
  expect(moved).toBe(sharesOf(three).get(first));
});

it('has one owner, in whatever order members are known; none without members', () => {
  const three = [hex(), hex(), hex()];
  for (const id of ids.slice(0, 100)) expect(heaviest(three.toReversed(), id)).toBe(heaviest(three, id));
  expect(heaviest([], 'request')).toBeUndefined();
});
