import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  RequestCoalescer,
  type RequestCoalescerOptions,
} from '../../../src/adapters/kit/request-coalescer.ts';
import type { IncomingMessage } from '../../../src/transport/link.ts';

const QUIET = 5;
/** Between the timer and the look, as fake timers have it. */
const TURN = 1;

const copy = (text: string, replyTo?: string): IncomingMessage => ({
  destination: 'anywhere',
  headers: {},
  body: Buffer.from(text),
  ...(replyTo !== undefined && { replyTo }),
});

describe('copies of one message to many nodes', () => {
  let taken: string[];
  const make = (options: Partial<RequestCoalescerOptions> = {}): RequestCoalescer =>
    new RequestCoalescer({
      take: ({ body }, nodes) => void taken.push(`${body}: ${nodes.join(' ')}`),
      quiet: QUIET,
      ...options,
    });

  beforeEach(() => {
    taken = [];
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  it('are handed over together, once no more have come for a while', () => {
    const coalescer = make();
    coalescer.add(copy('a'), 'n1');
    vi.advanceTimersByTime(QUIET - 1);
    coalescer.add(copy('a'), 'n2');
    coalescer.add(copy('a'), 'n1');
    vi.advanceTimersByTime(QUIET - 1);
    expect(taken).toEqual([]);
    vi.advanceTimersByTime(1 + 2 * TURN);
    expect(taken).toEqual(['a: n1 n2']);
    vi.advanceTimersByTime(1_000);
    expect(taken).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are told apart from others in between by each byte and by where replies go', () => {
    const coalescer = make();
    for (const node of ['n1', 'n2'])
      for (const message of [copy('a'), copy('b'), copy('a', '/queue/x')]) coalescer.add(message, node);
    vi.advanceTimersByTime(QUIET + TURN);
    expect(taken).toEqual(['a: n1 n2', 'b: n1 n2', 'a: n1 n2']);
  });

  it('wait in vain for a pause no longer than ten times as long', () => {
    const coalescer = make();
    for (let ms = 0; ms < 11 * QUIET; ms++) {
      coalescer.add(copy('a'), `n${ms}`);
      vi.advanceTimersByTime(1);
    }
    const collected = taken[0]?.split(' ').slice(1) ?? [];
    expect(taken).toHaveLength(1);
    expect([10 * QUIET, 10 * QUIET + TURN]).toContain(collected.length);
  });

  it('are handed over at once when they are as many as a request may be for', () => {
    const coalescer = make({ most: 2 });
    for (const node of ['n1', 'n2', 'n3']) coalescer.add(copy('a'), node);
    expect(taken).toEqual(['a: n1 n2']);
    vi.advanceTimersByTime(QUIET + TURN);
    expect(taken).toEqual(['a: n1 n2', 'a: n3']);
  });

  it('are handed over when nobody may wait for more', () => {
    const coalescer = make();
    coalescer.add(copy('a'), 'n1');
    coalescer.add(copy('b'), 'n1');
    coalescer.flush();
    expect(taken).toEqual(['a: n1', 'b: n1']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('need no pause but the end of a turn, where none is asked for', () => {
    const coalescer = make({ quiet: 0 });
    coalescer.add(copy('a'), 'n1');
    coalescer.add(copy('a'), 'n2');
    expect(taken).toEqual([]);
    vi.runAllTimers();
    expect(taken).toEqual(['a: n1 n2']);
  });
});

it('does not count the time in which the process was busy and could hear nothing', async () => {
  const taken: number[] = [];
  const coalescer = new RequestCoalescer({ take: (_, nodes) => void taken.push(nodes.length), quiet: QUIET });
  // What the socket has meanwhile: it is read after the timers that are due. Set first, so that it is due first.
  setTimeout(() => setImmediate(() => coalescer.add(copy('a'), 'n2')), QUIET - 1);
  coalescer.add(copy('a'), 'n1');
  const busy = performance.now() + 2 * QUIET;
  while (performance.now() < busy);
  await vi.waitUntil(() => taken.length > 0);
  expect(taken).toEqual([2]);
});
