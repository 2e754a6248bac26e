import { describe, expect, test } from 'vitest';
import type { CassetteRejected } from '../../../src/capture/file/format.ts';
import type { Passing } from '../../../src/capture/record/recorder.ts';
import { recordingOf } from '../../../src/capture/record/transports.ts';
import type { Refusal } from '../../../src/envelope/observer.ts';
import { sideOf } from '../../../src/setup/sides.ts';
import type { IncomingMessage, Link, Subscription } from '../../../src/transport/link.ts';
import { load, MINIMAL } from '../../config/sample.ts';

/** A bridge's surroundings that keep all that they are told, and the links of its sides. */
const world = () => {
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
  const { config } = load(MINIMAL);
  const { wrap, observer } = recordingOf({
    message: (message) => told.push(message),
    rejected: (rejected) => told.push(rejected),
    moved: () => undefined,
  });
  const transports = wrap({ open: () => bare });
  const linkOf = (name: string, kind: 'ingress' | 'egress'): Link => {
    const side = sideOf(config, name, kind);
    if (side === undefined) throw new Error(`the sample has no ${kind} ${name}`);
    return transports.open(
      side.adapter.link(config, () => Buffer.alloc(0)),
      { onEvent: () => undefined },
    );
  };
  return {
    observer,
    told,
    link: linkOf('legacy', 'egress'),
    ingress: linkOf('federation', 'ingress'),
    deliver: (message: IncomingMessage): void =>
      subscriptions.find(({ destination }) => destination === message.destination)?.onMessage(message),
  };
};

const REFUSAL: Refusal = {
  code: 'invalid_signature',
  stage: 'request_in',
  context: { requestId: 'r1', sender: 'node1.example.net' },
  sentence: 'the signature does not match',
};

test('what a bridge refuses is told to the tap', () => {
  const { observer, told } = world();
  observer.refused(REFUSAL);
  expect(told).toEqual([{ code: 'invalid_signature', request_id: 'r1', sender: 'node1.example.net' }]);
  observer.refused({ code: 'expired', stage: 'request_in', context: {}, sentence: 'it is late' });
  expect(told.at(-1)).toEqual({ code: 'expired' });
});

describe('the bridge’s own question of who is there', () => {
  const ANSWERS = '/queue/mcollective.reply.mcbridge_1.abc';
  const incoming = (destination: string): IncomingMessage => ({
    destination,
    headers: {},
    body: Buffer.from('x'),
  });

  test('is no message of the recording, nor is an answer, nor that an answer is refused', async () => {
    const { link, observer, told, deliver } = world();
    await link.subscribe({
      destination: ANSWERS,
      purpose: 'discovery',
      onMessage: () => observer.refused(REFUSAL),
    });
    link.send({
      destination: '/topic/mcollective.discovery.agent',
      replyTo: ANSWERS,
      body: Buffer.from('ping'),
      expires: 0,
      purpose: 'discovery',
    });
    deliver(incoming(ANSWERS));
    expect(told).toEqual([]);
    // What comes after it is as before.
    observer.refused(REFUSAL);
    expect(told).toHaveLength(1);
  });

  test('is known where another link of the bridge hears it, and others’ questions are traffic', async () => {
    const { link, ingress, observer, told, deliver } = world();
    const destination = 'mcollective.broadcast.agent.discovery';
    await ingress.subscribe({ destination, onMessage: () => observer.refused(REFUSAL) });
    link.sendAll([{ destination, body: Buffer.from('x'), expires: 0, purpose: 'discovery' }]);
    deliver(incoming(destination));
    expect(told).toEqual([]);
    deliver({ ...incoming(destination), body: Buffer.from('y') });
    expect(told).toMatchObject([
      { link: 'federation', side: 'ingress', dir: 'in', destination },
      { code: 'invalid_signature' },
    ]);
  });

  test('does not hide what is refused of a request’s reply, even where the bridge stumbles over an answer', async () => {
    const { link, observer, told, deliver } = world();
    const replies = '/queue/mcollective.reply.production.>';
    await link.subscribe({
      destination: replies,
      onMessage: () => observer.refused(REFUSAL),
    });
    await link.subscribe({
      destination: ANSWERS,
      purpose: 'discovery',
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

test('what instances tell each other is no message of the recording', async () => {
  const { link, observer, told, deliver } = world();
  const heard: string[] = [];
  const hear = ({ destination }: IncomingMessage): void => {
    heard.push(destination);
    observer.refused(REFUSAL);
  };
  const message = { headers: {}, body: Buffer.from('x') };
  await link.subscribe({ destination: 'statistics', purpose: 'cluster', onMessage: hear });
  await link.subscribe({
    destination: 'both',
    purpose: ({ headers }) => (headers['hello'] === undefined ? 'traffic' : 'cluster'),
    onMessage: hear,
  });
  link.send({ destination: 'statistics', body: message.body, expires: 0, purpose: 'cluster' });
  deliver({ ...message, destination: 'statistics' });
  deliver({ ...message, destination: 'both', headers: { hello: 'x' } });
  expect(heard).toEqual(['statistics', 'both']);
  expect(told).toEqual(
    Array(2).fill({ code: 'invalid_signature', request_id: 'r1', sender: 'node1.example.net' }),
  );
  deliver({ ...message, destination: 'both' });
  expect(told[2]).toMatchObject({ destination: 'both', dir: 'in' });
});
