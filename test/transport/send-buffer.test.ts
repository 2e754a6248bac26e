import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LinkError, type OutgoingMessage } from '../../src/transport/link.ts';
import { SendBuffer } from '../../src/transport/send-buffer.ts';

const START = 1_700_000_000_000;

const message = (name: string, lifetime = 10_000, size = 10): OutgoingMessage => ({
  destination: name,
  body: Buffer.alloc(size),
  expires: START + lifetime,
});

const sendBufferOf = (limits: { maxMessages?: number; maxBytes?: number } = {}) => {
  const expired: (readonly [destination: string, count: number])[] = [];
  const errors: string[] = [];
  const sendBuffer = new SendBuffer({
    maxMessages: limits.maxMessages ?? 1000,
    maxBytes: limits.maxBytes ?? 1_000_000,
    clock: () => Date.now(),
    onExpired: (destination, count) => expired.push([destination, count]),
    onError: (error) => errors.push(error.message),
  });
  const push = (messages: OutgoingMessage | readonly OutgoingMessage[], isUp = false): void =>
    sendBuffer.push([messages].flat(), isUp);
  const shiftAll = (): readonly string[] => {
    const seen: string[] = [];
    for (let m = sendBuffer.shift(); m !== undefined; m = sendBuffer.shift()) seen.push(m.destination);
    return seen;
  };
  return { sendBuffer, push, shiftAll, expired, errors };
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
    const { sendBuffer, push, shiftAll } = sendBufferOf({ maxMessages: 10_000, maxBytes: 10_000_000 });
    for (let i = 0; i < 5000; i++) push(message(`${i}`));
    const seen: string[] = [];
    for (let i = 0; i < 4000; i++) seen.push(sendBuffer.shift()?.destination ?? 'none');
    for (let i = 5000; i < 8000; i++) push(message(`${i}`));
    expect(sendBuffer.length).toBe(4000);
    seen.push(...shiftAll());
    expect(seen).toEqual(Array.from({ length: 8000 }, (_, i) => `${i}`));
    expect([sendBuffer.length, sendBuffer.bytes]).toEqual([0, 0]);
  });

  test('counts the messages of one request as one while there is no connection', () => {
    const { push, shiftAll } = sendBufferOf({ maxMessages: 2 });
    push(fanOut(['a1', 'a2', 'a3']));
    push(message('b'));
    expect(codeOf(() => push(message('c')))).toBe('overloaded');
    expect(shiftAll()).toEqual(['a1', 'a2', 'a3', 'b']);
    expect(codeOf(() => push(message('c')))).toBeUndefined();
  });

  test('has no such limit while there is one', () => {
    const { sendBuffer, push } = sendBufferOf({ maxMessages: 2 });
    for (let i = 0; i < 500; i++) push(message(`${i}`), true);
    expect(sendBuffer.length).toBe(500);
    expect(codeOf(() => push(message('down')))).toBe('overloaded');
  });

  test('refuses a message beyond its bytes, and counts bytes back when they leave', () => {
    const { sendBuffer, push } = sendBufferOf({ maxBytes: 100_000 });
    push(message('a', 10_000, 60_000));
    expect(codeOf(() => push(message('b', 10_000, 40_000)))).toBe('overloaded');
    push(message('b', 10_000, 38_000));
    expect(sendBuffer.bytes).toBeGreaterThan(98_000);
    sendBuffer.shift();
    expect(sendBuffer.bytes).toBeLessThan(40_000);
    expect(sendBuffer.bytes).toBeGreaterThan(38_000);
  });

  test('counts a body once however many share it, and what it takes to keep the messages', () => {
    const names = Array.from({ length: 200 }, (_, i) => `mcollective.node.n${i}.example.net`);
    const one = sendBufferOf();
    one.push(fanOut(names, 3_700));
    expect(one.sendBuffer.bytes).toBeGreaterThan(3_700 + names.join('').length);
    expect(one.sendBuffer.bytes).toBeLessThan(3_700 * 20);
    const bodies = sendBufferOf();
    bodies.push(names.map((name) => message(name, 10_000, 3_700)));
    expect(bodies.sendBuffer.bytes - one.sendBuffer.bytes).toBe(199 * 3_700);
    const headers = sendBufferOf();
    headers.push(fanOut(names, 3_700).map((it, i) => ({ ...it, headers: { mc_identity: `n${i}` } })));
    expect(headers.sendBuffer.bytes).toBeGreaterThan(one.sendBuffer.bytes + 200 * 20);
  });

  test('takes all messages of a request or none', () => {
    const { sendBuffer, push, shiftAll } = sendBufferOf({ maxBytes: 10_000 });
    push(message('a', 10_000, 5_000));
    const before = sendBuffer.bytes;
    const bodies = ['b1', 'b2', 'b3'].map((name) => message(name, 10_000, 2_000));
    expect(codeOf(() => push(bodies))).toBe('overloaded');
    expect([sendBuffer.length, sendBuffer.bytes]).toEqual([1, before]);
    expect(shiftAll()).toEqual(['a']);
  });

  test('has room for one, however large, where nothing waits and there is a connection', () => {
    const { push, shiftAll } = sendBufferOf({ maxBytes: 1_000 });
    expect(codeOf(() => push(message('large', 10_000, 5_000)))).toBe('overloaded');
    push(message('large', 10_000, 5_000), true);
    expect(codeOf(() => push(message('next'), true))).toBe('overloaded');
    expect(shiftAll()).toEqual(['large']);
  });

  test('makes room by dropping what has expired before it refuses', () => {
    const { push, shiftAll, expired } = sendBufferOf({ maxMessages: 2 });
    push(message('old', 20));
    push(message('young'));
    vi.setSystemTime(START + 21);
    push(message('new'));
    expect(expired).toEqual([['old', 1]]);
    expect(shiftAll()).toEqual(['young', 'new']);
  });

  test('never hands over a message whose time has run out, and counts those by destination', () => {
    const { sendBuffer, push, expired } = sendBufferOf();
    push(message('a', 1000));
    push(message('b', 2000));
    push(message('a', 1000));
    push(message('c', 9000));
    vi.setSystemTime(START + 2000);
    expect(sendBuffer.shift()?.destination).toBe('c');
    expect(expired).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(sendBuffer.bytes).toBe(0);
  });

  test('counts what is left of a request that expires when half of it is out, and tells its sender', async () => {
    const { sendBuffer, push, shiftAll, expired } = sendBufferOf();
    const { told, unsent } = hearer();
    sendBuffer.push(fanOut(['a1', 'a2', 'a3', 'a4'], 10, 1000), true, unsent);
    push(message('b'));
    expect([sendBuffer.shift()?.destination, sendBuffer.shift()?.destination]).toEqual(['a1', 'a2']);
    vi.setSystemTime(START + 1000);
    expect(shiftAll()).toEqual(['b']);
    expect(expired).toEqual([['a3', 2]]);
    await Promise.resolve();
    expect(told).toEqual([['expired', 2]]);
    expect([sendBuffer.length, sendBuffer.bytes]).toEqual([0, 0]);
  });

  test('tells once, for all messages of a request, that some cannot be sent', async () => {
    const { sendBuffer, shiftAll, errors } = sendBufferOf();
    const { told, unsent } = hearer();
    sendBuffer.push(fanOut(['a1', 'a2', 'a3']), true, unsent);
    sendBuffer.push([message('b')], true);
    sendBuffer.shift();
    sendBuffer.refused(new LinkError('too_large', 'a1'));
    sendBuffer.shift();
    sendBuffer.shift();
    sendBuffer.refused(new LinkError('too_large', 'a3'));
    await Promise.resolve();
    expect(told).toEqual([['too_large', 2]]);
    sendBuffer.shift();
    sendBuffer.refused(new LinkError('too_large', 'nobody asked to be told of b'));
    await Promise.resolve();
    expect(errors).toEqual(['nobody asked to be told of b']);
    expect(shiftAll()).toEqual([]);
    expect(told).toHaveLength(1);
  });

  test('counts a message as expired that comes too late', async () => {
    const { sendBuffer, push, expired } = sendBufferOf();
    const { told, unsent } = hearer();
    push(message('late', 0));
    sendBuffer.push([message('late', 0)], true, unsent);
    await Promise.resolve();
    expect(sendBuffer.length).toBe(0);
    expect(expired).toEqual([
      ['late', 1],
      ['late', 1],
    ]);
    expect(told).toEqual([['expired', 1]]);
  });

  test('notices by itself that time runs out, with one timer for all messages', () => {
    const { sendBuffer, push, expired } = sendBufferOf();
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
    expect(sendBuffer.length).toBe(1);
    vi.advanceTimersByTime(20_000);
    expect(expired.at(-1)).toEqual(['later', 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('notices a clock that is set forward within a minute', () => {
    const { push, expired } = sendBufferOf();
    push(message('a', 3_600_000));
    vi.setSystemTime(START + 4_000_000);
    vi.advanceTimersByTime(60_000);
    expect(expired).toEqual([['a', 1]]);
  });

  test('forgets everything when cleared, tells so, and stops its timer', async () => {
    const { sendBuffer, push, expired, errors } = sendBufferOf();
    const { told, unsent } = hearer();
    push(message('a'));
    sendBuffer.push(fanOut(['b1', 'b2']), false, unsent);
    expect(sendBuffer.clear()).toBe(3);
    expect([sendBuffer.length, sendBuffer.bytes, vi.getTimerCount()]).toEqual([0, 0, 0]);
    vi.advanceTimersByTime(60_000);
    await Promise.resolve();
    expect([expired, errors]).toEqual([[], []]);
    expect(told).toEqual([['closed', 2]]);
  });
});
