import { describe, expect, it } from 'vitest';
import {
  createReplyExit,
  createReplySender,
  PROTOCOL_2,
} from '../../src/adapters/choria/requests/reply-sender.ts';
import { makeV2Key, makeV2Request, makeV2Token, parseV2Reply } from '../support/choria-v2.ts';
import { makeBrokers } from './brokers.ts';
import {
  makeCollectiveIngress,
  makeHanded,
  makeResidents,
  NODES,
} from './choria/collective/ingress-world.ts';
import { makeFederation, STRICT } from './choria/collective/world.ts';
import { makeInstance, settled, until } from './world.ts';

const key = makeV2Key();
const caller = { callerid: 'up=alice', key, token: makeV2Token(key, key, 'up=alice', Date.now()) };
const PING = '{"agent":"rpcutil","action":"ping","data":{}}';

const requestTo = (targets: readonly string[], collective = 'mcollective', agent = 'rpcutil', body = PING) =>
  makeV2Request(caller, { collective, agent, body, targets, now: Date.now() });

const errorIn = (payload: string | undefined, requestId: string) => {
  const { sender, body } = parseV2Reply(payload ?? '', requestId);
  return { sender, ...JSON.parse(body) };
};

describe('a client of protocol 2 is told', () => {
  /** What comes back to the client's reply subject where a bridge translates for legacy nodes. */
  const translated = async (publish: (request: ReturnType<typeof requestTo>) => string) => {
    const brokers = makeBrokers();
    const { bridge, log } = makeInstance(brokers);
    const request = requestTo(['mcollective.broadcast.agent.rpcutil']);
    const seen: string[] = [];
    const link = brokers.nats.link();
    await link.subscribe({
      destination: request.replyTo,
      onMessage: ({ body }) => void seen.push(body.toString()),
    });
    await bridge.start();
    const body = Buffer.from(publish(request));
    link.send({ destination: 'choria.federation.prod.federation', body, expires: Number.POSITIVE_INFINITY });
    await until('it is refused', () => log.some(({ fields }) => fields['reason'] !== undefined));
    await settled();
    return { request, seen, log };
  };

  it('that its request is not translated', async () => {
    const { request, seen, log } = await translated(({ payload }) => payload);
    expect(seen).toHaveLength(1);
    expect(errorIn(seen[0], request.requestId)).toMatchObject({
      sender: 'bridge.example.net',
      statuscode: 5,
      statusmsg: expect.stringMatching(/protocol 2 is not translated \(wrong_protocol\)$/),
      data: {},
    });
    expect(log.find(({ fields }) => fields['reason'] === 'wrong_protocol')?.fields).toMatchObject({
      request_id: request.requestId,
      caller: 'up=alice',
      agent: 'rpcutil',
    });
  });

  it.each([
    ['damaged', (data: string) => data.slice(4)],
    ['no base64', () => '*'],
    [
      'no request',
      () => Buffer.from('{"protocol":"io.choria.protocol.v2.secure_request"}').toString('base64'),
    ],
  ])('nothing, by a message that is %s', async (_, spoil) => {
    const { seen } = await translated(({ payload, data }) => payload.replace(data, spoil(data)));
    expect(seen).toEqual([]);
  });

  it('nothing where it wants its answer in a collective that replies are not carried to', async () => {
    const { seen } = await translated(({ payload }) =>
      payload.replaceAll('mcollective.reply.', 'secret.reply.'),
    );
    expect(seen).toEqual([]);
  });

  it.each([
    ['its route verifies requests', STRICT, [`${STRICT}.node.n1`], 'wrong_protocol'],
    [
      'its targets are of two routes',
      'mcollective',
      ['mcollective.node.n1', 'other.node.n1'],
      'collective_mismatch',
    ],
    ['a target is none', 'mcollective', ['mcollective.node.n1', 'mcollective.x'], 'invalid_target'],
  ])('why it does not pass through: %s', async (_, collective, targets, code) => {
    const world = await makeFederation();
    const request = requestTo(targets, collective);
    world.request(request.payload);
    await until('it is refused', () => world.refusals().length > 0);
    await settled();
    const [answer] = world.federation.filter(({ subject }) => subject === request.replyTo);
    expect(errorIn(answer?.payload, request.requestId)).toMatchObject({
      statuscode: 5,
      statusmsg: expect.stringContaining(`(${code})`),
    });
  });

  it('nothing of a ping, for whoever answers one is a node to it', async () => {
    const world = await makeFederation();
    const request = requestTo([`${STRICT}.node.n1`], STRICT, 'discovery', 'cGluZw==');
    world.request(request.payload);
    await until('it is refused', () => world.refusals().length > 0);
    await settled();
    expect(world.federation.filter(({ subject }) => subject === request.replyTo)).toEqual([]);
  });

  it('where it is not federated, too', async () => {
    const brokers = makeBrokers();
    const { rejections, sink } = makeHanded();
    const ingress = makeCollectiveIngress(brokers.nats.link(), makeResidents(NODES), {
      clock: () => brokers.clock.now,
    });
    await ingress.start(sink);
    const request = requestTo([]);
    const body = Buffer.from(request.payload);
    brokers.nats
      .link()
      .send({ destination: `mcollective.node.${NODES[0]}`, body, expires: Number.POSITIVE_INFINITY });
    await until('it is refused', () => rejections.length > 0);
    expect(rejections[0]).toMatchObject({
      rejection: { code: 'wrong_protocol', context: { requestId: request.requestId, caller: 'up=alice' } },
      home: { requestId: request.requestId, replyTo: request.replyTo, dialect: PROTOCOL_2, agent: 'rpcutil' },
    });
  });
});

it('an answer of protocol 2 is as go-choria’s client reads it', async () => {
  const brokers = makeBrokers();
  const seen: Buffer[] = [];
  const link = brokers.nats.link();
  await link.subscribe({ destination: 'choria.reply.>', onMessage: ({ body }) => void seen.push(body) });
  const answer = createReplySender({
    exit: createReplyExit(link, new Set(['choria'])),
    trailOf: () => undefined,
  });
  answer({
    home: {
      ingress: 'federation',
      replyTo: 'choria.reply.x.3EXBnRSYH5B8Lkn0ElB4e3U7eec',
      requestId: '3EXBnRSYH5B8Lkn0ElB4e3U7eec',
      agent: 'rpcutil',
      collective: 'choria',
      dialect: PROTOCOL_2,
      expires: Date.now() + 60_000,
    },
    sender: 'c2.example.net',
    time: 1_780_315_200_000,
    payload: { kind: 'rpc', statusCode: 5, statusMessage: 'no', data: new Map() },
  });
  await until('it is there', () => seen.length > 0);
  const { data } = JSON.parse(seen[0]?.toString() ?? '{}');
  const secure = JSON.parse(Buffer.from(data, 'base64').toString());
  // As the real server's `unsigned` of the recorded vectors, member for member.
  expect(Object.keys(secure)).toEqual(['protocol', 'reply', 'hash']);
  expect(Buffer.from(secure.reply, 'base64').toString()).toBe(
    '{"protocol":"io.choria.protocol.v2.reply","message":"' +
      `${Buffer.from('{"statuscode":5,"statusmsg":"no","data":{}}').toString('base64')}",` +
      '"request":"3EXBnRSYH5B8Lkn0ElB4e3U7eec","sender":"c2.example.net","agent":"rpcutil","time":1780315200000000000}',
  );
});
