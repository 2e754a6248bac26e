import { expect, test } from 'vitest';
import { listen } from '../../../src/capture/record/listen.ts';
import type { Passing } from '../../../src/capture/record/recorder.ts';
import type { Link, Subscription } from '../../../src/transport/link.ts';
import type { LinkPlace } from '../../../src/transport/spec.ts';
import { CLUSTER_KEY, load } from '../../config/sample.ts';

const choria = (more = ''): string => `{ type: choria-collective, servers: [nats://nats.example.net:4222],
    insecure_plaintext: true${more} }`;

/** The last egress is, so far as anyone can tell, of another network. */
const CONFIG = `${CLUSTER_KEY}cluster: production
ingresses:
  federation: { type: choria-federation, servers: [nats://nats.example.net:4222], insecure_plaintext: true,
    callers: { ca: ca.pem } }
egresses:
  one: ${choria()}
  two: ${choria()}
  three: ${choria(', user: other, password: other')}
routes:
  - { from: federation, to: one, collectives: [alpha] }
  - { from: federation, to: two, collectives: [beta] }
  - { from: federation, to: three, collectives: [gamma] }
`;

const transport = (headers: object): Buffer =>
  Buffer.from(JSON.stringify({ protocol: 'choria:transport:1', data: 'e30=', headers }));

const HOMES = 'choria.federation.production.collective';

/** What is told of messages that a network's broker gives to all who listen. */
const heard = async (messages: readonly (readonly [destination: string, body: Buffer])[]) => {
  const told: Passing[] = [];
  const subscriptions = new Map<string, Subscription[]>();
  const nats = ({ name }: LinkPlace): Link => ({
    open: async () => undefined,
    subscribe: async (subscription) => {
      subscriptions.set(name, [...(subscriptions.get(name) ?? []), subscription]);
      return { unsubscribe: async () => undefined };
    },
    send: () => undefined,
    sendAll: () => undefined,
    close: async () => undefined,
    state: () => ({ up: true, server: '', buffered: 0 }),
  });
  await listen(load(CONFIG), {
    transports: { open: nats },
    tap: { message: (message) => told.push(message), rejected: () => undefined, moved: () => undefined },
    note: () => undefined,
  });
  for (const [destination, body] of messages)
    for (const [name, all] of subscriptions)
      for (const it of all)
        if (name !== 'three' && new RegExp(`^${it.destination.replaceAll('*', '[^.]+')}$`).test(destination))
          it.onMessage({ destination, headers: {}, body });
  const listeners = [...subscriptions].filter(([, all]) => all.some((it) => it.destination === HOMES));
  return {
    told: told.map(({ link, side, dir }) => `${side} ${link} ${dir}`),
    listeners: listeners.map(([name]) => name),
  };
};

test('a reply is recorded once, for the egress by which its request went', async () => {
  const federation = (req: string) => ({ req, 'reply-to': 'client.reply.x' });
  const request = (req: string): Buffer => transport({ 'reply-to': HOMES, federation: federation(req) });
  const reply = (req: string): Buffer => transport({ federation: federation(req) });
  const { told, listeners } = await heard([
    ['alpha.broadcast.agent.rpcutil', request('r1')],
    ['beta.broadcast.agent.rpcutil', request('r2')],
    [HOMES, reply('r2')],
    [HOMES, reply('r1')],
    [HOMES, reply('of a request before the recording')],
    [HOMES, Buffer.from('what is no reply')],
  ]);
  expect(told).toEqual([
    'egress one out',
    'egress two out',
    'egress two in',
    'egress one in',
    'egress one in',
    'egress one in',
  ]);
  // Another account of the same server may be another network.
  expect(listeners).toEqual(['one', 'three']);
});
