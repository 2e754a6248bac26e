import { createPrivateKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/cli/log.ts';
import { delegateLink } from '../../src/transport/delegate-link.ts';
import { clientFrame } from '../adapters/mcollective/ingress-world.ts';
import { until } from '../adapters/world.ts';
import { keyPair } from '../support/pki.ts';
import { configOf, makeAppWorld, memoryBrokers, type Parts } from './world.ts';

type Line = Readonly<Record<string, unknown>>;

const SECRET = 'correct horse battery staple';
const WAY_IN = ['request_decoded', 'request_verified', 'request_received', 'request_routed'];
const WAY_OUT = ['request_mapped', 'request_decided', 'request_signed', 'request_sent'];
const REPLY_PATH = ['reply_received', 'reply_sent'];

/** An app whose log is at debug, as it is written, and where its messages to nodes ask for their replies. */
const debugged = async (parts: Parts = {}) => {
  const brokers = memoryBrokers();
  const world = await makeAppWorld(brokers);
  let text = '';
  const tokens: string[] = [];
  const log = createLogger({
    level: 'debug',
    format: 'json',
    stream: {
      write: (line) => {
        text += line;
      },
    },
    identity: 'bridge.example.net',
    cluster: 'prod',
    instance: '1',
  });
  const app = world.app(configOf(parts), {
    log,
    transports: {
      open: (spec, options) => {
        const link = brokers.transports.open(spec, options);
        return {
          ...delegateLink(link),
          send: (message, unsent) => {
            tokens.push(...tokenIn(message));
            link.send(message, unsent);
          },
          sendAll: (messages, unsent) => {
            tokens.push(...messages.flatMap(tokenIn));
            link.sendAll(messages, unsent);
          },
        };
      },
    },
  });
  await app.start();
  const legacy = brokers.link('clients');
  await legacy.open();
  const lines = (): readonly Line[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  /** Of messages, the events in their order. */
  const steps = (): readonly unknown[] =>
    lines().flatMap(({ level, event }) =>
      level === 'debug' || event === 'rejected' || event === 'request' ? [event] : [],
    );
  const isWritten =
    (event: string, times = 1) =>
    () =>
      steps().filter((one) => one === event).length >= times;
  return { app, world, legacy, lines, steps, isWritten, tokens, text: () => text };
};

/** Replies to a legacy node's request go to `/queue/<collective>.reply.<cluster>.<token>`. */
const tokenIn = ({ replyTo = '' }: { readonly replyTo?: string }): readonly string[] =>
  /^\/queue\/[^.]+\.reply\.prod\.(.+)$/.exec(replyTo)?.slice(1) ?? [];

/** Those that have a flow all have the same. */
const flowsOf = (lines: readonly Line[]): ReadonlySet<unknown> =>
  new Set(lines.flatMap(({ flow }) => (flow === undefined ? [] : [flow])));

test('at debug, a directed request of a Choria client to a legacy node has a line a step', async () => {
  const { app, world, lines, steps, isWritten } = await debugged();
  await world.ask('mcollective', ['l1.example.net'], 1);
  await until('it is all written', isWritten('reply_sent'));
  expect(steps()).toEqual([...WAY_IN, ...WAY_OUT, 'reply_received', 'request', 'reply_sent']);
  const told = lines().filter(({ request_id: id }) => id !== undefined);
  expect(flowsOf(told).size).toBe(1);
  expect(new Set(told.map(({ request_id: id }) => id)).size).toBe(1);
  const linkOf = (event: string): unknown => told.find((line) => line['event'] === event)?.['link'];
  expect(['request_decoded', 'request_verified', 'request_signed'].map(linkOf)).toEqual([
    'federation',
    'federation',
    'legacy',
  ]);
  await app.stop();
});

test('so has one of a legacy client to a Choria node, and a broadcast with each of its replies', async () => {
  const { app, world, lines, steps, isWritten } = await debugged();
  await world.mco(undefined, 2);
  await until('it is all written', isWritten('reply_sent', 2));
  const broadcast = [...WAY_IN, ...WAY_OUT, ...REPLY_PATH, ...REPLY_PATH];
  expect(steps()).toEqual(broadcast);
  expect(flowsOf(lines()).size).toBe(1);
  // Now it is known that the node lives beyond.
  await world.mco('c1.example.net', 1);
  await until('it is all written', isWritten('reply_sent', 3));
  expect(steps()).toEqual([
    ...broadcast,
    ...[...WAY_IN, ...WAY_OUT, 'reply_received', 'request', 'reply_sent'],
  ]);
  expect(flowsOf(lines()).size).toBe(2);
  await app.stop();
});

test('so has a discovery', async () => {
  const { app, legacy, lines, steps, isWritten } = await debugged();
  const frame = clientFrame({
    collective: 'office',
    agent: 'discovery',
    replyTo: '/queue/office.reply.client.example.net_4711.1',
  });
  legacy.send({ ...frame, destination: '/queue/bridge.office', expires: Number.POSITIVE_INFINITY });
  await until('it is all written', isWritten('reply_sent', 2));
  expect(steps()).toEqual([...WAY_IN, ...WAY_OUT, ...REPLY_PATH, ...REPLY_PATH]);
  expect(lines().every(({ agent }) => agent === undefined || agent === 'discovery')).toBe(true);
  await app.stop();
});

test.each([
  ['cannot be read', { body: Buffer.from('no marshal') }, ['rejected']],
  ['is not signed by its caller', {}, ['request_decoded', 'rejected', 'error_sent']],
])('one that %s has the lines that it has got to', async (_, change, expected) => {
  const { app, legacy, lines, steps, isWritten } = await debugged();
  const { privateKey } = keyPair('nobody that is known');
  const frame = clientFrame({
    collective: 'office',
    key: createPrivateKey(privateKey),
    replyTo: '/queue/office.reply.client.example.net_4711.1',
  });
  legacy.send({
    ...frame,
    ...change,
    destination: '/queue/bridge.office',
    expires: Number.POSITIVE_INFINITY,
  });
  await until('it is told', isWritten(expected.at(-1) ?? ''));
  expect(steps()).toEqual(expected);
  expect(flowsOf(lines())).toEqual(new Set());
  await app.stop();
});

test('nothing of what requests and replies say, of keys and of reply tokens is in the log', async () => {
  const { app, world, legacy, isWritten, tokens, text } = await debugged();
  const data = new Map([
    ['password', SECRET],
    ['fact', SECRET],
  ]);
  await world.ask('mcollective', undefined, 2, data);
  for (const node of [undefined, 'c1.example.net']) {
    const frame = clientFrame({
      collective: 'office',
      payload: { kind: 'rpc', action: 'echo', data },
      replyTo: '/queue/office.reply.client.example.net_4711.1',
      ...(node !== undefined && { node }),
    });
    const destination = node === undefined ? '/queue/bridge.office' : frame.destination;
    legacy.send({ ...frame, destination, expires: Number.POSITIVE_INFINITY });
    await until('its replies are written', isWritten('reply_sent', node === undefined ? 4 : 5));
  }
  await app.stop();
  expect(tokens.length).toBeGreaterThan(0);
  for (const secret of [
    SECRET,
    Buffer.from(SECRET).toString('base64').slice(0, 20),
    '0123456789abcdef0123456789abcdef',
    'marionette',
    'PRIVATE KEY',
    ...tokens,
  ])
    expect(text()).not.toContain(secret);
});
