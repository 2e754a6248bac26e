import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LinkError, type OutgoingMessage } from '../../src/transport/link.ts';
import { Spool } from '../../src/transport/spool.ts';

const START = 1_700_000_000_000;

const message = (name: string, lifetime = 10_000, size = 10): OutgoingMessage => ({
  destination: name,
  body: Buffer.alloc(size),
  expires: START + lifetime,
});

const spoolOf = (limits: { maxMessages?: number; maxBytes?: number } = {}) => {
  const expired: (readonly [destination: string, count: number])[] = [];
  const spool = new Spool({
    maxMessages: limits.maxMessages ?? 1000,
    maxBytes: limits.maxBytes ?? 1_000_000,
    clock: () => Date.now(),
    onExpired: (destination, count) => expired.push([destination, count]),
  });
  return { spool, expired };
};

const codeOf = (act: () => void): string | undefined => {
  try {
    act();
  } catch (error) {
    if (error instanceof LinkError) return error.code;
    throw error;
  }
  return undefined;
};

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a spool', () => {
  test('hands messages over in the order in which they came', () => {
    const { spool } = spoolOf({ maxMessages: 10_000 });
    for (let i = 0; i < 5000; i++) spool.push(message(`${i}`));
    const seen: string[] = [];
    for (let i = 0; i < 4000; i++) seen.push(spool.shift()?.destination ?? 'none');
    for (let i = 5000; i < 8000; i++) spool.push(message(`${i}`));
    expect(spool.length).toBe(4000);
    for (let m = spool.shift(); m !== undefined; m = spool.shift()) seen.push(m.destination);
    expect(seen).toEqual(Array.from({ length: 8000 }, (_, i) => `${i}`));
    expect([spool.length, spool.bytes]).toEqual([0, 0]);
  });

  test('refuses a message beyond its number of messages', () => {
    const { spool } = spoolOf({ maxMessages: 2 });
    spool.push(message('a'));
    spool.push(message('b'));
    expect(codeOf(() => spool.push(message('c')))).toBe('overloaded');
    spool.shift();
    expect(codeOf(() => spool.push(message('c')))).toBeUndefined();
  });

  test('refuses a message beyond its bytes, and counts bytes back when they leave', () => {
    const { spool } = spoolOf({ maxBytes: 100 });
    spool.push(message('a', 10_000, 60));
    expect(codeOf(() => spool.push(message('b', 10_000, 41)))).toBe('overloaded');
    spool.push(message('b', 10_000, 40));
    expect(spool.bytes).toBe(100);
    spool.shift();
    expect(spool.bytes).toBe(40);
  });

  test('makes room by dropping what has expired before it refuses', () => {
    const { spool, expired } = spoolOf({ maxMessages: 2 });
    spool.push(message('old', 20));
    spool.push(message('young'));
    vi.setSystemTime(START + 21);
    spool.push(message('new'));
    expect(expired).toEqual([['old', 1]]);
    expect([spool.shift()?.destination, spool.shift()?.destination]).toEqual(['young', 'new']);
  });

  test('never hands over a message whose time has run out, and counts those by destination', () => {
    const { spool, expired } = spoolOf();
    spool.push(message('a', 1000));
    spool.push(message('b', 2000));
    spool.push(message('a', 1000));
    spool.push(message('c', 9000));
    vi.setSystemTime(START + 2000);
    expect(spool.shift()?.destination).toBe('c');
    expect(expired).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(spool.bytes).toBe(0);
  });

  test('counts a message as expired that comes too late', () => {
    const { spool, expired } = spoolOf();
    spool.push(message('late', 0));
    expect(spool.length).toBe(0);
    expect(expired).toEqual([['late', 1]]);
  });

  test('notices by itself that time runs out, with one timer for all messages', () => {
    const { spool, expired } = spoolOf();
    for (let i = 0; i < 500; i++) spool.push(message('early', 5000 + i));
    spool.push(message('earlier', 3000));
    spool.push(message('later', 20_000));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(3000);
    expect(expired).toEqual([['earlier', 1]]);
    vi.advanceTimersByTime(3000);
    expect(expired.filter(([name]) => name === 'early').reduce((sum, [, count]) => sum + count, 0)).toBe(500);
    // 500 messages expired within half a second, yet the spool was looked through a dozen times only.
    expect(expired.length).toBeLessThan(15);
    expect(spool.length).toBe(1);
    vi.advanceTimersByTime(20_000);
    expect(expired.at(-1)).toEqual(['later', 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('notices a clock that is set forward within a minute', () => {
    const { spool, expired } = spoolOf();
    spool.push(message('a', 3_600_000));
    vi.setSystemTime(START + 4_000_000);
    vi.advanceTimersByTime(60_000);
    expect(expired).toEqual([['a', 1]]);
  });

  test('forgets everything when cleared, and stops its timer', () => {
    const { spool, expired } = spoolOf();
    spool.push(message('a'));
    spool.push(message('b'));
    expect(spool.clear()).toBe(2);
    expect([spool.length, spool.bytes, vi.getTimerCount()]).toEqual([0, 0, 0]);
    vi.advanceTimersByTime(60_000);
    expect(expired).toEqual([]);
  });
});
