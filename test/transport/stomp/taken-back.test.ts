import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { closeLinks, collect, linkTo, outgoing, unique, until } from './harness.ts';
import { startProxy, type TcpProxy } from './proxy.ts';

/** Messages that the broker has given to two subscriptions, to one of them before it hears of its end and can write them. */
const MESSAGES = 500;
/** More than the sockets between a broker and its client hold. */
const FILLERS = Array.from({ length: 4 }, () => Buffer.alloc(8 * 1024 * 1024));

let broker: ActiveMq;
let proxy: TcpProxy;

beforeAll(async () => {
  broker = await startActiveMq();
  proxy = await startProxy(broker.port);
});
afterEach(closeLinks);
afterAll(async () => {
  await proxy?.close();
  await broker?.stop();
});

/** @returns what came by both links, and how much of it was taken back from the one that ended */
const endInFlight = async (): Promise<{ came: readonly string[]; takenBack: number }> => {
  const [queue, fillers] = [unique(), unique()];
  const server = { ...broker, port: proxy.port };
  const { link: leaving } = linkTo([server], broker, { prefetch: MESSAGES });
  const { link: staying } = linkTo([broker], broker, { prefetch: MESSAGES });
  const { link: client } = linkTo([broker], broker);
  await Promise.all([leaving, staying, client].map((link) => link.open()));
  const filled = await collect(leaving, fillers);
  const left = await collect(leaving, queue);
  const stayed = await collect(staying, queue);

  proxy.hold();
  for (const body of FILLERS) client.send(outgoing(fillers, body));
  for (let i = 0; i < MESSAGES; i++) client.send(outgoing(queue, `${i}`));
  // The broker has handled all of it then.
  await client.close();
  const before = proxy.sent().length;
  const ended = left.subscription.unsubscribe();
  await until(() => proxy.sent().includes('UNSUBSCRIBE', before), 'the end is asked for');
  proxy.resume();
  await ended;
  // The broker writes what it has given to a connection in its order.
  staying.send(outgoing(fillers, 'last'));
  await until(() => filled.bodies().includes('last'), 'all has been written');
  const came = () => [...left.bodies(), ...stayed.bodies()];
  await until(() => new Set(came()).size === MESSAGES, 'all have come');
  const marked = stayed.messages.filter(({ headers }) => headers['redelivered'] === 'true');
  return { came: came(), takenBack: marked.length };
};

test('what the broker was giving to a subscription that ends, and gives to another, comes once', async () => {
  // Mostly at once: its thread that writes may be done before the one that ends the subscription has its turn.
  for (let takenBack = 0; takenBack === 0; ) {
    const round = await endInFlight();
    expect(round.came).toHaveLength(MESSAGES);
    takenBack = round.takenBack;
  }
});
