import { describe, expect, it } from 'vitest';
import { DirectLimit } from '../../../src/adapter/mcollective-stomp/direct-limit.ts';

const EXPIRES = 1_000;

describe('a limit of unanswered directed frames', () => {
  it('admits requests until it is reached', () => {
    const limit = new DirectLimit(200);
    expect(limit.admits('a', 150, EXPIRES, 0)).toBe(true);
    expect(limit.admits('b', 50, EXPIRES, 0)).toBe(true);
    expect(limit.admits('c', 1, EXPIRES, 0)).toBe(false);
  });

  it('makes room for each answer, and for no more answers than there were frames', () => {
    const limit = new DirectLimit(2);
    limit.admits('a', 2, EXPIRES, 0);
    limit.answered('a');
    expect(limit.admits('b', 1, EXPIRES, 0)).toBe(true);
    for (let i = 0; i < 9; i++) limit.answered('a');
    expect(limit.admits('c', 1, EXPIRES, 0)).toBe(true);
    expect(limit.admits('d', 1, EXPIRES, 0)).toBe(false);
  });

  it('forgets frames that the broker has dropped', () => {
    const limit = new DirectLimit(2);
    limit.admits('a', 2, EXPIRES, 0);
    expect(limit.admits('b', 2, 2 * EXPIRES, EXPIRES - 1)).toBe(false);
    expect(limit.admits('b', 2, 2 * EXPIRES, EXPIRES)).toBe(true);
    expect(limit.admits('c', 1, 2 * EXPIRES, EXPIRES)).toBe(false);
  });

  it('counts all messages of a request that came in several', () => {
    const limit = new DirectLimit(500);
    expect(limit.admits('a', 200, EXPIRES, 0)).toBe(true);
    expect(limit.admits('a', 200, EXPIRES, 0)).toBe(true);
    expect(limit.admits('a', 200, EXPIRES, 0)).toBe(false);
    expect(limit.admits('b', 100, EXPIRES, 0)).toBe(true);
    expect(limit.admits('b', 1, EXPIRES, 0)).toBe(false);
  });

  it('knows nothing of answers to what it never admitted', () => {
    const limit = new DirectLimit(1);
    limit.answered('z');
    expect(limit.admits('a', 1, EXPIRES, 0)).toBe(true);
    expect(limit.admits('b', 1, EXPIRES, 0)).toBe(false);
  });
});
