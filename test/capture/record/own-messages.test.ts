import { createSecretKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { HELLO_MARKER, helloDestination } from '../../../src/adapters/mcollective/wire/addressing.ts';
import type { Passing } from '../../../src/capture/record/recorder.ts';
import { recordingOf } from '../../../src/capture/record/transports.ts';
import { ShareConflict } from '../../../src/cluster/share-conflict.ts';
import type { IncomingMessage, Link } from '../../../src/transport/link.ts';
import { natsSpec } from '../../../src/transport/nats/spec.ts';
import { COLLECTIVE, makeBrokers } from '../../adapters/brokers.ts';
import { makeNetwork } from '../../adapters/choria/collective/signed-network.ts';
import { errorReplyAddress } from '../../adapters/choria/collective/signed-world.ts';
import { replyTo } from '../../adapters/daemon.ts';
import { fakeLink, makeStompIngress } from '../../adapters/mcollective/ingress-world.ts';
import { makeEgress, until } from '../../adapters/world.ts';

const silent = (): void => undefined;

/** Links that tell a recording all that goes through them. */
const recorded = () => {
  const told: Passing[] = [];
  const { wrap } = recordingOf({
    message: (message) => void told.push(message),
    rejected: () => undefined,
    moved: () => undefined,
  });
  const spec = natsSpec({ name: 'recorded', side: 'egress' }, { servers: [], name: 'bridge' });
  const link = (bare: Link): Link => wrap({ open: () => bare }).open(spec, { onEvent: () => undefined });
  return { told, link };
};

test('what a bridge asks Choria’s nodes of who is there is not recorded, nor are the answers', async () => {
  const { told, link } = recorded();
  const { egress, seen, reply } = await makeNetwork({}, link);
  const found: string[] = [];
  await egress.discover?.(COLLECTIVE, (node) => void found.push(node));
  await until('the question is there', () => seen.length === 1);
  const { body } = seen[0] ?? { body: Buffer.alloc(0) };
  const { headers } = JSON.parse(body.toString());
  reply(errorReplyAddress(body, 'n1.example.net'), headers['reply-to']);
  await until('the answer is there', () => found.length === 1);
  expect(told).toEqual([]);
});

test('what a bridge asks legacy daemons of who is there is not recorded, nor are the answers', async () => {
  const { told, link } = recorded();
  const brokers = makeBrokers();
  const frames: IncomingMessage[] = [];
  const daemon = brokers.stomp.link();
  await daemon.subscribe({
    destination: `/topic/${COLLECTIVE}.discovery.agent`,
    onMessage: (frame) => void frames.push(frame),
  });
  const egress = makeEgress(brokers, { link: link(brokers.stomp.link()) });
  await egress.start({ reply: () => undefined, rejected: () => undefined });
  const found: string[] = [];
  await egress.discover?.(COLLECTIVE, (node) => void found.push(node));
  await until('the question is there', () => frames.length === 1);
  for (const frame of frames)
    daemon.send({
      destination: frame.replyTo ?? '',
      body: await replyTo(frame, {}),
      expires: Number.POSITIVE_INFINITY,
    });
  await until('the answer is there', () => found.length === 1);
  expect(told).toEqual([]);
});

test('the hellos of instances are not recorded, where one is said, heard, and heard by a legacy ingress', async () => {
  const { told, link } = recorded();
  const bare = fakeLink();
  const destination = helloDestination(COLLECTIVE);
  const conflict = new ShareConflict({
    headers: { [HELLO_MARKER]: 'test' },
    cluster: 'production',
    instance: '1',
    keys: () => ({ key: createSecretKey(Buffer.alloc(32, 1)) }),
    clock: Date.now,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
  conflict.follow([{ ingress: 'mco', link: link(bare), destination }]);
  conflict.start();
  const ingress = makeStompIngress(link(bare));
  await ingress.start({
    request: () => undefined,
    rejected: () => undefined,
    foresee: () => undefined,
    ignored: () => undefined,
  });
  const topics = bare.subscriptions.filter((it) => it.destination.startsWith('/topic/'));
  const deliver = (message: IncomingMessage): void => {
    for (const { onMessage } of topics) onMessage(message);
  };
  expect([topics.length, bare.sent.length]).toEqual([2, 1]);
  for (const { headers = {}, body } of bare.sent) deliver({ destination, headers, body: Buffer.from(body) });
  expect(told).toEqual([]);
  // A daemon's registration comes to the same topic. What listens for hellos alone does not count.
  deliver({ destination, headers: {}, body: Buffer.from('registration') });
  expect(told).toMatchObject([{ destination, dir: 'in' }]);
  await conflict.stop();
});
