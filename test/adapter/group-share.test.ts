import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChoriaCollectiveEgress } from '../../src/adapter/choria-collective/egress.ts';
import type { RejectionCode } from '../../src/envelope/rejection.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { makeBrokers } from './brokers.ts';
import { MAX_BYTES, makeIngress, until } from './world.ts';

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

const link = () =>
  createNatsLink({
    servers: [server.url],
    name: 'bridge',
    buffer: { maxMessages: 1_000, maxBytes: 1024 ** 2 },
    onEvent: () => undefined,
  });

/** A broker of go-choria: ten members of the group. */
const startGoBroker = async (subject: string, queue: string) => {
  const taken = { count: 0 };
  for (let worker = 0; worker < GO_WORKERS; worker++)
    nats.subscribe(subject, { queue, callback: () => void taken.count++ });
  await nats.flush();
  return taken;
};

/** Publishes what no side can read, so that each message is counted where it ends. */
const shareOf = async (subject: string, go: { readonly count: number }, refused: RejectionCode[]) => {
  for (let i = 0; i < MESSAGES; i++) nats.publish(subject, 'no message');
  await until('all are taken', () => go.count + refused.length >= MESSAGES);
  expect(go.count + refused.length).toBe(MESSAGES);
  return refused.length / MESSAGES;
};

// Of 3,000 messages a half is 1,500 ± 27; what is allowed is five times as much.
const isEven = (share: number): void => {
  expect(share).toBeGreaterThan(0.45);
  expect(share).toBeLessThan(0.55);
};

describe.each([
  ['as many subscriptions as a broker of go-choria', GO_WORKERS, isEven],
  ['one subscription', 1, (share: number) => expect(share).toBeLessThan(0.15)],
])('a bridge with %s', (_, subscriptions, check) => {
  it('gets that share of the requests to its cluster', async () => {
    const refused: RejectionCode[] = [];
    const cluster = `requests_${subscriptions}`;
    const subject = `choria.federation.${cluster}.federation`;
    const go = await startGoBroker(subject, `${cluster}_federation`);
    const ingress = makeIngress(makeBrokers(), { link: link(), cluster, subscriptions });
    await ingress.start({
      request: () => undefined,
      rejected: ({ code }) => void refused.push(code),
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
    const egress = createChoriaCollectiveEgress({
      name: 'member',
      link: link(),
      homes: new Map([[cluster, 'federation']]),
      subscriptions,
      maxMessageBytes: MAX_BYTES,
      clock: Date.now,
    });
    await egress.start({ reply: () => undefined, rejected: ({ code }) => void refused.push(code) });
    check(await shareOf(subject, go, refused));
    await egress.close();
  });
});
