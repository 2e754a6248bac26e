import { describe, expect, it } from 'vitest';
import { History } from '../../src/page/history.ts';
import { Latencies } from '../../src/page/latencies.ts';

const done = (duration: number, route: string | undefined = 'a → b', replies = 1) => ({
  route,
  replies,
  duration,
});

describe('latencies', () => {
  it('are of each route, of answered requests, within a time', () => {
    let now = 0;
    const latencies = new Latencies(() => now);
    latencies.requestDone(done(9_999));
    now = 100_000;
    for (let took = 1; took <= 100; took++) latencies.requestDone(done(took));
    latencies.requestDone(done(5, 'c → d'));
    latencies.requestDone(done(7, 'c → d', 0));
    latencies.requestDone({ ...done(7), route: undefined });
    expect(latencies.byRoute(60_000)).toEqual([
      { route: 'a → b', median: 51, p99: 100, requests: 100 },
      { route: 'c → d', median: 5, p99: 5, requests: 1 },
    ]);
    expect(latencies.all(60_000)).toMatchObject({ requests: 101, p99: 99 });
    now = 300_000;
    expect(latencies.byRoute(60_000)).toEqual([]);
  });

  it('remember so many of a route, the last ones', () => {
    const latencies = new Latencies(() => 0);
    for (let took = 0; took < 100_000; took++) latencies.requestDone(done(took));
    const [{ requests = 0, median = 0 } = {}] = latencies.byRoute(1);
    expect(requests).toBeLessThan(1_024);
    expect(median).toBeGreaterThan(99_000 - 1_024);
  });
});

describe('the last hour', () => {
  it('has rates and latencies, a point each ten seconds', () => {
    let now = 0;
    const counted = { requests: 100, replies: 200, refusals: 0 };
    const latencies = new Latencies(() => now);
    const history = new History(() => ({ ...counted }), latencies);
    expect(history.take(now)).toBeUndefined();
    now = 10_000;
    Object.assign(counted, { requests: 105, replies: 220, refusals: 1 });
    latencies.requestDone(done(40));
    expect(history.take(now)).toEqual({
      ...{ time: 10_000, requests: 0.5, replies: 2, refusals: 0.1, median: 40, p99: 40 },
    });
    now = 20_001;
    expect(history.take(now)).toMatchObject({ requests: 0, median: null, p99: null });
    for (let point = 1; point < 1_000; point++) history.take(now + point * 10_000);
    expect(history.samples()).toHaveLength(360);
  });

  it('leaves out what a clock that was set back would make of it', () => {
    const history = new History(() => ({ requests: 0, replies: 0, refusals: 0 }), new Latencies(() => 0));
    history.take(10_000);
    expect(history.take(5_000)).toBeUndefined();
    expect(history.take(15_000)).toMatchObject({ time: 15_000 });
  });
});
