import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { WebSocket } from 'ws';
import { WebSocketClient } from '../src/public/websocket-client.ts';
import { startNatsServer } from '../test/support/nats-server.ts';
import { makeAuthority } from '../test/support/pki.ts';
import { AUDIENCE, makeTokenIssuer } from '../test/support/web-tokens.ts';
import { benchBrowser } from './browser.ts';
import { type BenchResult, interleave, median, print } from './table.ts';
import { benchWebSocketBridge } from './websocket-bridge.ts';
import { MANY, MANY_REPLIES, SUBJECT } from './websocket-words.ts';

const PEER = fileURLToPath(new URL('./websocket-peer.js', import.meta.url));
const CALLS = 2_000;
/** Calls that run at the same time, where it is asked how many there can be. */
const AT_ONCE = 32;
const ROUNDS = 7;
const IDLE = 5_000;
/** Upgrades at the same time: there are 64 strangers at most. */
const KNOCKING = 32;
const MiB = 1024 ** 2;

const issuer = makeTokenIssuer('https://login.example.net');
const CALL = { collective: 'mcollective', agent: 'rpcutil', action: 'ping', targets: ['n1.example.net'] };

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

/** The ingress, in a process of its own. */
interface Served {
  readonly url: string;
  memory(): Promise<Memory>;
  stop(): void;
}

const serve = async (
  nats: string,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Served> => {
  const order = {
    nats,
    jwks: issuer.jwks,
    issuer: issuer.issuer,
    audience: AUDIENCE,
    sessions: IDLE + AT_ONCE,
    tls,
  };
  const child = fork(PEER, [JSON.stringify(order)], { execArgv: ['--expose-gc'] });
  const [{ url }] = await once(child, 'message');
  return {
    url,
    memory: async () => {
      child.send('memory');
      const [memory] = await once(child, 'message');
      return memory;
    },
    stop: () => void child.kill('SIGKILL'),
  };
};

const clientOf = ({ url }: Served, window = 100): WebSocketClient =>
  new WebSocketClient({ url, token: () => issuer.token(), webSocket: WebSocket, window });

/** @returns calls a second */
const rateOf = async (ask: () => Promise<unknown>): Promise<number> => {
  let left = CALLS;
  const since = performance.now();
  const askAll = async (): Promise<void> => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askAll));
  return (CALLS / (performance.now() - since)) * 1_000;
};

/** @returns µs that a call takes when no other runs: the median of many */
const latencyOf = async (ask: () => Promise<unknown>): Promise<number> => {
  const taken: number[] = [];
  for (let n = 0; n < CALLS / 4; n++) {
    const since = performance.now();
    await ask();
    taken.push((performance.now() - since) * 1_000);
  }
  return median(taken);
};

const calls = async (served: Served, server: string): Promise<BenchResult> => {
  // A session says 200 messages a second, so there is one for each call of those that run.
  const clients = Array.from({ length: AT_ONCE }, () => clientOf(served));
  let turn = 0;
  const nats = await connect({ servers: server });
  const body = JSON.stringify(CALL);
  const overNats = () => nats.request(SUBJECT, body, { timeout: 60_000 });
  const overWebSocket = async () => (await clients[turn++ % AT_ONCE]?.call(CALL))?.collect();
  await rateOf(overNats);
  await rateOf(overWebSocket);
  const rates = await interleave(ROUNDS, {
    nats: () => rateOf(overNats),
    web: () => rateOf(overWebSocket),
    natsTime: () => latencyOf(overNats),
    webTime: () => latencyOf(overWebSocket),
  });
  for (const client of clients) client.close();
  await nats.close();
  const { nats: bare = 0, web = 0, natsTime = 0, webTime = 0 } = rates;
  return {
    name: `(l) Calls of one node, answered at once, ${AT_ONCE} sessions; nothing behind the ingress`,
    rows: [
      { label: 'request and reply over NATS, through its server', perSecond: bare },
      { label: 'rpc.call, its answer, its reply and rpc.done', perSecond: web, ratio: web / bare },
      { label: 'µs one takes alone, over NATS: p50', perSecond: natsTime },
      { label: 'µs one takes alone, over a WebSocket: p50', perSecond: webTime, ratio: webTime / natsTime },
      { label: 'µs that are added', perSecond: webTime - natsTime },
    ],
  };
};

const replies = async (served: Served): Promise<BenchResult> => {
  const client = clientOf(served, 1_000);
  const ask = async (): Promise<number> => {
    const since = performance.now();
    const call = await client.call({ collective: 'mcollective', agent: MANY, action: 'ping', ttl: 60 });
    let count = 0;
    for await (const one of call) {
      if (one.kind === 'gap') throw new Error(`${one.missed} replies were dropped`);
      if (++count === MANY_REPLIES) break;
    }
    const rate = (count / (performance.now() - since)) * 1_000;
    await call.cancel();
    return rate;
  };
  await ask();
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rates.push(await ask());
  const { heapUsed, rss } = await served.memory();
  globalThis.gc?.();
  const own = process.memoryUsage().heapUsed;
  client.close();
  const rate = median(rates);
  return {
    name: `(m) ${MANY_REPLIES.toLocaleString('en-US')} replies of 200 bytes into one session, a window of 1,000`,
    goal: 'heap below 150 MiB',
    rows: [
      { label: 'replies a second, as the client takes them', perSecond: rate },
      { label: 'ms for all of them', perSecond: (MANY_REPLIES / rate) * 1_000 },
      { label: "the ingress's heap after that, MiB", perSecond: heapUsed / MiB },
      { label: "the ingress's resident memory, MiB", perSecond: rss / MiB },
      { label: "the client's heap, MiB", perSecond: own / MiB },
    ],
  };
};

const idle = async (served: Served, ca?: string): Promise<readonly [Memory, Memory]> => {
  const before = await served.memory();
  const headers = { authorization: `Bearer ${issuer.token()}` };
  const sockets: WebSocket[] = [];
  const knock = async (): Promise<void> => {
    while (sockets.length < IDLE) {
      const socket = new WebSocket(served.url, ['mcbridge.v1.json'], {
        headers,
        ...(ca !== undefined && { ca }),
      });
      sockets.push(socket);
      await once(socket, 'open');
    }
  };
  await Promise.all(Array.from({ length: KNOCKING }, knock));
  const after = await served.memory();
  for (const socket of sockets) socket.terminate();
  return [before, after];
};

const idleRows = (what: string, [before, after]: readonly [Memory, Memory]): BenchResult['rows'] => [
  { label: `${what}: resident memory more than without, MiB`, perSecond: (after.rss - before.rss) / MiB },
  { label: `${what}: of that in the heap, MiB`, perSecond: (after.heapUsed - before.heapUsed) / MiB },
];

/** (l) to (p) What the WebSocket ingress costs. */
export const benchWebSocket = async (): Promise<readonly BenchResult[]> => {
  const authority = makeAuthority('bench web CA');
  const { certificate, privateKey } = authority.issue({ commonName: 'bridge' });
  const server = await startNatsServer();
  const within = async <T>(
    measured: (served: Served) => Promise<T>,
    tls?: Parameters<typeof serve>[1],
  ): Promise<T> => {
    const served = await serve(server.url, tls);
    try {
      return await measured(served);
    } finally {
      served.stop();
    }
  };
  try {
    const first = await within((it) => calls(it, server.url));
    const second = await within(replies);
    const plain = await within((it) => idle(it));
    const secure = await within((it) => idle(it, authority.certificate), {
      cert: certificate,
      key: privateKey,
    });
    return [
      first,
      second,
      {
        name: `(n) ${IDLE.toLocaleString('en-US')} idle sessions`,
        goal: 'plain ones below 100 MB',
        rows: [...idleRows('plain', plain), ...idleRows('TLS', secure)],
      },
      await benchBrowser(),
      await benchWebSocketBridge(),
    ];
  } finally {
    await server.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const result of await benchWebSocket()) print(result);
