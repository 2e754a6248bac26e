import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ObservedCluster } from '../../../src/telemetry/observe/cluster.ts';
import { duration, formatView, timestamp } from '../../../src/telemetry/observe/format.ts';
import { viewObject } from '../../../src/telemetry/observe/json.ts';
import { crop, type Line, plain } from '../../../src/telemetry/observe/line.ts';
import { document, SAMPLE, SAMPLE_TABLE, type Synthetic } from './documents.ts';

const T0 = Date.UTC(2026, 10, 23, 5, 38, 43);

const zone = process.env['TZ'];
beforeAll(() => {
  process.env['TZ'] = 'UTC';
});
afterAll(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const viewOf = (documents: readonly Synthetic[], later = 0) => {
  const cluster = new ObservedCluster('production');
  for (const synthetic of documents) cluster.hear(document(synthetic), T0);
  return cluster.view(T0 + later);
};
const text = (lines: readonly Line[]): string => lines.map((line) => `${line.text}\n`).join('');
const tones = (lines: readonly Line[], tone: Line['tone']): readonly string[] =>
  lines.filter((line) => line.tone === tone).map((line) => line.text.trim());

describe('the table', () => {
  it('begins as that of mco federation observe', () => {
    const table = text(formatView(viewOf(SAMPLE)));
    expect(table.slice(0, SAMPLE_TABLE.length)).toBe(SAMPLE_TABLE);
  });

  it('goes on with rates and what the instances say of themselves', () => {
    const cluster = new ObservedCluster('production');
    const started = T0 / 1000 - 60;
    cluster.hear(document({ started, federation: [0, 0], collective: [0, 0] }), T0 - 10_000);
    cluster.hear(
      document({ started, federation: [533, 6192], collective: [6192, 533], lastMessage: T0 / 1000 - 5 }),
      T0,
    );
    cluster.hear(document({ instance: '2', started: 0 }), T0);
    const lines = text(formatView(cluster.view(T0))).split('\n');
    expect(lines.slice(lines.indexOf('Rates since the last document, messages a second')).join('\n')).toBe(
      `Rates since the last document, messages a second
                      Federation              Collective
            Received        Sent    Received        Sent
      1:        53.3       619.2       619.2        53.3
      2:           -           -           -           -
    all:        53.3       619.2       619.2        53.3

Instances:
    1: version 0.6.0, started 2026-11-23 05:37:43
       federation nats://federation.example.net:4222, last message 2026-11-23 05:38:38
       collective nats://collective.example.net:4222, last message 2026-11-23 05:38:38
    2: version 0.6.0, started unknown
       federation nats://federation.example.net:4222, no message yet
       collective nats://collective.example.net:4222, no message yet

Updated: 2026-11-23 05:38:43
`,
    );
  });

  it('writes names flush right', () => {
    const table = text(formatView(viewOf([{ instance: '1' }, { instance: 'broker10' }])));
    expect(table).toContain('\n           1: Received: 0 (0.0%) Sent: 0 (0.0%)\n');
    expect(table).toContain('\n    broker10: Received: 0 (0.0%) Sent: 0 (0.0%)\n');
  });

  it('marks what is stale wherever it appears', () => {
    expect(tones(formatView(viewOf([{}], 42_000)), 'alarm')).toEqual([
      '1: Received: 0 (0.0%) Sent: 0 (0.0%) stale',
      '1: Received: 0 (0.0%) Sent: 0 (0.0%) stale',
      expect.stringMatching(/^1: version 0\.6\.0, started .* {2}STALE: silent for 42 s$/),
    ]);
  });

  it('marks a restart, a bad status and links that are down', () => {
    const bridge = { identity: 'b', links: [{ name: 'legacy', up: false, reason: 'refused' }] };
    const first = { federation: [9, 9] as const, bridge };
    const lines = formatView(viewOf([first, { bridge, status: 'CRITICAL' }]));
    expect(text(lines)).toMatch(/^ +1:( +-){4} {2}restarted$/m);
    expect(tones(lines, 'alarm')).toEqual([
      expect.stringMatching(/, status CRITICAL$/),
      'link legacy is down: refused',
    ]);
  });

  it('shows refused messages with their reasons, the most frequent first', () => {
    const bridge = { identity: 'b', rejected: { loop: 1, no_mapping: 3, expired: 0 }, expired: 2 };
    expect(text(formatView(viewOf([{ bridge }])))).toContain(
      'rejected 4 (no_mapping 3, loop 1), expired 2\n',
    );
    expect(text(formatView(viewOf([{ bridge: { identity: 'b' } }])))).toContain('rejected 0, expired 0\n');
    expect(text(formatView(viewOf([{}])))).not.toContain('rejected');
  });
});

describe('a view as JSON', () => {
  it('has times in ISO 8601 and durations in seconds', () => {
    expect(viewObject(viewOf([{ started: T0 / 1000, lastMessage: T0 / 1000 }], 1500))).toMatchObject({
      cluster: 'production',
      at: '2026-11-23T05:38:44.500Z',
      interval: 10,
      federation: { received: 0, sent: 0, rates: null, instances: [{ name: '1' }] },
      instances: [
        {
          name: '1',
          started: '2026-11-23T05:38:43.000Z',
          silent: 1.5,
          interval: 10,
          connections: {
            federation: {
              server: 'nats://federation.example.net:4222',
              lastMessage: '2026-11-23T05:38:43.000Z',
            },
          },
        },
      ],
    });
  });
});

describe('lines on a terminal', () => {
  const lines = ['one', 'two', 'three'].map((it) => plain(it));

  it('are cut off at its right', () => {
    expect(text(crop(lines, 4, 9))).toBe('one\ntwo\nthr…\n');
  });

  it('say what is missing below', () => {
    expect(text(crop(lines, 80, 2))).toBe(
      'one\n… 2 more lines: enlarge the terminal, or choose with --instance\n',
    );
    expect(crop(lines, 80, 3)).toEqual(lines);
  });
});

it('writes times as Ruby does', () => {
  expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02 03:04:05');
});

it.each([
  [0, '0 s'],
  [119_000, '119 s'],
  [180_000, '3 min'],
  [7_200_000, '2 h'],
])('writes %d ms as %s', (ms, written) => {
  expect(duration(ms)).toBe(written);
});
