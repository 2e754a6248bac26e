import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { IncomingMessage, Link, OutgoingMessage } from '../src/transport/link.ts';
import { sealedReplies, sealedRequests } from '../test/support/burst.ts';
import {
  choriaReply,
  choriaRequests,
  LEGACY_REPLIES,
  legacyReply,
  legacyRequests,
} from './burst-messages.ts';
import { type BurstWorld, CLUSTER, SEALED, startBurstWorld, TRANSLATED } from './burst-world.ts';
import { type BenchResult, print } from './table.ts';

const REQUESTS = 1_000;
const TARGETS = 200;
const REPLIES = [15_000, 50_000] as const;
/** Paced: such a share of all, and no more than this, may be on its way before the next is sent. */
const AHEAD = { share: 0.02, most: 4_000 };
/** Ms without anything arriving after which the rest is lost. */
const SILENCE = 10_000;

/** Messages to send on a link, and what each is to become at the other end. */
interface Series {
  readonly label: string;
  readonly from: Link;
  readonly messages: readonly OutgoingMessage[];
  /** What arrives of it; a frame that names 200 nodes counts as one. */
  readonly to: Link;
  readonly at: readonly string[];
  readonly total: number;
}

interface Outcome {
  readonly delivered: number;
  readonly perSecond: number;
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
      if (performance.now() - seen.last > SILENCE) break;
      await sleep(1);
    }
  }
  while (seen.count < total && (performance.now() - seen.last < SILENCE || from.state().buffered > 0))
    await sleep(10);
  await end();
  return { delivered: seen.count, perSecond: (seen.count / (seen.last - started)) * 1_000 };
};

/** Paced and at once, each before a bridge of its own. */
const measure = async (world: BurstWorld, make: () => Series | Promise<Series>): Promise<BenchResult> => {
  const through = async (isPaced: boolean) => {
    const bridge = await world.bridge();
    try {
      const series = await make();
      const outcome = await run(series, isPaced);
      return { ...series, ...outcome, peak: bridge.peak() };
    } finally {
      await bridge.stop();
    }
  };
  const paced = await through(true);
  const { label, total, delivered, perSecond, peak } = await through(false);
  return {
    name: `(j) ${label}: at the other end a second`,
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

const count = (value: number): string => value.toLocaleString('en-US');
const fanOut = `${count(REQUESTS)} requests of ${TARGETS} targets`;
const sealedTo = { cluster: CLUSTER, collective: SEALED };

const requests = (world: BurstWorld): readonly (() => Series)[] => [
  () => ({
    label: `${fanOut}, sealed`,
    from: world.clients,
    messages: sealedRequests({ ...sealedTo, requests: REQUESTS, targets: TARGETS }),
    to: world.nodes,
    at: [`${SEALED}.node.>`],
    total: REQUESTS * TARGETS,
  }),
  () => ({
    // Names that the bridge has not heard of go out as one broadcast, which names them.
    label: `${fanOut}, Choria to legacy, as ${count(REQUESTS)} broadcasts that name them`,
    from: world.clients,
    messages: choriaRequests(world, REQUESTS, TARGETS),
    to: world.daemons,
    at: [`/topic/${TRANSLATED}.rpcutil.agent`],
    total: REQUESTS,
  }),
  () => ({
    label: `${fanOut}, legacy to Choria, as ${count(REQUESTS * TARGETS)} frames`,
    from: world.mco,
    messages: legacyRequests(world, REQUESTS, TARGETS),
    to: world.nodes,
    at: [`${TRANSLATED}.node.>`],
    total: REQUESTS * TARGETS,
  }),
];

/** What the bridge makes of one request to all. */
const broadcast = async (
  from: Link,
  [request]: readonly OutgoingMessage[],
  to: Link,
  destination: string,
): Promise<IncomingMessage> => {
  if (request === undefined) throw new Error('no request');
  let heard: (message: IncomingMessage) => void = () => undefined;
  const first = new Promise<IncomingMessage>((resolve) => {
    heard = resolve;
  });
  const held = await to.subscribe({ destination, onMessage: (message) => heard(message) });
  from.send(request);
  const message = await first;
  await held.unsubscribe();
  return message;
};

const replies = (world: BurstWorld, total: number): readonly (() => Series | Promise<Series>)[] => [
  () => ({
    label: `${count(total)} replies to one client, sealed`,
    from: world.nodes,
    messages: sealedReplies({ ...sealedTo, replies: total }),
    to: world.clients,
    at: [`${SEALED}.reply.>`],
    total,
  }),
  async () => {
    const topic = `/topic/${TRANSLATED}.rpcutil.agent`;
    const frame = await broadcast(world.clients, choriaRequests(world, 1, undefined), world.daemons, topic);
    const reply = await legacyReply(world, frame);
    return {
      label: `${count(total)} replies to one client, legacy to Choria`,
      from: world.daemons,
      messages: Array.from({ length: total }, () => reply),
      to: world.clients,
      at: [`${TRANSLATED}.reply.>`],
      total,
    };
  },
  async () => {
    const subject = `${TRANSLATED}.broadcast.agent.>`;
    const message = await broadcast(world.mco, legacyRequests(world, 1, undefined), world.nodes, subject);
    const reply = choriaReply(message);
    return {
      label: `${count(total)} replies to one client, Choria to legacy, each of them signed`,
      from: world.nodes,
      messages: Array.from({ length: total }, () => reply),
      to: world.mco,
      at: [LEGACY_REPLIES],
      total,
    };
  },
];

/** What comes all at once, beside the same at a pace: everything arrives, and memory is bounded. */
export const benchBurst = async (): Promise<readonly BenchResult[]> => {
  const world = await startBurstWorld();
  const results: BenchResult[] = [];
  try {
    const all = [...requests(world), ...REPLIES.flatMap((total) => replies(world, total))];
    for (const make of all) {
      const result = await measure(world, make);
      // It takes minutes: what is known already is worth seeing.
      console.error(result.name);
      results.push(result);
    }
    return results;
  } finally {
    await world.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const result of await benchBurst()) print(result);
