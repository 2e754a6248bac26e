import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RejectionCode } from '../../../src/envelope/rejection.ts';
import { createNatsLink } from '../../../src/transport/nats/index.ts';
import { type NatsServer, startNatsPair, startNatsServer } from '../../support/nats-server.ts';
import { makeBrokers } from '../brokers.ts';
import { makeIngress, until } from '../world.ts';
import { makeCollectiveEgress } from './collective/make-egress.ts';

const MESSAGES = 3_000;
const GO_WORKERS = 10;

let server: NatsServer;
let nats: NatsConnection;

beforeAll(async () => {
  server = await startNatsServer();
  nats = await connect({ servers: server.url });
});

afterAll(async () => {
  await nats.close();
  await server.stop();
});

const link = ({ url } = server) =>
  createNatsLink({
    servers: [url],
    name: 'bridge',
    buffer: { maxMessages: 1_000, maxBytes: 1024 ** 2 },
    onEvent: () => undefined,
  });

/** A broker of go-choria: ten members of the group. */
const startGoBroker = async (subject: string, queue: string, connection = nats) => {
  const taken = { count: 0 };
  for (let worker = 0; worker < GO_WORKERS; worker++)
    connection.subscribe(subject, { queue, callback: () => void taken.count++ });
  await connection.flush();
  return taken;
};

/** Publishes what no side can read, so that each message is counted where it ends. */
const shareOf = async (
  subject: string,
  go: { readonly count: number },
  refused: RejectionCode[],
  connection = nats,
) => {
  const before = { go: go.count, refused: refused.length };
  for (let i = 0; i < MESSAGES; i++) connection.publish(subject, 'no message');
  const taken = () => go.count - before.go + refused.length - before.refused;
  await until('all are taken', () => taken() >= MESSAGES);
  expect(taken()).toBe(MESSAGES);
  return (refused.length - before.refused) / MESSAGES;
};

// Of 3,000 messages a half is 1,500 ± 27; what is allowed is five times as much.
const isEven = (share: number): void => {
  expect(share).toBeGreaterThan(0.45);
  expect(share).toBeLessThan(0.55);
};

const SHARES = [
  ['as many subscriptions as a broker of go-choria', GO_WORKERS, isEven],
  // One of eleven is 273 ± 16 of 3,000.
  [
    'one subscription',
    1,
    (share: number): void => {
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.15);
    },
  ],
] as const;

describe.each(SHARES)('a bridge with %s', (_, subscriptions, check) => {
  it('gets that share of the requests to its cluster', async () => {
    const refused: RejectionCode[] = [];
    const cluster = `requests_${subscriptions}`;
    const subject = `choria.federation.${cluster}.federation`;
    const go = await startGoBroker(subject, `${cluster}_federation`);
    const ingress = makeIngress(makeBrokers(), { link: link(), cluster, subscriptions });
    await ingress.start({
      request: () => undefined,
      rejected: ({ code }) => void refused.push(code),
      foresee: () => undefined,
      ignored: () => undefined,
    });
    check(await shareOf(subject, go, refused));
    await ingress.drain();
    nats.publish(subject, 'nobody is left but go-choria');
    await until('it is taken', () => go.count + refused.length > MESSAGES);
    await ingress.close();
  });

  it('gets that share of the replies of nodes', async () => {
    const refused: RejectionCode[] = [];
    const cluster = `replies_${subscriptions}`;
    const subject = `choria.federation.${cluster}.collective`;
    const go = await startGoBroker(subject, `${cluster}_collective`);
    const egress = makeCollectiveEgress(link(), {
      homes: new Map([[cluster, 'federation']]),
      subscriptions,
    });
    await egress.start({ reply: () => undefined, rejected: ({ code }) => void refused.push(code) });
    check(await shareOf(subject, go, refused));
    await egress.close();
  });
});

describe('a bridge at one server of a cluster, beside a broker of go-choria at the other,', () => {
  let servers: readonly [NatsServer, NatsServer];
  let connections: readonly [NatsConnection, NatsConnection];

  beforeAll(async () => {
    servers = await startNatsPair();
    const [here, there] = servers;
    connections = await Promise.all([connect({ servers: here.url }), connect({ servers: there.url })]);
  });

  afterAll(async () => {
    await Promise.all(connections?.map((connection) => connection.close()) ?? []);
    await Promise.all(servers?.map((one) => one.stop()) ?? []);
  });

  /** Once a server sends what is published at one of them to a subscription at the other. */
  const untilRouted = async (subject: string, [from, to]: readonly [NatsConnection, NatsConnection]) => {
    let isThere = false;
    const subscription = to.subscribe(subject, {
      callback: () => {
        isThere = true;
      },
    });
    await until('the servers are a cluster', () => {
      from.publish(subject);
      return isThere;
    });
    subscription.unsubscribe();
  };

  it.each(SHARES)('gets its share with %s', async (_, subscriptions, check) => {
    const [here] = servers;
    const [client, remote] = connections;
    const cluster = `cluster_${subscriptions}`;
    const subject = `choria.federation.${cluster}.federation`;
    const refused: RejectionCode[] = [];
    const go = await startGoBroker(subject, `${cluster}_federation`, remote);
    const ingress = makeIngress(makeBrokers(), { link: link(here), cluster, subscriptions });
    await ingress.start({
      request: () => undefined,
      rejected: ({ code }) => void refused.push(code),
      foresee: () => undefined,
      ignored: () => undefined,
    });
    // Interest goes from server to server in the order in which it arose.
    await untilRouted(`after.${subscriptions}.a`, [client, remote]);
    await untilRouted(`after.${subscriptions}.b`, [remote, client]);
    // Whoever publishes at either server: neither prefers its own subscriptions.
    for (const publisher of connections) check(await shareOf(subject, go, refused, publisher));
    await ingress.close();
  });
});
