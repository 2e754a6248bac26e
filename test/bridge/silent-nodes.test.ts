import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import { RequestLog } from '../../src/bridge/request-log.ts';
import { SilentNodes } from '../../src/bridge/silent-nodes.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { toNodes } from '../../src/testing/targets.ts';
import { type LogLine, recordingLog } from '../adapters/world.ts';

const START = 1_800_000_000_000;
const ROUTE = 'federation → legacy';
const MINUTE = 60_000;

const watch = () => {
  const lines: LogLine[] = [];
  const observer = new LogObserver({ log: recordingLog(lines), clock: Date.now });
  const silent = new SilentNodes({ tell: (silence) => observer.nodesSilent(silence), clock: Date.now });
  /** A request to nodes of which `n1` alone answers. */
  const ask = (nodes: readonly string[], answers = true): void => {
    const since = Date.now();
    vi.advanceTimersByTime(MINUTE);
    if (answers) silent.heard(ROUTE, 'n1');
    silent.unanswered(ROUTE, nodes, since);
  };
  const repeat = (times: number, work: () => void): void => {
    for (let time = 0; time < times; time++) work();
  };
  return { lines, silent, ask, repeat };
};

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a node that answers none of ten requests while another does', () => {
  it('is counted and named', () => {
    const { lines, silent, ask, repeat } = watch();
    repeat(9, () => ask(['n2']));
    expect(silent.count(ROUTE)).toBe(0);
    expect(lines).toEqual([]);
    ask(['n2']);
    expect(silent.count(ROUTE)).toBe(1);
    expect(lines).toMatchObject([{ level: 'warn', fields: { route: ROUTE, silent: 1, nodes: ['n2'] } }]);
  });

  it('is no more once it answers', () => {
    const { silent, ask, repeat } = watch();
    repeat(10, () => ask(['n2']));
    silent.heard(ROUTE, 'n2');
    expect(silent.count(ROUTE)).toBe(0);
    repeat(9, () => ask(['n2']));
    expect(silent.count(ROUTE)).toBe(0);
  });

  it('is no more when nobody has asked it for an hour', () => {
    const { silent, ask, repeat } = watch();
    repeat(10, () => ask(['n2']));
    vi.advanceTimersByTime(60 * MINUTE);
    expect(silent.count(ROUTE)).toBe(0);
  });

  it('is not told again within ten minutes', () => {
    const { lines, ask, repeat } = watch();
    repeat(19, () => ask(['n2']));
    expect(lines).toHaveLength(1);
    repeat(2, () => ask(['n2']));
    expect(lines).toHaveLength(2);
  });
});

describe('silent nodes', () => {
  it('are none where nobody answers', () => {
    const { lines, silent, ask, repeat } = watch();
    repeat(20, () => ask(['n2'], false));
    expect(silent.count(ROUTE)).toBe(0);
    expect(lines).toEqual([]);
  });

  it('are remembered up to a number, and named up to another', () => {
    const { lines, silent, ask, repeat } = watch();
    const names = Array.from({ length: 6_000 }, (_, index) => `made-up-${index}`);
    repeat(10, () => ask(names));
    expect(silent.count(ROUTE)).toBe(5_000);
    const nodes = lines[0]?.fields['nodes'];
    expect(nodes).toHaveLength(10);
  });

  it('are told of by the request log, when the ttl of their request ends', () => {
    const told: unknown[] = [];
    const requestLog = new RequestLog({
      onDone: () => undefined,
      clock: Date.now,
      capacity: 10,
      bytes: 1_000_000,
      quiet: 5_000,
      onUnanswered: (...about) => void told.push(about),
    });
    const request = requestAt(START / 1000, { targets: toNodes(['n1', 'n2']) });
    requestLog.sent(request, 'choria=alice.mcollective', ROUTE);
    requestLog.replied(request.home, false, 'n1');
    vi.advanceTimersByTime(MINUTE / 2);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(2 * MINUTE);
    expect(told).toEqual([[ROUTE, ['n2'], START]]);
    requestLog.stop();
  });
});
