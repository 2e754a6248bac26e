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
  const errors: string[] = [];
  const spool = new Spool({
    maxMessages: limits.maxMessages ?? 1000,
    maxBytes: limits.maxBytes ?? 1_000_000,
    clock: () => Date.now(),
    onExpired: (destination, count) => expired.push([destination, count]),
    onError: (error) => errors.push(error.message),
  });
  const push = (messages: OutgoingMessage | readonly OutgoingMessage[], isUp = false): void =>
    spool.push([messages].flat(), isUp);
  const shiftAll = (): readonly string[] => {
    const seen: string[] = [];
    for (let m = spool.shift(); m !== undefined; m = spool.shift()) seen.push(m.destination);
    return seen;
  };
  return { spool, push, shiftAll, expired, errors };
};

/** What is told of messages that were not sent. */
const hearer = () => {
  const told: (readonly [code: string, count: number])[] = [];
  return { told, unsent: (error: LinkError, count: number) => void told.push([error.code, count]) };
};

const fanOut = (names: readonly string[], size = 10, lifetime = 10_000): readonly OutgoingMessage[] => {
  const body = Buffer.alloc(size);
  return names.map((destination) => ({ destination, body, expires: START + lifetime }));
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
    const { spool, push, shiftAll } = spoolOf({ maxMessages: 10_000, maxBytes: 10_000_000 });
    for (let i = 0; i < 5000; i++) push(message(`${i}`));
    const seen: string[] = [];
    for (let i = 0; i < 4000; i++) seen.push(spool.shift()?.destination ?? 'none');
    for (let i = 5000; i < 8000; i++) push(message(`${i}`));
    expect(spool.length).toBe(4000);
    seen.push(...shiftAll());
    expect(seen).toEqual(Array.from({ length: 8000 }, (_, i) => `${i}`));
    expect([spool.length, spool.bytes]).toEqual([0, 0]);
  });

  test('counts the messages of one request as one while there is no connection', () => {
    const { push, shiftAll } = spoolOf({ maxMessages: 2 });
    push(fanOut(['a1', 'a2', 'a3']));
    push(message('b'));
    expect(codeOf(() => push(message('c')))).toBe('overloaded');
    expect(shiftAll()).toEqual(['a1', 'a2', 'a3', 'b']);
    expect(codeOf(() => push(message('c')))).toBeUndefined();
  });

  test('has no such limit while there is one', () => {
    const { spool, push } = spoolOf({ maxMessages: 2 });
    for (let i = 0; i < 500; i++) push(message(`${i}`), true);
    expect(spool.length).toBe(500);
    expect(codeOf(() => push(message('down')))).toBe('overloaded');
  });

  test('refuses a message beyond its bytes, and counts bytes back when they leave', () => {
    const { spool, push } = spoolOf({ maxBytes: 100_000 });
    push(message('a', 10_000, 60_000));
    expect(codeOf(() => push(message('b', 10_000, 40_000)))).toBe('overloaded');
    push(message('b', 10_000, 38_000));
    expect(spool.bytes).toBeGreaterThan(98_000);
    spool.shift();
    expect(spool.bytes).toBeLessThan(40_000);
    expect(spool.bytes).toBeGreaterThan(38_000);
  });

  test('counts a body once however many share it, and what it takes to keep the messages', () => {
    const names = Array.from({ length: 200 }, (_, i) => `mcollective.node.n${i}.example.net`);
    const one = spoolOf();
    one.push(fanOut(names, 3_700));
    expect(one.spool.bytes).toBeGreaterThan(3_700 + names.join('').length);
    expect(one.spool.bytes).toBeLessThan(3_700 * 20);
    const bodies = spoolOf();
    bodies.push(names.map((name) => message(name, 10_000, 3_700)));
    expect(bodies.spool.bytes - one.spool.bytes).toBe(199 * 3_700);
    const headers = spoolOf();
    headers.push(fanOut(names, 3_700).map((it, i) => ({ ...it, headers: { mc_identity: `n${i}` } })));
    expect(headers.spool.bytes).toBeGreaterThan(one.spool.bytes + 200 * 20);
  });

  test('takes all messages of a request or none', () => {
    const { spool, push, shiftAll } = spoolOf({ maxBytes: 10_000 });
    push(message('a', 10_000, 5_000));
    const before = spool.bytes;
    const bodies = ['b1', 'b2', 'b3'].map((name) => message(name, 10_000, 2_000));
    expect(codeOf(() => push(bodies))).toBe('overloaded');
    expect([spool.length, spool.bytes]).toEqual([1, before]);
    expect(shiftAll()).toEqual(['a']);
  });

  test('has room for one, however large, where nothing waits and there is a connection', () => {
    const { push, shiftAll } = spoolOf({ maxBytes: 1_000 });
    expect(codeOf(() => push(message('large', 10_000, 5_000)))).toBe('overloaded');
    push(message('large', 10_000, 5_000), true);
    expect(codeOf(() => push(message('next'), true))).toBe('overloaded');
    expect(shiftAll()).toEqual(['large']);
  });

  test('makes room by dropping what has expired before it refuses', () => {
    const { push, shiftAll, expired } = spoolOf({ maxMessages: 2 });
    push(message('old', 20));
    push(message('young'));
    vi.setSystemTime(START + 21);
    push(message('new'));
    expect(expired).toEqual([['old', 1]]);
    expect(shiftAll()).toEqual(['young', 'new']);
  });

  test('never hands over a message whose time has run out, and counts those by destination', () => {
    const { spool, push, expired } = spoolOf();
    push(message('a', 1000));
    push(message('b', 2000));
    push(message('a', 1000));
    push(message('c', 9000));
    vi.setSystemTime(START + 2000);
    expect(spool.shift()?.destination).toBe('c');
    expect(expired).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(spool.bytes).toBe(0);
  });

  test('counts what is left of a request that expires when half of it is out, and tells its sender', async () => {
    const { spool, push, shiftAll, expired } = spoolOf();
    const { told, unsent } = hearer();
    spool.push(fanOut(['a1', 'a2', 'a3', 'a4'], 10, 1000), true, unsent);
    push(message('b'));
    expect([spool.shift()?.destination, spool.shift()?.destination]).toEqual(['a1', 'a2']);
    vi.setSystemTime(START + 1000);
    expect(shiftAll()).toEqual(['b']);
    expect(expired).toEqual([['a3', 2]]);
    await Promise.resolve();
    expect(told).toEqual([['expired', 2]]);
    expect([spool.length, spool.bytes]).toEqual([0, 0]);
  });

  test('tells once, for all messages of a request, that some cannot be sent', async () => {
    const { spool, shiftAll, errors } = spoolOf();
    const { told, unsent } = hearer();
    spool.push(fanOut(['a1', 'a2', 'a3']), true, unsent);
    spool.push([message('b')], true);
    spool.shift();
    spool.refused(new LinkError('too_large', 'a1'));
    spool.shift();
    spool.shift();
    spool.refused(new LinkError('too_large', 'a3'));
    await Promise.resolve();
    expect(told).toEqual([['too_large', 2]]);
    spool.shift();
    spool.refused(new LinkError('too_large', 'nobody asked to be told of b'));
    await Promise.resolve();
    expect(errors).toEqual(['nobody asked to be told of b']);
    expect(shiftAll()).toEqual([]);
    expect(told).toHaveLength(1);
  });

  test('counts a message as expired that comes too late', async () => {
    const { spool, push, expired } = spoolOf();
    const { told, unsent } = hearer();
    push(message('late', 0));
    spool.push([message('late', 0)], true, unsent);
    await Promise.resolve();
    expect(spool.length).toBe(0);
    expect(expired).toEqual([
      ['late', 1],
      ['late', 1],
    ]);
    expect(told).toEqual([['expired', 1]]);
  });

  test('notices by itself that time runs out, with one timer for all messages', () => {
    const { spool, push, expired } = spoolOf();
    for (let i = 0; i < 500; i++) push(message('early', 5000 + i));
    push(message('earlier', 3000));
    push(message('later', 20_000));
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
    const { push, expired } = spoolOf();
    push(message('a', 3_600_000));
    vi.setSystemTime(START + 4_000_000);
    vi.advanceTimersByTime(60_000);
    expect(expired).toEqual([['a', 1]]);
  });

  test('forgets everything when cleared, tells so, and stops its timer', async () => {
    const { spool, push, expired, errors } = spoolOf();
    const { told, unsent } = hearer();
    push(message('a'));
    spool.push(fanOut(['b1', 'b2']), false, unsent);
    expect(spool.clear()).toBe(3);
    expect([spool.length, spool.bytes, vi.getTimerCount()]).toEqual([0, 0, 0]);
    vi.advanceTimersByTime(60_000);
    await Promise.resolve();
    expect([expired, errors]).toEqual([[], []]);
    expect(told).toEqual([['closed', 2]]);
  });
});
