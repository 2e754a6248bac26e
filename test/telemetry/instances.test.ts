import { describe, expect, it } from 'vitest';
import { Instances, saidBy } from '../../src/telemetry/instances.ts';
import { document } from './observe/documents.ts';

const started = () => {
  const clock = { now: 1_800_000_000_000 };
  return { clock, instances: new Instances({ instance: '1', interval: 10_000, clock: () => clock.now }) };
};

describe('the other instances of a cluster', () => {
  it('are unknown until each has had the time to say that it is there, and then there are none', () => {
    const { clock, instances } = started();
    instances.heard('1');
    expect(instances.others()).toBeUndefined();
    clock.now += 20_000;
    expect(instances.others()).toBe(0);
  });

  it('are those that were heard of late, this one left out', () => {
    const { clock, instances } = started();
    for (const name of ['1', '2', '3', '2']) instances.heard(name);
    expect(instances.others()).toBe(2);
    clock.now += 25_000;
    instances.heard('3');
    clock.now += 10_000;
    expect(instances.others()).toBe(1);
  });

  it('are at most a hundred: anybody may say that he is one', () => {
    const { instances } = started();
    for (let i = 0; i < 1_000; i++) instances.heard(`made up ${i}`);
    expect(instances.others()).toBe(100);
  });

  it('are told with what they said last, by their names', () => {
    const { clock, instances } = started();
    const said = saidBy(document({ instance: '3' }));
    instances.heard('3', said);
    instances.heard('2');
    clock.now += 1_000;
    instances.heard('3', { ...said, requests: 7 });
    expect(instances.all()).toEqual([
      { instance: '2', heard: clock.now - 1_000, said: undefined },
      { instance: '3', heard: clock.now, said: { ...said, requests: 7 } },
    ]);
    expect(said).toMatchObject({ version: expect.any(String), status: expect.any(String) });
  });
});
