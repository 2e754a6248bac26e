import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decodeStats, type StatsDocument } from '../src/adapters/choria/wire/index.ts';
import { startWorld, type World } from './federation-world.ts';
import type { Peer } from './peer-messages.ts';
import { balance, type Outage } from './soak-balance.ts';
import { SOAK_TARGETS } from './soak-roles.ts';
import { median } from './table.ts';

/**
 * Ten minutes (or `--minutes`) at half of what is possible, with servers killed three times. Prints a balance sheet;
 * exit code 1 when it does not balance or when memory grows.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes >= 2 && minutes <= 120)) throw new Error('--minutes: 2 to 120');

const SECONDS = Math.round(minutes * 60);
const TTL = 10_000;
const SAMPLE_SECONDS = 5;
const PRINT_SECONDS = 30;
/** Longer than the ttl where the nodes are, so that requests expire; shorter where the client is, so that none does. */
const KILLS = [
  { server: 'collective', after: 0.1, down: 1.5 * TTL },
  { server: 'federation', after: 0.25, down: 3_000 },
  { server: 'collective', after: 0.5, down: 1.5 * TTL },
] as const;
/**
 * Nodes are back before the bridge is, whose first attempts are 0.25, 0.75, 1.75 and 3.75 s after a kill, and clients
 * after it, so that nothing is sent to where nobody listens yet.
 */
const RECONNECT = { nodes: 50, client: 5_500 };
/**
 * Shares of the time: what memory is after warm-up, and what it is at the end. A kill of either server is part of the
 * warm-up: what the bridge needs for what waits meanwhile, the heap does not give back at once.
 */
const EARLY = [0.35, 0.5] as const;
const LATE = [0.85, 1] as const;
const GROWTH = 1.2;
const PROBE = { warmUp: 3, rounds: 5, requests: 1_000, settle: 30_000 };

const statistics = async ({ http }: World): Promise<StatsDocument> =>
  decodeStats(Buffer.from(await (await fetch(`${http}/stats`)).arrayBuffer()));

const isReady = async ({ http }: World): Promise<boolean> => (await fetch(`${http}/readyz`)).status === 200;

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Requests a second that come home with all their replies. */
const probe = async (client: Peer): Promise<number> => {
  const rates: number[] = [];
  const { requests, settle } = PROBE;
  for (let i = 0; i < PROBE.warmUp + PROBE.rounds; i++) {
    client.tell({ kind: 'soak', perSecond: 1_000_000, seconds: requests / 1_000_000, ttl: TTL, settle });
    const { seconds } = await client.hear('soaked');
    if (i >= PROBE.warmUp) rates.push(requests / seconds);
  }
  return median(rates);
};

const kill = async (world: World, { server, down }: (typeof KILLS)[number]): Promise<Outage> => {
  const from = Date.now();
  await world[server].kill();
  await sleep(down);
  await world[server].restart();
  // The bridge notices the end of a connection at once, so it is not ready because it is connected again.
  while (!(await isReady(world))) await sleep(50);
  const to = Date.now();
  console.log(`  the ${server} server was killed; ready again after ${((to - from) / 1000).toFixed(1)} s`);
  return { server, from, to };
};

interface Sample {
  /** Share of the time that has passed. */
  readonly share: number;
  readonly mebibytes: number;
}

const watch = async (world: World, started: number, signal: AbortSignal): Promise<readonly Sample[]> => {
  const samples: Sample[] = [];
  for (let n = 1; !signal.aborted; n++) {
    await sleep(started + n * SAMPLE_SECONDS * 1000 - Date.now(), undefined, { signal }).catch(
      () => undefined,
    );
    const sample = {
      share: (Date.now() - started) / 1000 / SECONDS,
      mebibytes: residentMiB(world.bridge.pid),
    };
    samples.push(sample);
    if ((n * SAMPLE_SECONDS) % PRINT_SECONDS !== 0) continue;
    const { bridge, collective } = await statistics(world);
    const [route] = bridge?.routes ?? [];
    console.log(
      `${String(n * SAMPLE_SECONDS).padStart(5)} s  ${sample.mebibytes.toFixed(1).padStart(6)} MiB  ` +
        `targets ${route?.targets}  replies ${route?.replies.sent}  waiting ${collective.workQueue}  ` +
        `expired ${bridge?.expired}`,
    );
  }
  return samples;
};

const between = (samples: readonly Sample[], [from, to]: readonly [number, number]): number =>
  median(samples.filter(({ share }) => share >= from && share <= to).map(({ mebibytes }) => mebibytes));

const soak = async (world: World): Promise<boolean> => {
  const nodes = await world.peer(world.collective, { reconnect: RECONNECT.nodes });
  nodes.tell({ kind: 'soak-answer', ttl: 60_000 });
  await nodes.hear('answering');
  const client = await world.peer(world.federation, { reconnect: RECONNECT.client });
  const most = await probe(client);
  const pace = most / 2;
  console.log(
    `At most ${Math.round(most)} requests/s of ${SOAK_TARGETS} targets come home with all replies, which is ` +
      `${Math.round(most * SOAK_TARGETS)} deliveries/s; ${minutes} minutes at half of it.`,
  );

  const started = Date.now();
  const over = new AbortController();
  const watching = watch(world, started, over.signal);
  client.tell({ kind: 'soak', perSecond: pace, seconds: SECONDS, ttl: TTL, settle: 2 * TTL });
  const outages: Outage[] = [];
  for (const one of KILLS) {
    await sleep(started + one.after * SECONDS * 1000 - Date.now());
    outages.push(await kill(world, one));
  }
  await sleep(started + SECONDS * 1000 - Date.now());
  over.abort();
  const samples = await watching;
  await client.hear('soaked');

  client.tell({ kind: 'soak-sent' });
  const sent = await client.hear('soak-sent');
  nodes.tell({ kind: 'soak-delivered', requests: sent.at.length });
  const got = await nodes.hear('soak-delivered');
  const { bridge, federation } = await statistics(world);
  const [route] = bridge?.routes ?? [];
  const { lines, faults } = balance({
    ...sent,
    ...got,
    clientExpired: sent.expired,
    received: federation.received,
    requestsSent: route?.requests.sent ?? 0,
    targetsSent: route?.targets ?? 0,
    expired: bridge?.expired ?? 0,
    rejected: bridge?.rejected ?? new Map(),
    outages,
    pace,
  });
  console.log('\nBalance, in requests times targets');
  for (const { label, count } of lines)
    console.log(`  ${label.padEnd(52)} ${count.toLocaleString('en-US').padStart(12)}`);
  const [early, late] = [between(samples, EARLY), between(samples, LATE)];
  console.log(
    `\nResident memory: ${early.toFixed(1)} MiB after warm-up, ${late.toFixed(1)} MiB at the end, ` +
      `at most ${Math.max(...samples.map(({ mebibytes }) => mebibytes)).toFixed(1)} MiB`,
  );
  const problems = [...faults, ...(late > early * GROWTH ? ['memory grew by more than a fifth'] : [])];
  console.log(problems.length === 0 ? 'It balances.' : `It does not balance: ${problems.join('; ')}.`);
  return problems.length === 0;
};

const world = await startWorld({
  logLevel: 'warn',
  maxTtl: `${TTL / 1000}s`,
  buffer: { messages: 500_000, bytes: '4096MiB' },
});
try {
  if (!(await soak(world))) process.exitCode = 1;
} finally {
  await world.stop();
}
