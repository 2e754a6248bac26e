import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { namedNodes } from '../../../src/envelope/message.ts';
import { requestAt } from '../../../src/testing/egress-contract.ts';
import type { IncomingMessage, Link, OutgoingMessage } from '../../../src/transport/link.ts';
import { SharedLink } from '../../../src/transport/shared-link.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { stompLinkTo } from '../../support/stomp-link.ts';
import { startProxy, type TcpProxy } from '../../transport/stomp/proxy.ts';
import { makeBrokers } from '../brokers.ts';
import { replyTo } from '../daemon.ts';
import { makeEgress, tokenKey, until } from '../world.ts';
import {
  COLLECTIVE,
  clientFrame,
  type IngressOverrides,
  makeResidents,
  makeStompIngress,
  nextRequestId,
  recordingSink,
} from './ingress-world.ts';

// ActiveMQ has given messages to a subscription and could not write them yet when it ends: it gives them to another as well.

const NODES = Array.from({ length: 100 }, (_, index) => `n${index}.example.net`);
/** More than the sockets between a broker and its client hold. */
const FILLERS = 4;
const FILLER = Buffer.alloc(8 * 1024 * 1024);
const QUEUE = '/queue/bridge.{collective}';

let broker: ActiveMq;
let proxy: TcpProxy;
const links: Link[] = [];

beforeAll(async () => {
  broker = await startActiveMq();
});
afterAll(() => broker?.stop());

beforeEach(async () => {
  proxy = await startProxy(broker.port);
});
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await proxy.close();
});

const newLink = (through?: TcpProxy): Link => {
  const link = stompLinkTo({ ...broker, ...(through && { port: through.port }) });
  links.push(link);
  return link;
};

/** Sends what the broker has handled when it resolves. */
const sendAll = async (
  messages: readonly Pick<OutgoingMessage, 'destination' | 'headers' | 'body'>[],
): Promise<void> => {
  const link = newLink();
  await link.open();
  for (const message of messages) link.send({ ...message, expires: Date.now() + 60_000 });
  await link.close();
};

/** Two links, of which the second gets nothing any more; what is sent from now on waits for it in the broker. */
const twoLinks = async (): Promise<{ standing: Link; leaving: Link; clog(): Promise<void> }> => {
  const link = newLink(proxy);
  await link.open();
  const destination = `/queue/filler.${proxy.port}`;
  await link.subscribe({ destination, onMessage: () => undefined });
  const shared = new SharedLink(link);
  const [standing, leaving] = [newLink(), shared.lease()];
  await leaving.open();
  await shared.retire();
  return {
    standing,
    leaving,
    clog: async () => {
      proxy.hold();
      await sendAll(Array.from({ length: FILLERS }, () => ({ destination, body: FILLER })));
    },
  };
};

test('a reply that the broker gives to a link that ends, and to another, is handed over once', async () => {
  const { standing, leaving, clog } = await twoLinks();
  const world = makeBrokers();
  const replies: string[] = [];
  const sink = {
    reply: ({ sender }: { readonly sender: string }) => void replies.push(sender),
    rejected: (rejection: Error) => {
      throw rejection;
    },
  };
  const around = { tokenKey, clock: Date.now };
  const [stays, leaves] = [standing, leaving].map((link) => makeEgress(world, { ...around, link }));
  await Promise.all([stays?.start(sink), leaves?.start(sink)]);
  const asked: IncomingMessage[] = [];
  const listener = newLink();
  await listener.open();
  await listener.subscribe({
    destination: `/topic/${COLLECTIVE}.>`,
    onMessage: (frame) => void asked.push(frame),
  });
  await stays?.deliver(requestAt(Math.floor(Date.now() / 1000)));
  await until('all are asked', () => asked.length === 1);
  const [frame] = asked;
  if (frame?.replyTo === undefined) throw new Error('no reply is awaited');
  const destination = frame.replyTo;

  await clog();
  const bodies = await Promise.all(NODES.map((node) => replyTo(frame, { node })));
  await sendAll(bodies.map((body) => ({ destination, body })));
  const left = leaves?.close();
  await until('its end is asked for', () => proxy.sent().includes('UNSUBSCRIBE'));
  proxy.resume();
  await left;
  await until('all have come', () => new Set(replies).size === NODES.length);
  expect(replies.toSorted()).toEqual(NODES.toSorted());
});

/** Two ingresses of a cluster and what they hand over, each as its request and its node. */
const twoIngresses = async ({ standing, leaving }: { standing: Link; leaving: Link }) => {
  const seen: string[] = [];
  const { sink } = recordingSink((request) => {
    for (const node of namedNodes(request.targets) ?? ['all']) seen.push(`${request.id} ${node}`);
  });
  const options: IngressOverrides = {
    remoteNodes: makeResidents(NODES),
    collectives: [COLLECTIVE],
    share: 'queue',
    broadcastQueue: QUEUE,
  };
  const [stays, leaves] = [standing, leaving].map((link) => makeStompIngress(link, options));
  if (stays === undefined || leaves === undefined) throw new Error('no ingresses');
  for (const ingress of [stays, leaves]) await ingress.start(sink);
  return { seen, leaves };
};

/** To each node, and as many to all. */
const requests = () => {
  const asked: string[] = [];
  const frames = NODES.flatMap((node) => {
    const [one, all] = [nextRequestId(), nextRequestId()];
    asked.push(`${one} ${node}`, `${all} all`);
    const toAll = {
      ...clientFrame({ requestId: all }),
      destination: QUEUE.replace('{collective}', COLLECTIVE),
    };
    return [clientFrame({ requestId: one, node }), toAll];
  });
  return { asked, frames };
};

test.each(['drains', 'closes at once'])(
  'a request that the broker gives to an ingress that %s, and to another, is handed over once',
  async (how) => {
    const { clog, ...links } = await twoLinks();
    const { seen, leaves } = await twoIngresses(links);
    const { asked, frames } = requests();
    await clog();
    await sendAll(frames);
    const left = how === 'drains' ? leaves.drain() : leaves.close();
    await until('its end is asked for', () => proxy.sent().includes('UNSUBSCRIBE'));
    proxy.resume();
    await left;
    await leaves.close();
    await until('all have come', () => new Set(seen).size === asked.length);
    expect(seen.toSorted()).toEqual(asked.toSorted());
  },
);
