import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Members } from '../../src/cluster/members.ts';
import { isSealed, type Statement, seal } from '../../src/cluster/statement.ts';
import { timingOf } from '../../src/cluster/timing.ts';

const key = createSecretKey(Buffer.alloc(32, 7));
const author = { cluster: 'production', instance: '1' };
const statement: Statement = {
  process: 'p',
  sequence: 3,
  sent: 1_795_412_340_000,
  interval: 2_000,
  since: 1_795_412_333_000,
  hearsAll: true,
};

describe('a seal', () => {
  it('is right for what was sealed, with or without an end', () => {
    expect(isSealed(seal(statement, author, key), author, key)).toBe(true);
    const leaving = { ...statement, until: 1_795_412_400_000 };
    expect(isSealed(seal(leaving, author, key), author, key)).toBe(true);
  });

  it('is wrong once anything is changed, or with another key', () => {
    const sealed = seal(statement, author, key);
    for (const changed of [
      { process: 'q' },
      { sequence: 4 },
      { sent: 1_795_412_340_001 },
      { interval: 3_000 },
      { since: 0 },
      { until: 1_795_412_400_000 },
      { hearsAll: false },
      { seal: '' },
      { seal: `${sealed.seal.slice(0, -2)}AA` },
    ])
      expect(isSealed({ ...sealed, ...changed }, author, key), JSON.stringify(changed)).toBe(false);
    expect(isSealed(sealed, { ...author, instance: '2' }, key)).toBe(false);
    expect(isSealed(sealed, { ...author, cluster: 'c' }, key)).toBe(false);
    expect(isSealed(sealed, author, createSecretKey(randomBytes(32)))).toBe(false);
  });

  it('cannot be moved to names that read the same in a row', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
        fc.pre(b !== '');
        const one = seal({ ...statement, process: c }, { cluster: a, instance: b }, key);
        expect(isSealed({ ...one, process: b + c }, { cluster: a, instance: '' }, key)).toBe(false);
      }),
    );
  });
});

describe('statements of others', () => {
  const interval = 1_000;
  const { drop } = timingOf(interval);
  const at = (ms: number) => ({ steady: ms, epoch: 1_000_000 + ms });
  const other = (sequence: number): Statement => ({
    process: 'other',
    sequence,
    sent: 0,
    interval,
    since: 0,
    hearsAll: true,
  });
  /** This process says something that comes back at once. */
  const beat = (members: Members, ms: number): readonly string[] => {
    members.hear('me', members.state(at(ms)), at(ms));
    return members.drop(at(ms)).map(({ instance }) => instance);
  };
  const started = (): Members =>
    new Members({ instance: 'me', process: 'me', interval, keep: 60_000 }, at(0));

  it('that are played back do not keep one alive, nor bring it back', () => {
    const members = started();
    expect(members.hear('it', other(7), at(0))).toBe('new');
    for (let ms = 0; ms < drop; ms += 500) {
      expect(members.hear('it', other(7), at(ms))).toBe('stale');
      expect(beat(members, ms)).toEqual([]);
    }
    expect(beat(members, drop)).toEqual(['it']);
    expect(members.hear('it', other(6), at(drop))).toBe('stale');
    expect(members.others(at(drop))).toEqual([]);
    expect(members.hear('it', other(8), at(drop))).toBe('new');
    expect(members.others(at(drop))).toHaveLength(1);
  });

  it('drop nobody while own ones do not come back', () => {
    const members = started();
    members.hear('it', other(1), at(0));
    expect(members.drop(at(10 * drop))).toEqual([]);
    members.state(at(10 * drop));
    expect(members.drop(at(10 * drop))).toEqual([]);
    expect(members.others(at(10 * drop))).toHaveLength(1);
  });

  it('that come rarely make a joining instance wait as long as their author may not know of it', () => {
    const members = started();
    beat(members, 0);
    const slow = { ...other(1), interval: 4_000 };
    expect(members.hear('slow', slow, at(10))).toBe('new');
    for (let ms = 20; ms < 10_000; ms += 490) {
      beat(members, ms);
      expect(members.takesPart(at(ms)), String(ms)).toBe(false);
    }
    for (let ms = 10_000; ms <= 12_000; ms += 500) beat(members, ms);
    expect(members.takesPart(at(12_000))).toBe(true);
  });

  it('count by the time of a request, also when their author has been dropped', () => {
    const members = started();
    for (let ms = 0; ms <= 5_000; ms += 500) {
      if (ms === 3_000) members.hear('it', other(1), at(ms));
      beat(members, ms);
    }
    for (let ms = 5_500; ms <= 3_000 + drop + 1_000; ms += 500) beat(members, ms);
    const ids = Array.from({ length: 200 }, (_, index) => String(index));
    const owners = (ms: number) => new Set(ids.map((id) => members.owner(id, (1_000_000 + ms) / 1000)));
    expect(owners(3_000 + drop - 1)).toEqual(new Set(['me', 'other']));
    expect(owners(3_000 + drop)).toEqual(new Set(['me']));
    const mine = ids.filter((id) => members.isMine(id, (1_000_000 + 4_000) / 1000, at(7_500)));
    expect(mine.length).toBeGreaterThan(50);
    expect(mine.length).toBeLessThan(150);
    for (const id of ids) {
      const isMine = mine.includes(id);
      expect(members.owner(id, (1_000_000 + 4_000) / 1000)).toBe(isMine ? 'me' : 'other');
    }
  });
});
