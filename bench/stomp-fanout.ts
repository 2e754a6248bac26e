import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import stompit, { type Client } from 'stompit';
import { createMcollectiveStompEgress } from '../src/adapters/mcollective/stomp-egress.ts';
import { EMPTY_FILTER } from '../src/envelope/filter.ts';
import { SigningPool } from '../src/pki/signing-pool.ts';
import { toNodes } from '../src/testing/targets.ts';
import type { Link } from '../src/transport/link.ts';
import { createStompLink } from '../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../test/support/activemq.ts';
import { type BenchResult, median, print } from './table.ts';

/** One request to 200 nodes: as many frames, which share one body. */
const NODES = 200;
const FRAME_BYTES = 1200;
const FANOUTS = 50;
const WARM_UP = 3;
const ROUNDS = 9;

interface Sender {
  readonly label: string;
  /** Sends one request to all nodes; resolves when the next may follow. */
  fanOut(queue: string): Promise<void>;
  close(): Promise<void>;
}

const REPLY_TO = '/queue/mcollective.reply.bridge_prod.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';

const headersFor = (node: number): Readonly<Record<string, string>> => ({
  timestamp: '1795412083000',
  expires: `${Date.now() + 60_000}`,
  mc_sender: 'bridge.example.net',
  mc_identity: `node${node}.example.net`,
});

const headOf = (queue: string, node: number): string => {
  let head = `SEND\ndestination:${queue}\nreply-to:${REPLY_TO}\n`;
  for (const [name, value] of Object.entries(headersFor(node))) head += `${name}:${value}\n`;
  return head;
};

/** Each measurement has a collective, and so a queue, of its own. */
const queueOf = (collective: string): string => `/queue/${collective}.nodes`;
const collectiveOf = (queue: string): string => queue.slice('/queue/'.length, -'.nodes'.length);
const QUEUE = queueOf('bench1');

const body = Buffer.alloc(FRAME_BYTES - `${headOf(QUEUE, NODES)}content-length:900\n\n\0`.length, 'x');

const hello = async (broker: ActiveMq): Promise<Socket> => {
  const socket = connectSocket(broker.port, broker.host);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.write(
    `CONNECT\naccept-version:1.1\nhost:bench\nlogin:${broker.user}\npasscode:${broker.password}\n\n\0`,
  );
  await once(socket, 'data');
  return socket;
};

/** The measure of all: frames joined by hand into one write a request. */
const bareSender = async (broker: ActiveMq): Promise<Sender> => {
  const socket = await hello(broker);
  return {
    label: 'bare socket',
    fanOut: async (queue) => {
      const parts: Buffer[] = [];
      for (let node = 0; node < NODES; node++) {
        parts.push(
          Buffer.from(`${headOf(queue, node)}content-length:${body.length}\n\n`),
          body,
          Buffer.from('\0'),
        );
      }
      if (!socket.write(Buffer.concat(parts))) await once(socket, 'drain');
    },
    close: async () => void socket.destroy(),
  };
};

const openLink = async (broker: ActiveMq): Promise<Link> => {
  const link = createStompLink({
    servers: [broker],
    login: broker.user,
    passcode: broker.password,
    vhost: 'bench',
    clock: Date.now,
    onEvent: (event) => {
      if (event.kind !== 'connected') throw new Error(`unexpected: ${JSON.stringify(event)}`);
    },
  });
  await link.open();
  return link;
};

/** The spool is there to wait; only it should not be what is measured. */
const untilFlowing = async (link: Link): Promise<void> => {
  await turn();
  while (link.state().buffered > 5 * NODES) await sleep(1);
};

const linkSender = async (broker: ActiveMq): Promise<Sender> => {
  const link = await openLink(broker);
  return {
    label: 'mcbridge link',
    fanOut: async (queue) => {
      const expires = Date.now() + 60_000;
      for (let node = 0; node < NODES; node++)
        link.send({ destination: queue, replyTo: REPLY_TO, headers: headersFor(node), body, expires });
      await untilFlowing(link);
    },
    close: () => link.close(),
  };
};

const NODE_NAMES = Array.from({ length: NODES }, (_, node) => `node${node}.example.net`);

/** All that the egress does for a request: sign, make the reply token, send a frame to each node. */
const egressSender = async (broker: ActiveMq): Promise<Sender> => {
  const link = await openLink(broker);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const egress = createMcollectiveStompEgress({
    name: 'legacy',
    config: {
      serializer: 'marshal',
      // Marshal holds NULs, and the subscriber counts frames by theirs.
      base64: true,
      agentsMultiplex: false,
      priority: 0,
      directLimit: Number.MAX_SAFE_INTEGER,
      discovery: {},
      buffer: { messages: 10_000, bytes: Number.MAX_SAFE_INTEGER },
    },
    around: {
      identity: 'bridge.example.net',
      cluster: 'bench',
      collectives: [],
      maxMessageBytes: 1024 * 1024,
    },
    services: {
      link,
      tokenKey: createSecretKey(Buffer.alloc(32, 7)),
      nodes: { whereabouts: () => 'here' },
      pool: new SigningPool(),
      clock: Date.now,
    },
    signers: { signerFor: (callerId) => ({ callerId, key: privateKey }) },
    serverKeys: [publicKey],
  });
  let requests = 0;
  return {
    label: 'mcbridge egress: sign, token, base64, 2 KB frames',
    fanOut: async (queue) => {
      const id = (++requests).toString(16).padStart(32, '0');
      const collective = collectiveOf(queue);
      const time = Math.floor(Date.now() / 1000);
      const replyTo = `${collective}.reply.74ce5a833e16d4afa24ecbc90fff8506.${id}`;
      await egress.deliver({
        id,
        collective,
        agent: 'rpcutil',
        caller: 'cert=alice',
        sender: 'alice.mcollective',
        time: time * 1000,
        ttl: 60_000,
        filter: { ...EMPTY_FILTER, agent: ['rpcutil'] },
        targets: toNodes(NODE_NAMES),
        payload: { kind: 'rpc', action: 'ping', data: new Map([['process_results', true]]) },
        home: {
          ingress: 'federation',
          replyTo,
          requestId: id,
          agent: 'rpcutil',
          collective,
          dialect: 'ruby',
          expires: (time + 60) * 1000,
        },
      });
      await untilFlowing(link);
    },
    close: () => egress.close(),
  };
};

const stompitSender = async (broker: ActiveMq): Promise<Sender> => {
  const { host, port, user, password } = broker;
  const connectHeaders = { host: 'bench', login: user, passcode: password };
  const client = await new Promise<Client>((resolve, reject) => {
    stompit.connect({ host, port, connectHeaders }, (error, connected) => {
      if (error === null) resolve(connected);
      else reject(error);
    });
  });
  return {
    label: 'stompit',
    fanOut: (queue) =>
      new Promise((resolve) => {
        for (let node = 0; node < NODES; node++) {
          const own = { destination: queue, 'reply-to': REPLY_TO, 'content-length': `${body.length}` };
          const frame = client.send({ ...own, ...headersFor(node) });
          frame.write(body);
          frame.end(node === NODES - 1 ? resolve : undefined);
        }
      }),
    close: async () => client.destroy(),
  };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts frames by the NULs that end them: there are no others in what the broker sends here. */
const bareSubscriber = async (broker: ActiveMq, queue: string) => {
  const socket = await hello(broker);
  let frames = 0;
  let wanted = 0;
  let done: () => void = () => undefined;
  socket.on('data', (chunk) => {
    for (let at = chunk.indexOf(0); at !== -1; at = chunk.indexOf(0, at + 1)) frames++;
    if (frames >= wanted) done();
  });
  socket.write(`SUBSCRIBE\nid:0\ndestination:${queue}\nack:auto\nreceipt:ready\n\n\0`);
  await new Promise<void>((resolve) => {
    wanted = 1;
    done = resolve;
  });
  return {
    /** Resolves when so many more frames have come. */
    expect: (count: number): Promise<void> =>
      new Promise((resolve) => {
        wanted = frames + count;
        done = resolve;
      }),
    close: () => void socket.destroy(),
  };
};

let queues = 0;

/** Frames a second, from the first write until the subscriber has all of them. */
const measure = async (broker: ActiveMq, sender: Sender, fanOuts: number): Promise<number> => {
  const queue = queueOf(`bench${++queues}`);
  const subscriber = await bareSubscriber(broker, queue);
  const all = subscriber.expect(fanOuts * NODES);
  const started = performance.now();
  for (let i = 0; i < fanOuts; i++) await sender.fanOut(queue);
  await all;
  const seconds = (performance.now() - started) / 1000;
  subscriber.close();
  return (fanOuts * NODES) / seconds;
};

/** One request fanned out to 200 directed frames, through a real ActiveMQ to one bare subscriber. */
export const benchStompFanout = async (): Promise<BenchResult> => {
  const broker = await startActiveMq();
  try {
    const bare = await bareSender(broker);
    const senders = [bare, await egressSender(broker), await linkSender(broker), await stompitSender(broker)];
    // Java compiles while it runs: the first rounds do not count.
    for (let i = 0; i < WARM_UP; i++) for (const sender of senders) await measure(broker, sender, FANOUTS);
    const rounds: Map<Sender, number>[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const rates = new Map<Sender, number>();
      // Every second round in the other order, so that none is always the first.
      for (const sender of i % 2 === 0 ? senders : senders.toReversed())
        rates.set(sender, await measure(broker, sender, FANOUTS));
      rounds.push(rates);
    }
    for (const sender of senders) await sender.close();
    const rateOf = (round: Map<Sender, number>, sender: Sender) => round.get(sender) ?? Number.NaN;
    return {
      name: `(b) Fan-out of one request to ${NODES} STOMP frames of ${FRAME_BYTES} bytes through ActiveMQ, frames/s`,
      goal: '0.70 of a bare socket',
      rows: senders.map((sender) => ({
        label: sender.label,
        perSecond: Math.round(median(rounds.map((round) => rateOf(round, sender)))),
        // Of each round by itself: what else the machine does changes over minutes, less within a round.
        ratio: median(rounds.map((round) => rateOf(round, sender) / rateOf(round, bare))),
      })),
    };
  } finally {
    await broker.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(await benchStompFanout());
