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
/** The pace is known from less. */
const PACED = 0.2;
/** Paced: such a share of all, and no more than this, may be on its way before the next is sent. */
const AHEAD = { share: 0.02, most: 4_000 };
/** Ms without anything arriving after which the rest is lost. */
const SILENCE = 10_000;

/** Messages to send on a link, and what each is to become at the other end. */
interface Series {
  readonly from: Link;
  readonly messages: readonly OutgoingMessage[];
  /** What arrives of it; a frame that names 200 nodes counts as one. */
  readonly to: Link;
  readonly at: readonly string[];
  readonly total: number;
}

interface Burst {
  readonly label: string;
  /** How many requests or replies. */
  readonly size: number;
  make(world: BurstWorld, size: number): Series | Promise<Series>;
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

/** A fifth of it paced and all of it at once, each before a bridge of its own. */
const measure = async (world: BurstWorld, { label, size, make }: Burst): Promise<BenchResult> => {
  const through = async (isPaced: boolean) => {
    const bridge = await world.bridge();
    try {
      const series = await make(world, isPaced ? size * PACED : size);
      const outcome = await run(series, isPaced);
      return { total: series.total, ...outcome, peak: bridge.peak() };
    } finally {
      await bridge.stop();
    }
  };
  const paced = await through(true);
  const { total, delivered, perSecond, peak } = await through(false);
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

const requests: readonly Burst[] = [
  {
    label: `${fanOut}, sealed`,
    size: REQUESTS,
    make: ({ clients, nodes }, size) => ({
      from: clients,
      messages: sealedRequests({ ...sealedTo, requests: size, targets: TARGETS }),
      to: nodes,
      at: [`${SEALED}.node.>`],
      total: size * TARGETS,
    }),
  },
  {
    // Names that the bridge has not heard of go out as one broadcast, which names them.
    label: `${fanOut}, Choria to legacy, as ${count(REQUESTS)} broadcasts that name them`,
    size: REQUESTS,
    make: (world, size) => ({
      from: world.clients,
      messages: choriaRequests(world, size, TARGETS),
      to: world.daemons,
      at: [`/topic/${TRANSLATED}.rpcutil.agent`],
      total: size,
    }),
  },
  {
    label: `${fanOut}, legacy to Choria, as ${count(REQUESTS * TARGETS)} frames`,
    size: REQUESTS,
    make: (world, size) => ({
      from: world.mco,
      messages: legacyRequests(world, size, TARGETS),
      to: world.nodes,
      at: [`${TRANSLATED}.node.>`],
      total: size * TARGETS,
    }),
  },
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

const replies = (size: number): readonly Burst[] => [
  {
    label: `${count(size)} replies to one client, sealed`,
    size,
    make: ({ clients, nodes }, total) => ({
      from: nodes,
      messages: sealedReplies({ ...sealedTo, replies: total }),
      to: clients,
      at: [`${SEALED}.reply.>`],
      total,
    }),
  },
  {
    label: `${count(size)} replies to one client, legacy to Choria`,
    size,
    make: async (world, total) => {
      const topic = `/topic/${TRANSLATED}.rpcutil.agent`;
      const frame = await broadcast(world.clients, choriaRequests(world, 1, undefined), world.daemons, topic);
      const reply = await legacyReply(world, frame);
      return {
        from: world.daemons,
        messages: Array.from({ length: total }, () => reply),
        to: world.clients,
        at: [`${TRANSLATED}.reply.>`],
        total,
      };
    },
  },
  {
    label: `${count(size)} replies to one client, Choria to legacy, each of them signed`,
    size,
    make: async (world, total) => {
      const subject = `${TRANSLATED}.broadcast.agent.>`;
      const message = await broadcast(world.mco, legacyRequests(world, 1, undefined), world.nodes, subject);
      const reply = choriaReply(message);
      return {
        from: world.nodes,
        messages: Array.from({ length: total }, () => reply),
        to: world.mco,
        at: [LEGACY_REPLIES],
        total,
      };
    },
  },
];

const BURSTS: readonly Burst[] = [...requests, ...REPLIES.flatMap(replies)];

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
