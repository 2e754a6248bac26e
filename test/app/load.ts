import type { App } from '../../src/app/app.ts';
import type { About } from '../../src/envelope/observer.ts';
import { until } from '../adapters/world.ts';
import { type AppWorld, CHORIA_NODES, LEGACY_NODES, SECOND_NODES } from './world.ts';

/** Of each request that is mapped, who it leaves as. */
export const mappings = (app: App): About[] => {
  const all: About[] = [];
  app.observe({
    step: (step, _, about) => {
      if (step === 'request mapped') all.push(about());
    },
  });
  return all;
};

/** Requests in both directions, one after the other on several ways at once, until it is told to end. */
/** @param second whether the second legacy collective is asked too */
export const load = (world: AppWorld, second = true) => {
  let isOver = false;
  let toSecond = second;
  const counts = { asked: 0, expected: 0, toSecond: 0 };
  const answers: string[] = [];
  const ask = async (expected: readonly string[], work: () => Promise<readonly string[]>): Promise<void> => {
    counts.asked++;
    counts.expected += expected.length;
    const got = (await work()).toSorted();
    if (got.join() !== expected.join()) answers.push(`${got.join()} in the place of ${expected.join()}`);
  };
  const [l1 = ''] = LEGACY_NODES;
  const [c1 = ''] = CHORIA_NODES;
  const ways: (() => Promise<void>)[] = [
    () => ask(LEGACY_NODES, () => world.ask('mcollective', undefined, 2)),
    () => ask([l1], () => world.ask('mcollective', [l1], 1)),
    () => ask(CHORIA_NODES, () => world.mco(undefined, 2)),
    () => ask([c1], () => world.mco(c1, 1)),
    async () => {
      if (!toSecond) return;
      counts.toSecond++;
      await ask(SECOND_NODES, () => world.ask('second', undefined, 1));
    },
  ];
  const running = ways.map(async (way) => {
    while (!isOver) {
      await way();
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  return {
    counts,
    /** No more requests to the second legacy collective; those that are out are awaited. */
    leaveSecond: (): void => {
      toSecond = false;
    },
    end: async () => {
      isOver = true;
      await Promise.all(running);
      return answers;
    },
  };
};

export const some = (load: { counts: { asked: number } }, more: number): Promise<void> => {
  const goal = load.counts.asked + more;
  return until(`${more} more requests`, () => load.counts.asked >= goal);
};
