import { expect, vi } from 'vitest';
import { ConfigError } from '../../src/config/problem.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';
import { until } from '../adapters/world.ts';
import type { Apps } from './apps.ts';
import { mappings } from './load.ts';
import { type AppWorld, CHORIA_NODES, configOf, LEGACY_NODES, type Parts, SECOND_NODES } from './world.ts';

/** Requests a second, as far as the machine makes them. */
const RATE = 500;
/** Requests that wait for their answers at once: a machine that is slower makes fewer. */
const MOST = 200;
const TICK = 5;

/** What a storm has asked so far. */
export interface StormCounts {
  readonly asked: number;
  /** Of them, of the second legacy collective. */
  readonly toSecond: number;
}

export interface StormReport extends StormCounts {
  /** What was not as it should be, each in words. */
  readonly wrong: readonly string[];
  /** Replies that had to come, and that have come. */
  readonly expected: number;
  readonly came: number;
  /** Those that have come more than once. */
  readonly twice: readonly string[];
  /** For how long it has asked. */
  readonly seconds: number;
}

/** Requests in both directions, directed and broadcast, by turns and at a rate, from this process or another one. */
export interface Storm {
  /** Has an answer of each Choria node, so that the bridge learns of it. */
  learn(): Promise<void>;
  begin(): Promise<void>;
  counts(): Promise<StormCounts>;
  /** Whether the second legacy collective is asked from now on. */
  askSecond(isAsked: boolean): Promise<void>;
  /** Asks no more. Resolves once all is answered or its time is over. */
  end(): Promise<StormReport>;
}

type Client = Pick<AppWorld, 'ask' | 'mco' | 'replies'>;

const doubledIn = (all: readonly string[]): readonly string[] => {
  const seen = new Set<string>();
  return all.filter((one) => seen.size === seen.add(one).size);
};

/** @param world whose clients ask, and whose nodes answer */
export const stormOf = (world: Client): Storm => {
  const counts = { asked: 0, expected: 0, open: 0, toSecond: 0 };
  const wrong: string[] = [];
  const [l1 = ''] = LEGACY_NODES;
  const [c1 = ''] = CHORIA_NODES;
  const ways: (readonly [nodes: readonly string[], ask: () => Promise<readonly string[]>])[] = [
    [LEGACY_NODES, () => world.ask('mcollective', undefined, 2)],
    [[l1], () => world.ask('mcollective', [l1], 1)],
    [CHORIA_NODES, () => world.mco(undefined, 2)],
    [[c1], () => world.mco(c1, 1)],
    [SECOND_NODES, () => world.ask('second', undefined, 1)],
  ];
  let hasSecond = true;
  let idle: () => void = () => undefined;
  const ask = async ([nodes, work]: (typeof ways)[number]): Promise<void> => {
    counts.open++;
    counts.asked++;
    counts.expected += nodes.length;
    try {
      const got = (await work()).toSorted();
      if (got.join() !== nodes.join()) wrong.push(`${got.join()} in the place of ${nodes.join()}`);
    } catch (error) {
      wrong.push(String(error));
    }
    counts.open--;
    if (counts.open === 0) idle();
  };
  let began = 0;
  let turn = 0;
  const more = (): void => {
    const due = ((performance.now() - began) * RATE) / 1000;
    while (counts.asked < due && counts.open < MOST) {
      const isSecond = turn % ways.length === ways.length - 1;
      const way = ways[turn++ % ways.length];
      if (way === undefined || (isSecond && !hasSecond)) continue;
      if (isSecond) counts.toSecond++;
      void ask(way);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    learn: async () => {
      counts.expected += (await world.mco(undefined, CHORIA_NODES.length)).length;
    },
    begin: async () => {
      began = performance.now();
      timer = setInterval(more, TICK);
    },
    counts: async () => ({ asked: counts.asked, toSecond: counts.toSecond }),
    askSecond: async (isAsked) => {
      hasSecond = isAsked;
    },
    end: async () => {
      clearInterval(timer);
      const seconds = (performance.now() - began) / 1000;
      if (counts.open > 0)
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
      const { asked, expected, toSecond } = counts;
      const { replies } = world;
      return {
        wrong,
        asked,
        expected,
        toSecond,
        came: replies.length,
        twice: doubledIn(replies),
        seconds,
      };
    },
  };
};

const broken = (): LoadedConfig => {
  throw new ConfigError([{ file: 'bridge.yaml', line: 1, column: 1, path: 'routes', message: 'is missing' }]);
};

/** What a file says before each reload, again and again; undefined: it cannot be used. */
const ROUNDS: readonly (Parts | undefined)[] = [
  { caller: 'bob' },
  undefined,
  { caller: 'bob', collectives: ['mcollective', 'extra'], second: false },
  { caller: 'alice', second: true },
  { change: (text) => text.replace('cluster: prod', 'cluster: other') },
];

/** Who is in a storm. */
export interface Fifty {
  readonly storm: Storm;
  readonly apps: Pick<Apps, 'app' | 'made' | 'closed'>;
  readonly at?: Pick<Parts, 'at'>;
  /** Requests for each reload, at least. */
  readonly each?: number;
}

/**
 * Fifty reloads in a row under load, of which two in five are refused and two add or remove a link: each request is answered by
 * each of its nodes once.
 */
export const fiftyReloads = async ({ storm, apps, at = {}, each = 10 }: Fifty): Promise<StormReport> => {
  let read = (): LoadedConfig => configOf(at);
  let hasSecond = true;
  const app = apps.app(configOf(at), { load: async () => read() });
  await app.start();
  // Learned from a reply, so that it can be asked alone.
  await storm.learn();
  await until('both nodes', () => app.nodes.snapshot()['choria']?.['office']?.length === 2);
  const mapped = mappings(app);
  let receivedForSecond = 0;
  app.observe({
    step: (step, _, about) => {
      if (step === 'request received' && about().collective === 'second') receivedForSecond++;
    },
  });
  await storm.begin();
  for (let i = 0; i < 50; i++) {
    const parts = ROUNDS[i % ROUNDS.length];
    read = parts === undefined ? broken : () => configOf({ ...at, ...parts });
    if (parts?.second === false && hasSecond) {
      hasSecond = false;
      await storm.askSecond(false);
      const { toSecond } = await storm.counts();
      // What comes in later goes by the new rules. What has come in waits for its answer still.
      await until('the requests', () => receivedForSecond === toSecond);
    }
    const { result, problems } = await app.reload(`round ${i}`);
    const isRefused = parts === undefined || parts.change !== undefined;
    expect({ result, problems }).toMatchObject({ result: isRefused ? 'refused' : 'ok' });
    if (parts?.second === true) {
      hasSecond = true;
      await storm.askSecond(true);
    }
    const goal = (await storm.counts()).asked + each;
    await vi.waitFor(async () => expect((await storm.counts()).asked).toBeGreaterThanOrEqual(goal));
  }
  const report = await storm.end();
  expect(report.wrong).toEqual([]);
  expect(report.asked).toBeGreaterThanOrEqual(50 * each);
  expect(report.toSecond).toBeGreaterThan(10);
  expect(report.twice).toEqual([]);
  expect(report.came).toBe(report.expected);
  expect(app.status().counts).toMatchObject({ rejected: {}, expired: 0 });
  expect(app.status().configuration.reloads).toEqual({ ok: 30, refused: 20 });
  expect(new Set(mapped.map(({ callerOut }) => callerOut))).toEqual(
    new Set(['cert=alice', 'cert=bob', 'choria=alice.mcollective']),
  );
  await app.stop();
  expect(apps.closed.toSorted()).toEqual(apps.made.toSorted());
  return report;
};
