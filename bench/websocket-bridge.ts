import { fork } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { createChoriaClient } from '../src/client/index.ts';
import { WebSocketClient } from '../src/public/websocket-client.ts';
import { COLLECTIVE } from './many-nodes.ts';
import { CLUSTER, type ManyWorld, startManyWorld } from './many-world.ts';
import { type BenchResult, interleave, median, print } from './table.ts';

const NODES = fileURLToPath(new URL('./websocket-nodes.js', import.meta.url));
const NODE = 'n0.example.net';
const CALLS = 400;
const ALONE = 200;
/** Calls that run at the same time, each in a session of its own. */
const AT_ONCE = 32;
const ROUNDS = 5;
const TIMEOUT_MS = 60_000;

type Ask = () => Promise<unknown>;

/** @returns calls a second */
const rateOf = async (ask: Ask): Promise<number> => {
  let left = CALLS;
  const since = performance.now();
  const askAll = async (): Promise<void> => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askAll));
  return (CALLS / (performance.now() - since)) * 1_000;
};

/** @returns µs that calls took, each alone */
const timesOf = async (ask: Ask): Promise<readonly number[]> => {
  const taken: number[] = [];
  for (let n = 0; n < ALONE; n++) {
    const since = performance.now();
    await ask();
    taken.push((performance.now() - since) * 1_000);
  }
  return taken;
};

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

/** The same call by three ways: Choria's client and the nodes alone, and by the bridge over NATS and by WebSocket. */
const waysOf = async (world: ManyWorld) => {
  const link = await world.connect();
  const { alice, issuer, web } = world;
  const choria = (federation: readonly string[]): Ask => {
    const client = createChoriaClient({
      identity: 'alice.mcollective',
      callerId: 'choria=alice.mcollective',
      privateKey: createPrivateKey(alice.privateKey),
      certificate: alice.certificate,
      ...{ dialect: 'go', collective: COLLECTIVE, federation, link, clock: Date.now },
    });
    return async () => {
      const { missing } = await client.rpc({
        ...{ agent: 'rpcutil', action: 'ping', nodes: [NODE], timeout: TIMEOUT_MS },
      });
      if (missing.length > 0) throw new Error('no answer over NATS');
    };
  };
  const sessions = Array.from(
    { length: AT_ONCE },
    () => new WebSocketClient({ url: web, token: () => issuer.token(), webSocket: WebSocket }),
  );
  let turn = 0;
  const webSocket: Ask = async () => {
    const client = sessions[turn++ % AT_ONCE];
    const call = await client?.call({
      ...{ collective: COLLECTIVE, agent: 'rpcutil', action: 'ping', targets: [NODE], ttl: 60 },
    });
    const { replies } = (await call?.collect()) ?? {};
    if (replies?.length !== 1) throw new Error('no answer by WebSocket');
  };
  const close = (): void => {
    for (const session of sessions) session.close();
  };
  return { straight: choria([]), nats: choria([CLUSTER]), webSocket, close };
};

const measure = async (world: ManyWorld): Promise<BenchResult> => {
  const { straight, nats, webSocket, close } = await waysOf(world);
  for (const ask of [straight, nats, webSocket]) await rateOf(ask);
  const taken = { straight: [] as number[], nats: [] as number[], webSocket: [] as number[] };
  const timed = (ask: Ask, into: number[]) => async () => {
    const times = await timesOf(ask);
    into.push(...times);
    return median(times);
  };
  const rates = await interleave(ROUNDS, {
    straight: () => rateOf(straight),
    nats: () => rateOf(nats),
    webSocket: () => rateOf(webSocket),
    straightTime: timed(straight, taken.straight),
    natsTime: timed(nats, taken.nats),
    webSocketTime: timed(webSocket, taken.webSocket),
  });
  close();
  const { straight: bare = 0, nats: overNats = 0, webSocket: byWeb = 0 } = rates;
  const lines = (share: number): BenchResult['rows'] => {
    const at = (values: readonly number[]): number => percentile(values, share);
    const name = `p${share * 100} alone, µs`;
    return [
      { label: `${name}: without a bridge`, perSecond: at(taken.straight) },
      { label: `${name}: over NATS by the bridge`, perSecond: at(taken.nats) },
      {
        label: `${name}: by WebSocket`,
        perSecond: at(taken.webSocket),
        ratio: at(taken.webSocket) / at(taken.nats),
      },
      { label: `${name}: a WebSocket adds to NATS`, perSecond: at(taken.webSocket) - at(taken.nats) },
    ];
  };
  return {
    name: `(p) Calls of one node through a whole bridge, ${AT_ONCE} at a time, nodes on a nats-server over TLS`,
    rows: [
      { label: "Choria's client and the node, without a bridge", perSecond: bare },
      { label: "Choria's client over NATS, by the bridge", perSecond: overNats, ratio: overNats / bare },
      { label: 'by WebSocket, by the bridge, which signs each', perSecond: byWeb, ratio: byWeb / overNats },
      ...lines(0.5),
      ...lines(0.99),
    ],
  };
};

/** (p) The same calls over NATS and by WebSocket, through the same bridge to the same nodes. */
export const benchWebSocketBridge = async (): Promise<BenchResult> => {
  const world = await startManyWorld();
  const nodes = fork(NODES, [JSON.stringify({ ...world.access, count: 1 })]);
  try {
    await once(nodes, 'message');
    return await measure(world);
  } finally {
    nodes.kill('SIGKILL');
    await world.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(await benchWebSocketBridge());
