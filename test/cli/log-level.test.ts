import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { createLogging, type LogLevel } from '../../src/cli/logging.ts';
import { logOrder } from '../../src/cli/run/log-order.ts';
import { parseConfig } from '../../src/setup/load.ts';
import { MINIMAL } from '../config/sample.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const loadedAt = (level: LogLevel) =>
  parseConfig(`log: { level: ${level}, format: json }\n${MINIMAL}`, '/bridge.yaml', {}, BUILT_IN);

const logging = () => {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const made = createLogging(loadedAt('info'), {
    write: (line: string) => void lines.push(JSON.parse(line)),
  });
  const asker = { tell: () => undefined, gone: new AbortController().signal };
  const order = (asked: object): unknown => logOrder(made)({ order: 'log', ...asked }, asker);
  const reload = async (level: LogLevel): Promise<void> => {
    await (await made.follow(loadedAt(level))).commit();
  };
  return { ...made, lines, order, reload, state: () => made.levelState() };
};

const HOUR = 3600;

it('a level for a time ends with it, and each change is a line whatever the level', () => {
  const { order, state, lines, log } = logging();
  expect(order({ level: 'error', for: HOUR })).toEqual({ level: 'error', left: HOUR, after: 'info' });
  vi.advanceTimersByTime((HOUR - 1) * 1000);
  expect(state()).toEqual({ level: 'error', left: 1, after: 'info' });
  log.warn({ event: 'signal' }, 'not written');
  vi.advanceTimersByTime(1_000);
  expect(state()).toEqual({ level: 'info', left: null, after: null });
  expect(lines).toMatchObject([
    { event: 'log_level', from: 'info', to: 'error', for_s: HOUR },
    { event: 'log_level', from: 'error', to: 'info' },
  ]);
});

it('a further time begins anew, and ends with the level before the first', () => {
  const { order, state } = logging();
  order({ level: 'debug', for: HOUR });
  vi.advanceTimersByTime(1800 * 1000);
  order({ level: 'trace', for: HOUR });
  vi.advanceTimersByTime(1801 * 1000);
  expect(state()).toEqual({ level: 'trace', left: 1799, after: 'info' });
  vi.advanceTimersByTime(1799 * 1000);
  expect(state().level).toBe('info');
});

it.each<[string, (made: ReturnType<typeof logging>) => unknown, LogLevel]>([
  ['an order without a time', ({ order }) => order({ level: 'warn' }), 'warn'],
  ['SIGUSR2', ({ cycle }) => cycle('SIGUSR2'), 'trace'],
  ['a reload that has another level', ({ reload }) => reload('warn'), 'warn'],
  ['a reload that has this level', ({ reload }) => reload('debug'), 'debug'],
])('%s takes the place of a time, for good', async (_, other, expected) => {
  const made = logging();
  made.order({ level: 'debug', for: HOUR });
  await other(made);
  expect(made.state()).toEqual({ level: expected, left: null, after: null });
  vi.advanceTimersByTime(2 * HOUR * 1000);
  expect(made.state().level).toBe(expected);
});

it('a reload that leaves the level as it was leaves the time too', async () => {
  const { order, reload, state } = logging();
  order({ level: 'debug', for: HOUR });
  await reload('info');
  expect(state()).toEqual({ level: 'debug', left: HOUR, after: 'info' });
});

it.each([
  [{ level: 'loud' }],
  [{ level: 'debug', for: 0 }],
  [{ level: 'debug', for: 86_401 }],
  [{ for: 60 }],
])('an order %j is refused, and nothing changes', (asked) => {
  const { order, state } = logging();
  expect(() => order(asked)).toThrow(/level is one of|for goes with/);
  expect(state()).toEqual({ level: 'info', left: null, after: null });
});
