import { expect, it } from 'vitest';
import { Rates } from '../../../src/telemetry/status/rates.ts';

const START = 1_800_000_000_500;

const counting = () => {
  const clock = { now: START };
  const rates = new Rates(() => clock.now);
  const request = (count: number): void => {
    for (let i = 0; i < count; i++) rates.step('request received');
  };
  return { clock, rates, request };
};

it('a rate is over the time since counting began, where that is shorter than what it is over', () => {
  const { clock, rates, request } = counting();
  request(20);
  clock.now += 10_000;
  expect(rates.now().requests).toEqual({ minute: 2, five_minutes: 2 });
});

it('what is a minute ago counts for five minutes only, and then no more', () => {
  const { clock, rates, request } = counting();
  clock.now += 1_000_000;
  request(300);
  expect(rates.now().requests.minute).toBeCloseTo(300 / 59.5, 1);
  clock.now += 60_000;
  expect(rates.now().requests.minute).toBe(0);
  expect(rates.now().requests.five_minutes).toBeCloseTo(300 / 299.5, 2);
  clock.now += 240_000;
  expect(rates.now().requests).toEqual({ minute: 0, five_minutes: 0 });
});

it('requests, replies and refusals are counted apart, and other steps not at all', () => {
  const { clock, rates } = counting();
  for (const step of ['request received', 'reply received', 'reply received', 'request sent'] as const)
    rates.step(step);
  for (let i = 0; i < 3; i++) rates.refused();
  clock.now += 1_000;
  const { requests, replies, refusals } = rates.now();
  expect([requests.minute, replies.minute, refusals.minute]).toEqual([1, 2, 3]);
});

it('a clock that is set back counts what comes from then on', () => {
  const { clock, rates, request } = counting();
  clock.now += 1_000_000;
  request(7);
  clock.now -= 900_000;
  expect(rates.now().requests.minute).toBe(0);
  request(60);
  clock.now += 500;
  expect(rates.now().requests.minute).toBeGreaterThan(0.9);
});
