import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Link } from '../../src/transport/link.ts';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import { until } from '../adapters/world.ts';
import { load, some } from '../app/load.ts';
import { configOf, LEGACY_NODES, makeAppWorld, memoryBrokers } from '../app/world.ts';
import { type ActiveMq, startActiveMq } from '../support/activemq.ts';

const DAEMONS = { name: 'daemons', password: 'of daemons' };
const OLD = { name: 'mcollective', password: 'marionette' };
const NEXT = { name: 'bridge', password: 'next' };

let activemq: ActiveMq;
beforeAll(async () => {
  activemq = await startActiveMq({ users: [OLD, NEXT, DAEMONS] });
}, 120_000);
afterAll(() => activemq?.stop());

const stompLink = (login: () => { readonly name: string; readonly password: string }) => {
  const servers = [{ host: activemq.host, port: activemq.port }];
  return createStompLink({
    servers,
    vhost: '/',
    clock: Date.now,
    onEvent: () => undefined,
    fresh: () => ({ servers, login: login().name, passcode: login().password }),
  });
};

test('a password is asked for at each attempt: the link connects once the right one is there', async () => {
  let user = { ...NEXT, password: 'wrong' };
  const link = stompLink(() => user);
  const opened = link.open();
  await until('a refusal', () => link.state().reason !== 'not opened yet');
  expect(link.state()).toMatchObject({ up: false });
  user = NEXT;
  await opened;
  expect(link.state()).toMatchObject({ up: true });
  await link.close();
}, 120_000);

test('another user and password are taken over under load on a real ActiveMQ, and the first one is removed', async () => {
  const memory = memoryBrokers();
  const nodes: Link[] = [];
  const world = await makeAppWorld({
    link: (site) => {
      if (site !== 'legacy') return memory.link(site);
      const link = stompLink(() => DAEMONS);
      nodes.push(link);
      return link;
    },
    transports: {
      open: (spec, options) =>
        spec.name === 'legacy' ? spec.connect(options) : memory.transports.open(spec, options),
    },
  });
  const config = (user: typeof OLD) =>
    configOf({
      at: {
        federation: 'nats://federation:4222',
        clients: 'stomp://clients:61613',
        legacy: `stomp://${activemq.host}:${activemq.port}`,
        second: 'stomp://second:61613',
        choria: 'nats://choria:4222',
      },
      change: (text) =>
        text.replace(
          new RegExp(`(:${activemq.port}\\]\\n +user: )mcollective(\\n +password: )marionette`),
          `$1${user.name}$2${user.password}`,
        ),
    });
  const app = world.app(config(OLD));
  await app.start();
  const traffic = load(world, false);
  await some(traffic, 20);
  await app.apply(config(NEXT));
  await some(traffic, 20);
  expect(await traffic.end()).toEqual([]);
  expect(new Set(world.replies).size).toBe(world.replies.length);
  expect(app.status().counts).toMatchObject({ rejected: {}, expired: 0 });
  expect(world.made.filter((name) => name === 'legacy')).toHaveLength(2);
  // Who is connected now is the next user.
  await activemq.restart([NEXT, DAEMONS]);
  await until('the connection again', () => app.status().links.every(({ up }) => up));
  await until('the nodes again', () =>
    nodes.map((link) => link.state()).every(({ up, unconfirmed = [] }) => up && unconfirmed.length === 0),
  );
  expect(await world.ask('mcollective', undefined, 2)).toHaveLength(LEGACY_NODES.length);
  await app.stop();
  await world.end();
}, 240_000);
