import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DirectedSubscriptions } from '../../../src/adapters/mcollective/ingress/directed.ts';
import { namesSelector } from '../../../src/adapters/mcollective/ingress/selectors.ts';
import { LinkError } from '../../../src/transport/link.ts';
import { COLLECTIVE, clientFrame, fakeLink, makeResidents } from './ingress-world.ts';

const one = namesSelector(['n1']);
const both = namesSelector(['n1', 'n2']);
const all = namesSelector(['n1', 'n2', 'n3']);

const started = async (initial: readonly string[]) => {
  const link = fakeLink();
  const steps: string[] = [];
  const errors: unknown[] = [];
  let frames = 0;
  let refuse = false;
  const remoteNodes = makeResidents(initial);
  const subscriptions = new DirectedSubscriptions({
    link: {
      ...link,
      subscribe: async (subscription) => {
        if (refuse) throw new LinkError('refused', 'not now');
        const selector = subscription.headers?.['selector'] ?? '';
        steps.push(`+ ${selector}`);
        const { unsubscribe } = await link.subscribe(subscription);
        return {
          unsubscribe: async () => {
            steps.push(`- ${selector}`);
            await unsubscribe();
          },
        };
      },
    },
    collective: COLLECTIVE,
    remoteNodes,
    onMessage: () => void frames++,
    onError: (error) => void errors.push(error),
  });
  await subscriptions.start();
  return {
    link,
    steps,
    errors,
    remoteNodes,
    subscriptions,
    frames: () => frames,
    refuse: (now: boolean) => {
      refuse = now;
    },
  };
};

describe('the subscriptions of the directed queue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are none for nobody', async () => {
    expect((await started([])).steps).toEqual([]);
  });

  it('change once for a burst of news, and the new stands before the old goes', async () => {
    const { remoteNodes, steps } = await started(['n1']);
    remoteNodes.become(['n1', 'n2']);
    remoteNodes.become(['n1', 'n2', 'n3']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(steps).toEqual([`+ ${one}`, `+ ${all}`, `- ${one}`]);
  });

  it('change not at all for news that change nothing', async () => {
    const { remoteNodes, steps } = await started(['n1']);
    remoteNodes.become(['n1', 'n2']);
    remoteNodes.become(['n1']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(steps).toEqual([`+ ${one}`]);
  });

  it('end in a pause between frames, or after a while without one', async () => {
    const { remoteNodes, steps, link } = await started(['n1']);
    remoteNodes.become(['n1', 'n2']);
    for (let frames = 0; frames < 20; frames++) {
      await vi.advanceTimersByTimeAsync(50);
      link.deliver(clientFrame({ node: 'n1' }));
    }
    expect(steps).toEqual([`+ ${one}`, `+ ${both}`]);
    await vi.advanceTimersByTimeAsync(150);
    expect(steps).toEqual([`+ ${one}`, `+ ${both}`, `- ${one}`]);
    remoteNodes.become(['n1']);
    for (let frames = 0; frames < 60; frames++) {
      await vi.advanceTimersByTimeAsync(50);
      link.deliver(clientFrame({ node: 'n1' }));
    }
    expect(steps.slice(3)).toEqual([`+ ${one}`, `- ${both}`]);
  });

  it('follow news that come while they change', async () => {
    const { remoteNodes, steps, link } = await started(['n1']);
    remoteNodes.become(['n1', 'n2']);
    await vi.advanceTimersByTimeAsync(240);
    link.deliver(clientFrame({ node: 'n1' }));
    await vi.advanceTimersByTimeAsync(20);
    remoteNodes.become(['n1', 'n2', 'n3']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(steps).toEqual([`+ ${one}`, `+ ${both}`, `- ${one}`, `+ ${all}`, `- ${both}`]);
  });

  it('stand as they did where a change fails, which is reported and made good with the next news', async () => {
    const { remoteNodes, steps, errors, refuse } = await started(['n1']);
    refuse(true);
    remoteNodes.become(['n1', 'n2']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(steps).toEqual([`+ ${one}`]);
    expect(errors).toMatchObject([{ code: 'refused' }]);
    refuse(false);
    remoteNodes.become(['n1', 'n2']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(steps).toEqual([`+ ${one}`, `+ ${both}`, `- ${one}`]);
  });

  it('end in a pause when they are stopped, and hand over late frames', async () => {
    const { subscriptions, steps, link, frames } = await started(['n1']);
    const listeners = [...link.subscriptions];
    let isOver = false;
    const stopped = subscriptions.stop().then(() => {
      isOver = true;
    });
    for (let count = 0; count < 10; count++) {
      link.deliver(clientFrame({ node: 'n1' }));
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(steps).toEqual([`+ ${one}`]);
    await vi.advanceTimersByTimeAsync(60);
    expect(steps).toEqual([`+ ${one}`, `- ${one}`]);
    for (const { onMessage } of listeners) onMessage(clientFrame({ node: 'n1' }));
    expect(frames()).toBe(11);
    await vi.advanceTimersByTimeAsync(400);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    await stopped;
  });

  it('end when they are stopped, and change no more', async () => {
    const pending = await started(['n1']);
    pending.remoteNodes.become(['n1', 'n2']);
    const quiet = await started(['n1']);
    for (const { subscriptions, remoteNodes, steps } of [pending, quiet]) {
      const stopped = subscriptions.stop();
      await vi.advanceTimersByTimeAsync(5_000);
      await stopped;
      remoteNodes.become(['n1', 'n2', 'n3']);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(steps).toEqual([`+ ${one}`, `- ${one}`]);
    }
  });
});
