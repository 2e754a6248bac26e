import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { agreeHeartbeat, Heartbeat, tolerance } from '../../../src/transport/stomp/heartbeat.ts';

describe('what is agreed on', () => {
  test.each([
    ['the larger of both', { outgoing: 1000, incoming: 2000 }, '3000,500', { send: 1000, expect: 3000 }],
    ['the larger of both', { outgoing: 1000, incoming: 4000 }, '3000,5000', { send: 5000, expect: 4000 }],
    ['none where the broker has none', { outgoing: 1000, incoming: 1000 }, '0,0', { send: 0, expect: 0 }],
    ['none where we have none', { outgoing: 0, incoming: 0 }, '1000,1000', { send: 0, expect: 0 }],
    ['none where the broker says nothing', { outgoing: 1, incoming: 1 }, undefined, { send: 0, expect: 0 }],
    ['none where the broker says nonsense', { outgoing: 1, incoming: 1 }, '1000', { send: 0, expect: 0 }],
    ['something with spaces too', { outgoing: 1, incoming: 1 }, ' 10 , 20 ', { send: 20, expect: 10 }],
  ])('is %s (%j, %s)', (_, own, header, agreed) => {
    expect(agreeHeartbeat(own, header)).toEqual(agreed);
  });
});

describe('a heart-beat', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const started = (send: number, expected: number) => {
    const beat = vi.fn();
    const onSilence = vi.fn();
    const heartbeat = new Heartbeat({ send, expect: expected }, { beat, onSilence });
    heartbeat.start();
    return { heartbeat, beat, onSilence };
  };

  test('is sent in time, and not at all where none is agreed on', async () => {
    const { beat } = started(1000, 0);
    await vi.advanceTimersByTimeAsync(999);
    expect(beat.mock.calls.length).toBeGreaterThan(0);
    const none = started(0, 0);
    await vi.advanceTimersByTimeAsync(100_000);
    expect([none.beat.mock.calls.length, none.onSilence.mock.calls.length]).toEqual([0, 0]);
  });

  test('may be as late as ActiveMQ is, but a longer silence is told', async () => {
    const { heartbeat, onSilence } = started(0, 1000);
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(2100);
      heartbeat.heard();
    }
    expect(onSilence).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(tolerance(1000) + 1001);
    expect(onSilence).toHaveBeenCalled();
  });

  test('that waits unread behind a busy loop counts: the sockets have their turn first', async () => {
    vi.useRealTimers();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const { heartbeat, onSilence } = started(0, 1000);
    // The timer fires late; what it suspects is looked at once the sockets were read.
    vi.advanceTimersByTime(tolerance(1000) + 501);
    heartbeat.heard();
    await new Promise((resolve) => setImmediate(resolve));
    expect(onSilence).not.toHaveBeenCalled();
    vi.advanceTimersByTime(tolerance(1000) + 501);
    await new Promise((resolve) => setImmediate(resolve));
    expect(onSilence).toHaveBeenCalledOnce();
  });

  test('stops when told', async () => {
    const { heartbeat, beat, onSilence } = started(1000, 1000);
    heartbeat.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([beat.mock.calls.length, onSilence.mock.calls.length]).toEqual([0, 0]);
  });
});
