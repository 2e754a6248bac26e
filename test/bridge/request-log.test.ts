import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import { type Note, RequestLog } from '../../src/bridge/request-log.ts';
import type { Target } from '../../src/envelope/message.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toAll, toNodes } from '../../src/testing/targets.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const START = 1_800_000_000_000;
const QUIET = 5_000;

/** Bytes, after a collection. */
const heapInUse = (): number => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
};

describe('the request log', () => {
  let lines: LogLine[];
  let requestLog: RequestLog;
  const idOf = (letter: string): string => letter.repeat(32);
  const flowOf = (letter: string): string => letter.padStart(32, '0');
  const request = (letter: string, targets: readonly Target[] = toAll()) => {
    const made = requestAt(START / 1000, { id: idOf(letter), caller: 'choria=alice.mcollective', targets });
    return { ...made, home: { ...made.home, flow: flowOf(letter), requestId: made.id } };
  };
  const directed = (...nodes: readonly string[]): readonly Target[] => toNodes(nodes);
  const sent = (letter: string, targets?: readonly Target[]): Note => {
    const note = requestLog.sent(request(letter, targets), 'cert=alice', 'federation → legacy');
    if (note === undefined) throw new Error('the request left no note');
    return note;
  };
  const replied = (letter: string, failed = false): void => requestLog.replied(request(letter).home, failed);
  const make = (capacity = 10, bytes = 1024 ** 2): void => {
    const observer = new LogObserver({ log: recordingLog(lines), clock: Date.now });
    requestLog = new RequestLog({
      onDone: (summary) => observer.requestDone(summary),
      clock: Date.now,
      capacity,
      bytes,
      quiet: QUIET,
    });
  };

  beforeEach(() => {
    vi.useFakeTimers({ now: START });
    lines = [];
    make();
  });
  afterEach(() => {
    requestLog.stop();
    vi.useRealTimers();
  });

  it('writes one line for a directed request, when its last reply is home', () => {
    sent('a', directed('n1', 'n2'));
    vi.advanceTimersByTime(20);
    replied('a');
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(30);
    replied('a');
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'request',
        fields: {
          event: 'request',
          flow: flowOf('a'),
          request_id: idOf('a'),
          caller_in: 'choria=alice.mcollective',
          caller_out: 'cert=alice',
          sender: 'client.example.net',
          collective: 'mcollective',
          agent: 'rpcutil',
          action: 'get_fact',
          route: 'federation → legacy',
          targets: 2,
          replies: 2,
          unheard: 0,
          duration_ms: 50,
        },
      },
    ]);
    vi.advanceTimersByTime(120_000);
    expect(lines).toHaveLength(1);
  });

  it('writes up a broadcast when it has been quiet for long', () => {
    sent('a');
    vi.advanceTimersByTime(1_000);
    replied('a');
    vi.advanceTimersByTime(QUIET - 1_000);
    replied('a');
    vi.advanceTimersByTime(QUIET - 500);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(lines).toMatchObject([{ fields: { targets: 'broadcast', replies: 2, duration_ms: QUIET } }]);
    expect(lines[0]?.fields).not.toHaveProperty('missing');
  });

  it('keeps no names of those who answer a broadcast, which anybody may claim', () => {
    sent('a');
    const { home } = request('a');
    requestLog.replied(home, false, 'n1');
    const before = heapInUse();
    for (let n = 0; n < 300_000; n++) requestLog.replied(home, true, `stranger-${n}.example.net`);
    // All the names were more than 30 MB.
    expect(heapInUse() - before).toBeLessThan(10 * 1024 ** 2);
    vi.advanceTimersByTime(QUIET + 1_000);
    expect(lines).toMatchObject([{ fields: { targets: 'broadcast', replies: 1, errors: 300_000 } }]);
  });

  it('counts who is missing when a request’s time is up', () => {
    sent('a', directed('n1', 'n2', 'n3'));
    replied('a');
    vi.advanceTimersByTime(59_000);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(lines).toMatchObject([{ fields: { targets: 3, replies: 1, unheard: 2 } }]);
  });

  it('counts refused replies apart, and as replies that came', () => {
    sent('a', directed('n1', 'n2'));
    replied('a', true);
    replied('a');
    expect(lines).toMatchObject([{ fields: { replies: 1, errors: 1, unheard: 0 } }]);
  });

  it('writes replies to a request that another instance took on a line of their own', () => {
    replied('a');
    replied('a');
    vi.advanceTimersByTime(QUIET + 1_000);
    expect(lines).toMatchObject([
      {
        message: 'replies',
        fields: { flow: flowOf('a'), request_id: idOf('a'), replies: 2, taken_by: 'another instance' },
      },
    ]);
    expect(lines[0]?.fields).not.toHaveProperty('targets');
  });

  it('counts replies with a token of the version before, which names no flow, on a line of their own', () => {
    const { flow: _, ...home } = request('a').home;
    sent('a');
    requestLog.replied(home, false);
    requestLog.replied(home, false);
    vi.advanceTimersByTime(QUIET + 1_000);
    expect(lines).toMatchObject([
      { message: 'replies', fields: { request_id: idOf('a'), replies: 2, taken_by: 'another instance' } },
    ]);
    expect(lines[0]?.fields['flow']).toBeUndefined();
  });

  it('makes one line of a request that came in several messages', () => {
    sent('a', directed('n1', 'n2'));
    sent('a', directed('n3'));
    for (let n = 0; n < 3; n++) replied('a');
    expect(lines).toMatchObject([{ fields: { targets: 3, messages: 2, replies: 3, unheard: 0 } }]);
  });

  it('forgets the part of a request that could not be sent', () => {
    sent('a', directed('n1'));
    requestLog.forget(sent('a', directed('n2', 'n3')));
    replied('a');
    expect(lines).toMatchObject([{ fields: { targets: 1, replies: 1, unheard: 0 } }]);
  });

  it('forgets a request that could not be sent at all', () => {
    requestLog.forget(sent('a', directed('n1')));
    vi.advanceTimersByTime(120_000);
    expect(lines).toEqual([]);
    expect(requestLog.open).toBe(0);
  });

  it('writes up the oldest request to make room for a new one', () => {
    make(2);
    sent('a');
    sent('b');
    sent('c');
    expect(lines).toMatchObject([{ fields: { request_id: idOf('a'), replies: 0 } }]);
  });

  it('knows what is open, and when no more replies are to be expected', () => {
    expect(requestLog.open).toBe(0);
    expect(requestLog.isSettled(2_000)).toBe(true);
    sent('a', directed('n1'));
    expect(requestLog.open).toBe(1);
    expect(requestLog.isSettled(2_000)).toBe(false);
    replied('a');
    expect(requestLog.open).toBe(0);
    expect(requestLog.isSettled(2_000)).toBe(true);
  });

  it('expects replies to a broadcast until one came and then none for a while', () => {
    sent('a');
    vi.advanceTimersByTime(10_000);
    expect(requestLog.isSettled(2_000)).toBe(false);
    replied('a');
    vi.advanceTimersByTime(1_000);
    expect(requestLog.isSettled(2_000)).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(requestLog.isSettled(2_000)).toBe(true);
  });

  it('waits for the first reply to a broadcast of a slow agent', () => {
    sent('a');
    vi.advanceTimersByTime(30_000);
    expect(lines).toEqual([]);
    replied('a');
    vi.advanceTimersByTime(QUIET + 1_000);
    expect(lines).toMatchObject([{ message: 'request', fields: { replies: 1, duration_ms: 30_000 } }]);
  });

  it('calls a reply that comes after the line late, not another instance’s', () => {
    sent('a');
    replied('a');
    vi.advanceTimersByTime(QUIET + 1_000);
    replied('a');
    vi.advanceTimersByTime(QUIET + 1_000);
    expect(lines).toMatchObject([
      { message: 'request', fields: { replies: 1 } },
      { message: 'replies', fields: { request_id: idOf('a'), late: true, replies: 1 } },
    ]);
    expect(lines[1]?.fields).not.toHaveProperty('taken_by');
  });

  it('goes on calling replies to another instance’s request so, after a line of them', () => {
    for (let line = 0; line < 2; line++) {
      replied('a');
      vi.advanceTimersByTime(QUIET + 1_000);
    }
    expect(lines).toMatchObject([
      { message: 'replies', fields: { taken_by: 'another instance' } },
      { message: 'replies', fields: { taken_by: 'another instance' } },
    ]);
  });

  it('takes two replies of one node for one node that answered', () => {
    const { home } = request('a');
    sent('a', directed('n1', 'n2'));
    requestLog.replied(home, false, 'n1');
    requestLog.replied(home, false, 'n1');
    expect(lines).toEqual([]);
    requestLog.replied(home, false, 'n2');
    expect(lines).toMatchObject([{ fields: { targets: 2, replies: 3, unheard: 0 } }]);
  });

  it('writes up everything when it stops, and keeps no timer', () => {
    sent('a');
    sent('b', directed('n1'));
    requestLog.stop();
    expect(lines.map(({ fields }) => fields['request_id'])).toEqual([idOf('a'), idOf('b')]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps no timer while nothing is open', () => {
    sent('a');
    replied('a');
    vi.advanceTimersByTime(QUIET + 1_000);
    expect(lines).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
