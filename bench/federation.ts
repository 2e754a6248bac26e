import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { startWorld, type World } from './federation-world.ts';
import { BLOCK, EVERY, inTurns, WARM_UP } from './latency.ts';
import { loopback } from './loopback.ts';
import { type Command, PATHS, type Peer } from './peer-messages.ts';
import { type BenchResult, median, percentile, print } from './table.ts';

/** Requests of many targets, and requests of one. */
const GROUPS = 500;
const TARGETS = 200;
const SINGLES = 5_000;
const ROUNDS = 9;
const BLOCKS = 10;

const MESSAGES = GROUPS * TARGETS;

/** From the first byte sent until the last message is there, the clock of the machine being one for all processes. */
const measure = async (sender: Peer, receiver: Peer, messages: number, send: Command): Promise<number> => {
  receiver.tell({ kind: 'count', messages });
  await receiver.hear('counting');
  sender.tell(send);
  const { at: from } = await sender.hear('sending');
  const { at: to } = await receiver.hear('counted');
  return (messages / (to - from)) * 1_000_000;
};

/** Processor time that a process has had, in µs: clock ticks of Linux, 100 a second, so only much of it says anything. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
};

interface Round {
  readonly straight: number;
  readonly groups: number;
  readonly singles: number;
  /** The bridge's processor time, in µs a message. */
  readonly groupCpu: number;
  readonly singleCpu: number;
  /** The processor time of who publishes straight, on a link of the bridge's own kind: what a message costs at the least. */
  readonly publisherCpu: number;
}

const startBenchWorld = (): Promise<World> =>
  startWorld({ logLevel: 'warn', buffer: { messages: 2 * MESSAGES, bytes: '1024MiB' } });

const throughput = async (world: World): Promise<readonly Round[]> => {
  const publisher = await world.peer(world.collective);
  const client = await world.peer(world.federation);
  const nodes = await world.peer(world.collective);
  const straight = () =>
    measure(publisher, nodes, MESSAGES, { kind: 'publish', groups: GROUPS, targets: TARGETS });
  const groups = () =>
    measure(client, nodes, MESSAGES, { kind: 'request', requests: GROUPS, targets: TARGETS });
  const singles = () => measure(client, nodes, SINGLES, { kind: 'request', requests: SINGLES, targets: 1 });
  const rounds: Round[] = [];
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    const cpu = [cpuOf(world.bridge.pid)];
    const published = cpuOf(publisher.pid);
    const timed = async (run: () => Promise<number>): Promise<number> => {
      const rate = await run();
      cpu.push(cpuOf(world.bridge.pid));
      return rate;
    };
    const round = {
      straight: await timed(straight),
      groups: await timed(groups),
      singles: await timed(singles),
    };
    const [, before = 0, between = 0, after = 0] = cpu;
    const groupCpu = (between - before) / MESSAGES;
    const singleCpu = (after - between) / SINGLES;
    const publisherCpu = (cpuOf(publisher.pid) - published) / MESSAGES;
    if (i >= WARM_UP) rounds.push({ ...round, groupCpu, singleCpu, publisherCpu });
  }
  for (const peer of [publisher, client, nodes]) peer.stop();
  return rounds;
};

const rows = (
  rounds: readonly Round[],
  which: 'groups' | 'singles',
  cpu: 'groupCpu' | 'singleCpu',
): BenchResult['rows'] => [
  {
    label: 'straight: publisher, server, subscriber',
    perSecond: median(rounds.map(({ straight }) => straight)),
  },
  {
    label: 'through the bridge',
    perSecond: median(rounds.map((round) => round[which])),
    // Of each round by itself: what else the machine does changes over minutes, less within a round.
    ratio: median(rounds.map((round) => round[which] / round.straight)),
  },
  {
    label: "the straight publisher's processor time, µs a message",
    perSecond: median(rounds.map(({ publisherCpu }) => publisherCpu)),
  },
  {
    label: "the bridge's processor time, µs a message, and of the publisher's",
    perSecond: median(rounds.map((round) => round[cpu])),
    ratio: median(rounds.map((round) => round[cpu] / round.publisherCpu)),
  },
];

/** How long a request and its reply take, in µs: blocks of all paths in turn. */
const latency = async (world: World): Promise<BenchResult> => {
  const taken = await inTurns(world, PATHS, BLOCKS);
  const byte = await loopback(BLOCK, EVERY);
  const lines = (share: number): BenchResult['rows'] => {
    const [server, bare, bridge] = [taken.server, taken.relay, taken.bridge].map((all) =>
      percentile(all, share),
    );
    const name = `p${share * 100}`;
    const [direct = 0, floor = 0, bridged = 0] = [server, bare, bridge];
    return [
      { label: `${name}: client and node on one server`, perSecond: direct },
      { label: `${name}: two servers, a bare relay between`, perSecond: floor },
      { label: `${name}: two servers, the bridge between`, perSecond: bridged },
      { label: `${name}: added to one server`, perSecond: bridged - direct },
      { label: `${name}: added to the bare relay`, perSecond: bridged - floor },
      { label: `${name}: one byte to another process and back`, perSecond: percentile(byte, share) },
    ];
  };
  return {
    name: `(f) A request and its reply, ${1000 / EVERY} a second, µs`,
    goal: 'added: p50 below 200, p99 below 2,000',
    rows: [...lines(0.5), ...lines(0.99)],
  };
};

const within = async <T>(measured: (world: World) => Promise<T>): Promise<T> => {
  const world = await startBenchWorld();
  try {
    return await measured(world);
  } finally {
    await world.stop();
  }
};

/** Choria to Choria over TLS with client certificates, one bridge process between two servers. */
export const benchFederation = async (): Promise<readonly BenchResult[]> => {
  const rounds = await within(throughput);
  return [
    {
      name: `(d) ${GROUPS} requests of ${TARGETS} targets, 3.5 KB, messages/s at the nodes`,
      goal: '0.80 of straight, 9 µs',
      rows: rows(rounds, 'groups', 'groupCpu'),
    },
    {
      name: `(e) ${SINGLES.toLocaleString('en-US')} requests of one target, 3.5 KB, messages/s at the nodes`,
      goal: '0.27 of straight',
      rows: rows(rounds, 'singles', 'singleCpu'),
    },
    // Another bridge: this one remembers many thousand requests that nobody answered.
    await within(latency),
  ];
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const result of await benchFederation()) print(result);
