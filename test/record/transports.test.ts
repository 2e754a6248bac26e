import { describe, expect, test } from 'vitest';
import type { CassetteRejected } from '../../src/cassette/format.ts';
import { fileReader } from '../../src/config/files.ts';
import { stompLinkOptions } from '../../src/config/link-options.ts';
import type { Passing } from '../../src/record/recorder.ts';
import { recordingOf } from '../../src/record/transports.ts';
import type { IncomingMessage, Link, Subscription } from '../../src/transport/link.ts';
import { load, MINIMAL } from '../config/sample.ts';

/** A bridge's surroundings that keep all that they are told, and the link of its egress. */
const world = () => {
  const logged: string[] = [];
  const keep = (_fields: object, message: string): void => {
    logged.push(message);
  };
  const subscriptions: Subscription[] = [];
  const bare: Link = {
    open: async () => undefined,
    subscribe: async (subscription) => {
      subscriptions.push(subscription);
      return { unsubscribe: async () => undefined };
    },
    send: () => undefined,
    sendAll: () => undefined,
    close: async () => undefined,
    state: () => ({ up: true, server: '', buffered: 0 }),
  };
  const told: (Passing | CassetteRejected['rejected'])[] = [];
  const loaded = load(MINIMAL);
  const { config } = loaded;
  const { transports, log } = recordingOf(
    {
      transports: { nats: () => bare, stomp: () => bare },
      log: { debug: keep, info: keep, warn: keep, error: keep },
    },
    config,
    { message: (message) => told.push(message), rejected: (rejected) => told.push(rejected) },
  );
  const it = config.egresses.get('legacy');
  if (it?.type !== 'mcollective-stomp') throw new Error('the sample has no legacy egress');
  const options = { ...stompLinkOptions(it, config, fileReader(loaded)), clock: Date.now };
  return {
    log,
    logged,
    told,
    link: transports.stomp({ ...options, onEvent: () => undefined }, 'legacy'),
    deliver: (message: IncomingMessage): void =>
      subscriptions.find(({ destination }) => destination === message.destination)?.onMessage(message),
  };
};

const ABOUT = { request_id: 'r1', sender: 'node1.example.net', agent: 'rpcutil' };

describe('what a bridge logs of what it refuses is told to the tap, and logged all the same', () => {
  test.each<[string, 'info' | 'warn', string]>([
    ['a message', 'warn', 'rejected: the signature does not match'],
    ['what is ordinary', 'info', 'rejected: it is late'],
    ['a reply that cannot be sent home', 'warn', 'reply not sent: there is no such ingress'],
  ])('%s', (_, level, line) => {
    const { log, told, logged } = world();
    log[level]({ ...ABOUT, reason: 'invalid_reply_to', link: 'mco' }, line);
    expect(told).toEqual([{ code: 'invalid_reply_to', request_id: 'r1', sender: 'node1.example.net' }]);
    expect(logged).toEqual([line]);
  });

  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['a line without a code', ABOUT, 'rejected: it is late'],
    ['a reason that is a sentence', { ...ABOUT, reason: 'Connection refused' }, 'rejected: it is late'],
    ['another line with a code', { ...ABOUT, reason: 'native' }, 'a reply was left to others'],
  ])('but not %s', (_, fields, line) => {
    const { log, told } = world();
    log.warn(fields, line);
    expect(told).toEqual([]);
  });
});

describe('the bridge’s own question of who is there', () => {
  const ANSWERS = '/queue/mcollective.reply.mcbridge_1.abc';
  const incoming = (destination: string): IncomingMessage => ({
    destination,
    headers: {},
    body: Buffer.from('x'),
  });
  const refused = { reason: 'invalid_signature', ...ABOUT };

  test('is no message of the recording, nor is an answer, nor that an answer is refused', async () => {
    const { link, log, told, deliver } = world();
    await link.subscribe({ destination: ANSWERS, onMessage: () => log.warn(refused, 'rejected: of ours') });
    link.send({
      destination: '/topic/mcollective.discovery.agent',
      replyTo: ANSWERS,
      body: Buffer.from('ping'),
      expires: 0,
    });
    deliver(incoming(ANSWERS));
    expect(told).toEqual([]);
    // What comes after it is as before.
    log.warn(refused, 'rejected: of a client');
    expect(told).toHaveLength(1);
  });

  test('does not hide what is refused of a request’s reply, even where the bridge stumbles over an answer', async () => {
    const { link, log, told, deliver } = world();
    const replies = '/queue/mcollective.reply.production.>';
    await link.subscribe({
      destination: replies,
      onMessage: () => log.warn(refused, 'rejected: of a node'),
    });
    await link.subscribe({
      destination: ANSWERS,
      onMessage: () => {
        throw new Error('a bug');
      },
    });
    expect(() => deliver(incoming(ANSWERS))).toThrow('a bug');
    deliver(incoming(replies));
    expect(told).toMatchObject([
      { link: 'legacy', side: 'egress', dir: 'in', destination: replies },
      { code: 'invalid_signature' },
    ]);
  });
});
