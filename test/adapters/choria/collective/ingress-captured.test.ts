import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
  decodeReply,
  decodeReplyBody,
  decodeSecureReply,
} from '../../../../src/adapters/choria/wire/index.ts';
import { withNodeHop } from '../../../../src/adapters/kit/node-hop.ts';
import { toAll, toNodes } from '../../../../src/testing/targets.ts';
import { MemoryBroker, NATS_RULES } from '../../../../src/transport/memory/broker.ts';
import { openTransport } from '../../../support/choria-transport.ts';
import { settled, until } from '../../world.ts';
import { type Captured, capture, captureKey } from '../wire/support.ts';
import { makeCollectiveIngress, makeHanded, makeResidents } from './ingress-world.ts';

/** The server that they were recorded at. */
const SERVER = 'nats://127.0.0.1:4222';
const NODES = ['c1.example.net', 'c2.example.net', 'c3.example.net'];

const headersOf = ({ payload }: Captured): ReturnType<typeof openTransport> => openTransport(payload);
const recorded = capture('choria-v1.ndjson');
const asked = recorded.filter(({ subject }) => /\.(broadcast|node)\./.test(subject));
const own = asked.filter((one) => headersOf(one).federation === undefined);
const bridged = asked.filter((one) => headersOf(one).federation !== undefined);
const replies = recorded.filter(({ subject }) => subject.includes('.reply.'));

/** An ingress at the time of the recording, and all that is on its network. */
const world = async (now: number) => {
  const net = new MemoryBroker({ ...NATS_RULES, url: SERVER });
  const handed = makeHanded();
  const ingress = makeCollectiveIngress(net.link(), makeResidents(NODES), {
    verifier: createCallerVerifier({
      ca: captureKey('ca.pem'),
      allow: DEFAULT_ALLOW,
      privileged: DEFAULT_PRIVILEGED,
    }),
    clock: () => now,
  });
  await ingress.start(handed.sink);
  const link = net.link();
  const seen: { readonly subject: string; readonly payload: string }[] = [];
  await link.subscribe({
    destination: '*.reply.>',
    onMessage: ({ destination, body }) => void seen.push({ subject: destination, payload: body.toString() }),
  });
  const publish = ({ subject, payload }: Captured): void =>
    link.send({ destination: subject, body: Buffer.from(payload), expires: Number.POSITIVE_INFINITY });
  return { ...handed, ingress, seen, publish };
};

it('there are recorded requests of both kinds', () => {
  expect([own.length, bridged.length, replies.length]).toEqual([20, 6, 29]);
});

it.each(own)('the request $at to $subject is taken', async (request) => {
  const { ignored, publish, rejections, requests } = await world(request.at);
  publish(request);
  await until('it is handed over', () => requests.length + rejections.length > 0);
  expect([ignored, rejections]).toEqual([[], []]);
  const node = request.subject.split('.node.')[1];
  const agent = request.subject.split('.agent.')[1];
  expect(requests).toMatchObject([
    {
      collective: 'mcollective',
      caller: 'choria=alice.mcollective',
      targets: node === undefined ? toAll(agent) : toNodes([node]),
      home: { dialect: 'ruby', replyTo: headersOf(request).replyTo },
    },
  ]);
});

it.each(bridged)('the request $at to $subject, which a broker put there, is ignored', async (request) => {
  const { ignored, publish, rejections, requests } = await world(request.at);
  publish(request);
  await until('it is ignored', () => ignored.length > 0);
  await settled();
  const requestId = headersOf(request).federation?.request;
  expect(ignored).toEqual([{ why: 'bridged', context: { requestId, sender: 'alice.mcollective' } }]);
  expect([rejections, requests]).toEqual([[], []]);
});

const transport = z.object({ data: z.string(), headers: z.unknown() });

describe('a reply', () => {
  it.each(replies)('$at to $subject is as the recorded node sent it', async (reply) => {
    const request = own.find((one) => headersOf(one).replyTo === reply.subject);
    if (request === undefined) throw new Error('nobody asked for it');
    const { ingress, publish, requests, seen } = await world(request.at);
    publish(request);
    await until('the request is handed over', () => requests.length > 0);
    const [handed] = requests;
    if (handed === undefined) throw new Error('no request');
    const { senderId, time, message } = decodeReply(
      decodeSecureReply(openTransport(reply.payload).data).message,
    );
    const payload = decodeReplyBody(message, handed.agent);
    ingress.reply({
      home: withNodeHop(handed.home, senderId, SERVER),
      sender: senderId,
      time: time * 1000,
      payload,
    });
    await until('it is home', () => seen.length > 0);
    expect(seen.map(({ subject }) => subject)).toEqual([reply.subject]);
    const [mine, theirs] = [seen[0]?.payload ?? '', reply.payload].map((text) =>
      transport.parse(JSON.parse(text)),
    );
    // The trail too, of the one that was traced.
    expect(mine?.headers).toEqual(theirs?.headers);
    expect(mine?.data).toBe(theirs?.data);
  });
});
