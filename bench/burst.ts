import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Link } from '../src/transport/link.ts';
import { type BurstWorld, startBurstWorld } from './burst-world.ts';
import { BURSTS, type Burst, type Series } from './bursts.ts';
import { type BenchResult, print } from './table.ts';

/** The pace is known from less. */
const PACED = 0.2;
/** Paced: such a share of all, and no more than this, may be on its way before the next is sent. */
const AHEAD = { share: 0.1, most: 4_000 };
/** Ms without anything arriving after which the rest is lost. */
const SILENCE_MS = 60_000;

interface Outcome {
  readonly delivered: number;
  readonly perSecond: number;
}

/** What came of a burst through a bridge of its own. */
export interface Passage extends Outcome {
  readonly total: number;
  /** The most resident memory that the bridge had, in MiB. */
  readonly peak: number;
}

/** Subscribes once for all series; nobody takes what comes in between. */
const counter = async (link: Link, destinations: readonly string[]) => {
  const seen = { count: 0, last: 0 };
  const onMessage = (): void => {
    seen.count++;
    seen.last = performance.now();
  };
  const held = await Promise.all(
    destinations.map((destination) => link.subscribe({ destination, onMessage })),
  );
  return { seen, end: () => Promise.all(held.map((one) => one.unsubscribe())) };
};

const run = async ({ from, to, at, messages, total }: Series, isPaced: boolean): Promise<Outcome> => {
  const { seen, end } = await counter(to, at);
  const ratio = total / messages.length;
  const ahead = Math.min(AHEAD.most, total * AHEAD.share);
  const started = performance.now();
  seen.last = started;
  for (const [n, message] of messages.entries()) {
    from.send(message);
    while (isPaced && (n * ratio - seen.count > ahead || from.state().buffered > ahead)) {
      if (performance.now() - seen.last > SILENCE_MS) break;
      await sleep(1);
    }
  }
  while (seen.count < total && (performance.now() - seen.last < SILENCE_MS || from.state().buffered > 0))
    await sleep(10);
  await end();
  return { delivered: seen.count, perSecond: (seen.count / (seen.last - started)) * 1_000 };
};

/** Sends a fifth of it at a pace, or all of it at once. */
export const pass = async (world: BurstWorld, { size, make }: Burst, isPaced: boolean): Promise<Passage> => {
  const bridge = await world.bridge();
  try {
    const series = await make(world, isPaced ? size * PACED : size);
    const outcome = await run(series, isPaced);
    return { total: series.total, ...outcome, peak: bridge.peak() };
  } finally {
    await bridge.stop();
  }
};

const measure = async (world: BurstWorld, burst: Burst): Promise<BenchResult> => {
  const paced = await pass(world, burst, true);
  const { total, delivered, perSecond, peak } = await pass(world, burst, false);
  return {
    name: `(j) ${burst.label}: at the other end a second`,
    goal: '1.00 of paced, 0 lost, memory below 300 MiB',
    rows: [
      { label: 'paced', perSecond: paced.perSecond },
      { label: 'at once', perSecond, ratio: perSecond / paced.perSecond },
      { label: 'paced: lost', perSecond: paced.total - paced.delivered },
      { label: 'at once: delivered', perSecond: delivered },
      { label: 'at once: lost', perSecond: total - delivered },
      { label: "the bridge's memory at most, MiB, paced", perSecond: paced.peak },
      { label: "the bridge's memory at most, MiB, at once", perSecond: peak },
    ],
  };
};

/**
 * What comes all at once, beside the same at a pace: everything arrives, and memory is bounded.
 * @param wanted only those whose label has one of these texts in it; all where there is none
 */
export const benchBurst = async (...wanted: readonly string[]): Promise<readonly BenchResult[]> => {
  const bursts = BURSTS.filter(
    ({ label }) => wanted.length === 0 || wanted.some((text) => label.includes(text)),
  );
  const world = await startBurstWorld();
  const results: BenchResult[] = [];
  try {
    for (const burst of bursts) {
      const result = await measure(world, burst);
      // It takes minutes: what is known already is worth seeing.
      console.error(`${new Date().toISOString()} ${result.name}`);
      results.push(result);
    }
    return results;
  } finally {
    await world.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const result of await benchBurst(...process.argv.slice(2))) print(result);
