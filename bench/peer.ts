import { setTimeout as sleep } from 'node:timers/promises';
import { collectiveSubject, federationSubject } from '../src/adapters/choria/wire/index.ts';
import type { Link } from '../src/transport/link.ts';
import { createNatsLink } from '../src/transport/nats/index.ts';
import { type Command, command, type Path, RECORDED, type Report } from './peer-messages.ts';
import { type SoakClient, soakClient, soakNodes } from './soak-roles.ts';
import {
  ALL_NODES,
  answered,
  CLUSTER,
  type Credentials,
  federated,
  MESSAGE_BYTES,
  node,
  REPLY_TO,
  relayed,
  signed,
} from './traffic.ts';

/** Run as a process: a client, or all nodes of a collective, on one connection of the bridge's own kind. */

/** More than this in the link's buffer, and the sender waits: else the buffer would be what is measured. */
const AHEAD = 1_000;
const TTL = 60_000;
const NODES = 1_000;
const RELAY = 'bench.relay';

const micros = (): number => Number(process.hrtime.bigint() / 1_000n);
const tell = (it: Report): void => void process.send?.(it);

let link: Link | undefined;
const connection = (): Link => {
  if (link === undefined) throw new Error('not connected yet');
  return link;
};

/** Messages whose time ran out on this side already. */
let expired = 0;

const open = async ({ server, tls, reconnect }: Extract<Command, { kind: 'connect' }>): Promise<Link> => {
  const opened = createNatsLink({
    servers: [server],
    name: 'bench',
    tls: { ...tls, verify: true },
    failFast: true,
    buffer: { maxMessages: 100_000, maxBytes: 1024 ** 3 },
    backoff: { initial: Math.max(1, reconnect), max: Math.max(1, reconnect) },
    onEvent: (event) => {
      if (event.kind === 'expired') expired += event.count;
      else if (event.kind === 'error' || (event.kind !== 'connected' && reconnect === 0))
        tell({ kind: 'failed', message: event.kind === 'error' ? String(event.error) : event.kind });
    },
  });
  await opened.open();
  return opened;
};

let credentials: Credentials | undefined;

const connect = async (command: Extract<Command, { kind: 'connect' }>): Promise<void> => {
  link = await open(command);
  credentials = command.tls;
  tell({ kind: 'connected' });
};

const countUpTo = async (messages: number): Promise<void> => {
  let seen = 0;
  const held = await connection().subscribe({
    destination: ALL_NODES,
    onMessage: ({ body }) => {
      if (body.length < MESSAGE_BYTES) throw new Error('a message came mutilated');
      if (++seen < messages) return;
      tell({ kind: 'counted', at: micros() });
      void held.unsubscribe();
    },
  });
  tell({ kind: 'counting' });
};

/** Sends one after the other; the clock starts once they are made. */
const paced = async (
  bodies: readonly Buffer[],
  send: (body: Buffer, expires: number) => void,
): Promise<void> => {
  const expires = Date.now() + TTL;
  tell({ kind: 'sending', at: micros() });
  for (const body of bodies) {
    send(body, expires);
    while (connection().state().buffered > AHEAD) await sleep(1);
  }
};

const publish = (groups: number, targets: number): Promise<void> => {
  const bodies = Array.from({ length: groups }, (_, n) => relayed(n, collectiveSubject(CLUSTER)));
  return paced(bodies, (body, expires) => {
    for (let i = 0; i < targets; i++) connection().send({ destination: node(i), body, expires });
  });
};

/** No client uses a request id twice. */
let made = 0;

const request = (requests: number, targets: number): Promise<void> => {
  const destination = federationSubject(CLUSTER);
  const bodies = Array.from({ length: requests }, (_, n) =>
    federated(
      made++,
      Array.from({ length: targets }, (_, i) => node((n + i) % NODES)),
    ),
  );
  return paced(bodies, (body, expires) => connection().send({ destination, body, expires }));
};

const answer = async (): Promise<void> => {
  await connection().subscribe({
    destination: ALL_NODES,
    onMessage: ({ body, destination }) => {
      const { replyTo, reply } = answered(body, destination);
      connection().send({ destination: replyTo, body: reply, expires: Date.now() + TTL });
    },
  });
  tell({ kind: 'answering' });
};

/** What any broker between two servers costs at the least: the same hops, and nothing is looked at. */
const relay = async (command: Extract<Command, { kind: 'relay' }>): Promise<void> => {
  const [here, there] = [connection(), await open({ ...command, kind: 'connect', reconnect: 0 })];
  const expires = Date.now() + 60 * TTL;
  const last = (subject: string): number => Number(subject.slice(subject.lastIndexOf('.') + 1));
  await here.subscribe({
    destination: `${RELAY}.request.*`,
    onMessage: ({ destination, body }) =>
      there.send({ destination: node(last(destination) % NODES), body, expires }),
  });
  await there.subscribe({
    destination: `${RELAY}.reply.*`,
    onMessage: ({ destination, body }) =>
      here.send({ destination: `${REPLY_TO}.${last(destination)}`, body, expires }),
  });
  tell({ kind: 'relaying' });
};

interface Sent {
  readonly destination: string;
  readonly body: Buffer;
}

const provable = (cluster: string, n: number): Sent => {
  if (credentials === undefined) throw new Error('not connected yet');
  const body = signed(n, cluster, node(n % NODES), credentials);
  return { destination: federationSubject(cluster), body };
};

const requestThrough: Readonly<Record<Path, (n: number) => Sent>> = {
  verified: (n) => provable('verified', n),
  audited: (n) => provable('audited', n),
  bridge: (n) => ({ destination: federationSubject(CLUSTER), body: federated(n, [node(n % NODES)]) }),
  recorded: (n) => ({ destination: federationSubject(RECORDED), body: federated(n, [node(n % NODES)]) }),
  relay: (n) => ({ destination: `${RELAY}.request.${n}`, body: relayed(n, `${RELAY}.reply.${n}`) }),
  server: (n) => ({ destination: node(n % NODES), body: relayed(n, `${REPLY_TO}.${n}`) }),
};

/** Requests that were measured so far: no client uses an id twice. */
let measured = 0;

/** One after the other by the clock, whether or not the one before has been answered. */
const measure = async ({
  through,
  requests,
  every,
}: Extract<Command, { kind: 'measure' }>): Promise<void> => {
  const taken: number[] = [];
  const sent = new Map<string, bigint>();
  const held = await connection().subscribe({
    destination: `${REPLY_TO}.>`,
    onMessage: ({ destination }) => {
      const since = sent.get(destination);
      if (since !== undefined) taken.push(Number(process.hrtime.bigint() - since) / 1_000);
    },
  });
  // Made before: a signature takes longer than what is measured.
  const from = measured;
  measured += requests;
  const prepared = Array.from({ length: requests }, (_, n) => requestThrough[through](from + n));
  const send = (n: number, one: Sent): void => {
    sent.set(`${REPLY_TO}.${from + n}`, process.hrtime.bigint());
    connection().send({ ...one, expires: Date.now() + TTL });
  };
  const started = performance.now();
  for (const [n, one] of prepared.entries()) {
    const wait = started + n * every - performance.now();
    if (wait > 0) await sleep(wait);
    send(n, one);
  }
  for (let i = 0; i < 2_000 && taken.length < requests; i++) await sleep(1);
  await held.unsubscribe();
  if (taken.length !== requests) throw new Error(`${requests - taken.length} requests were not answered`);
  tell({ kind: 'measured', micros: taken });
};

let soaking: SoakClient | undefined;

/** Floods to find out what is possible, or sends at a pace; then waits for the replies. */
const soak = async ({
  perSecond,
  seconds,
  ttl,
  settle,
}: Extract<Command, { kind: 'soak' }>): Promise<void> => {
  soaking ??= await soakClient(connection(), ttl);
  const started = performance.now();
  await soaking.send(perSecond, seconds);
  await soaking.settle(settle);
  tell({ kind: 'soaked', seconds: (performance.now() - started) / 1000 });
};

let sheet: Awaited<ReturnType<typeof soakNodes>> | undefined;

const soakAnswer = async (ttl: number): Promise<void> => {
  sheet = await soakNodes(connection(), ttl);
  tell({ kind: 'answering' });
};

const obey = async (it: Command): Promise<void> => {
  switch (it.kind) {
    case 'connect':
      return connect(it);
    case 'count':
      return countUpTo(it.messages);
    case 'publish':
      return publish(it.groups, it.targets);
    case 'request':
      return request(it.requests, it.targets);
    case 'answer':
      return answer();
    case 'relay':
      return relay(it);
    case 'measure':
      return measure(it);
    case 'soak':
      return soak(it);
    case 'soak-answer':
      return soakAnswer(it.ttl);
    case 'soak-sent':
      if (soaking !== undefined) tell({ kind: 'soak-sent', expired, ...soaking.sheet() });
      return;
    case 'soak-delivered':
      if (sheet !== undefined) tell({ kind: 'soak-delivered', ...sheet(it.requests) });
  }
};

process.on('message', (message) => {
  obey(command.parse(message)).catch((error: unknown) => tell({ kind: 'failed', message: String(error) }));
});
process.on('disconnect', () => process.exit());
