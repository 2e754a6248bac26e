import { expect, it } from 'vitest';
import type { Refusal } from '../../../src/envelope/observer.ts';
import { LastRefusals } from '../../../src/telemetry/status/refusals.ts';

const START = 1_800_000_000_000;

const keeping = () => {
  const clock = { now: START };
  const refusals = new LastRefusals(() => clock.now);
  const refuse = (part: Partial<Refusal> = {}): void => {
    clock.now += 1_000;
    refusals.refused({ code: 'expired', stage: 'request_in', context: {}, sentence: 'too late', ...part });
  };
  return { refusals, refuse };
};

it('of each reason the last few are kept, the newest first, and all are counted', () => {
  const { refusals, refuse } = keeping();
  refuse({ code: 'no_mapping', sentence: 'no rule', context: { caller: 'cert=eve', requestId: 'abc' } });
  for (let i = 1; i <= 1_000; i++) refuse({ sentence: `late ${i}` });
  expect(refusals.all()).toEqual([
    {
      reason: 'expired',
      count: 1_000,
      last: [1_000, 999, 998].map((i) => ({
        at: START + 1_000 + i * 1_000,
        stage: 'request_in',
        sentence: `late ${i}`,
      })),
    },
    {
      reason: 'no_mapping',
      count: 1,
      last: [
        {
          at: START + 1_000,
          stage: 'request_in',
          sentence: 'no rule',
          caller: 'cert=eve',
          request_id: 'abc',
        },
      ],
    },
  ]);
});

it('what strangers write is cut, and steers no terminal', () => {
  const { refusals, refuse } = keeping();
  refuse({
    sentence: `\u001b[2J${'x'.repeat(100_000)}`,
    context: { sender: 'a\nb\u202Ec', caller: 'y'.repeat(100_000), agent: '\u009b31m' },
  });
  const [one] = refusals.all()[0]?.last ?? [];
  expect(one?.sentence).toMatch(/^\\u\{1b\}\[2Jx+…$/);
  expect(one).toMatchObject({ sender: 'a\\u{a}b\\u{202e}c', agent: '\\u{9b}31m' });
  expect(JSON.stringify(refusals.all()).length).toBeLessThan(2_000);
});
