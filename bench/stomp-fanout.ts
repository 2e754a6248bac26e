import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import stompit, { type Client } from 'stompit';
import type { OutgoingMessage } from '../src/transport/link.ts';
import { createStompLink } from '../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../test/support/activemq.ts';

/** One request to 200 nodes: as many frames, which share one body. */
const NODES = 200;
const FRAME_BYTES = 1200;
const FANOUTS = 50;
const ROUNDS = 5;

interface Sender {
  readonly label: string;
  /** Sends one request to all nodes; resolves when the next may follow. */
  fanOut(queue: string): Promise<void>;
  close(): Promise<void>;
}

const headersFor = (queue: string, node: number): Readonly<Record<string, string>> => ({
  destination: queue,
  'reply-to': '/queue/mcollective.reply.bridge_prod.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789',
  timestamp: '1795412083000',
  expires: `${Date.now() + 60_000}`,
  mc_sender: 'bridge.example.net',
  mc_identity: `node${node}.example.net`,
});

const body = Buffer.alloc(FRAME_BYTES - 300, 'x');

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
        let head = 'SEND\n';
        for (const [name, value] of Object.entries(headersFor(queue, node))) head += `${name}:${value}\n`;
        parts.push(Buffer.from(`${head}content-length:${body.length}\n\n`), body, Buffer.from('\0'));
      }
      if (!socket.write(Buffer.concat(parts))) await once(socket, 'drain');
    },
    close: async () => void socket.destroy(),
  };
};

const linkSender = async (broker: ActiveMq): Promise<Sender> => {
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
  return {
    label: 'mcbridge link',
    fanOut: async (queue) => {
      for (let node = 0; node < NODES; node++) {
        const { destination = '', 'reply-to': replyTo = '', ...headers } = headersFor(queue, node);
        const message: OutgoingMessage = {
          destination,
          replyTo,
          headers,
          body,
          expires: Date.now() + 60_000,
        };
        link.send(message);
      }
      await turn();
      while (link.state().buffered > 0) await turn();
    },
    close: () => link.close(),
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
          const frame = client.send({ ...headersFor(queue, node), 'content-length': `${body.length}` });
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

/** Frames a second, from the first write until the subscriber has all of them. */
const measure = async (broker: ActiveMq, sender: Sender, fanOuts: number): Promise<number> => {
  const queue = `/queue/mcollective.bench${process.hrtime.bigint()}`;
  const subscriber = await bareSubscriber(broker, queue);
  const all = subscriber.expect(fanOuts * NODES);
  const started = performance.now();
  for (let i = 0; i < fanOuts; i++) await sender.fanOut(queue);
  await all;
  const seconds = (performance.now() - started) / 1000;
  subscriber.close();
  return (fanOuts * NODES) / seconds;
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** One request fanned out to 200 directed frames, through a real ActiveMQ to one bare subscriber. */
export const benchStompFanout = async (): Promise<{
  name: string;
  rows: readonly { label: string; perSecond: number; ratio?: number }[];
}> => {
  const broker = await startActiveMq();
  try {
    const senders = [await bareSender(broker), await linkSender(broker), await stompitSender(broker)];
    const results = new Map(senders.map((sender) => [sender, [] as number[]]));
    // Java compiles while it runs: the first rounds do not count.
    for (let i = 0; i < 2; i++) for (const sender of senders) await measure(broker, sender, FANOUTS);
    for (let round = 0; round < ROUNDS; round++)
      for (const [sender, rates] of results) rates.push(await measure(broker, sender, FANOUTS));
    for (const sender of senders) await sender.close();
    const rows = senders.map((sender) => ({
      label: sender.label,
      perSecond: Math.round(median(results.get(sender) ?? [])),
    }));
    const base = rows[0]?.perSecond ?? Number.NaN;
    return {
      name: `fan-out of one request to ${NODES} STOMP frames of ${FRAME_BYTES} bytes, through ActiveMQ`,
      rows: rows.map((row) => ({ ...row, ratio: row.perSecond / base })),
    };
  } finally {
    await broker.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { name, rows } = await benchStompFanout();
  console.log(name);
  console.table(rows);
}
