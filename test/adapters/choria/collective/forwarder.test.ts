import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requestAt } from '../../../../src/testing/egress-contract.ts';
import { LinkError } from '../../../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES } from '../../../../src/transport/memory/broker.ts';
import { makeV2Key, makeV2Request, makeV2Token } from '../../../support/choria-v2.ts';
import { settled, until } from '../../world.ts';
import { makeCollectiveEgress } from './make-egress.ts';
import { COLLECTIVE_URL, clientRequest, FEDERATION_URL, makeFederation, STRICT } from './world.ts';

const transport = z.object({ data: z.string(), headers: z.looseObject({}) });
const read = (payload: string | undefined) => transport.parse(JSON.parse(payload ?? '{}'));
const PRIVATE_REPLY = 'mcollective.reply.0123456789abcdef.1';

describe('a request that passes', () => {
  it('goes to services, nodes and agents of any collective of its route', async () => {
    const world = await makeFederation();
    const targets = [
      'mcollective.broadcast.agent.rpcutil',
      'uk_collective.node.n1.example.net',
      'mcollective.broadcast.service.registry',
    ];
    world.request(clientRequest({ targets }).payload);
    await until('all is passed on', () => world.collective.length === targets.length);
    expect(world.collective.map(({ subject }) => subject)).toEqual(targets);
  });

  it('of protocol 2 has that protocol’s headers, and so has its reply', async () => {
    const world = await makeFederation();
    const key = makeV2Key();
    const caller = { callerid: 'up=alice', key, token: makeV2Token(key, key, 'up=alice', world.clock.now) };
    const request = makeV2Request(caller, {
      collective: 'mcollective',
      agent: 'discovery',
      body: 'cGluZw==',
      targets: ['mcollective.node.n1', 'mcollective.node.n2'],
      now: world.clock.now,
      trace: FEDERATION_URL,
      headers: { 'x-new': [1] },
    });
    world.request(request.payload);
    await until('all is passed on', () => world.collective.length === 2);
    const way = [
      [FEDERATION_URL, 'client.example.net', FEDERATION_URL],
      [FEDERATION_URL, 'production:2', COLLECTIVE_URL],
    ];
    const federation = { request: request.requestId, reply: request.replyTo };
    for (const { payload } of world.collective)
      expect(read(payload)).toEqual({
        data: request.data,
        headers: {
          reply: 'choria.federation.production.collective',
          sender: 'client.example.net',
          trace: way,
          federation,
          'x-new': [1],
        },
      });
    const there = [COLLECTIVE_URL, 'n1', COLLECTIVE_URL];
    const protocol = 'io.choria.protocol.v2.transport';
    const answer = { sender: 'n1', trace: [...way, there], federation, 'x-later': 'kept' };
    world.reply(JSON.stringify({ protocol, data: 'cmVwbHk=', headers: answer }));
    await until('it is home', () => world.federation.length === 2);
    expect(world.federation[1]?.subject).toBe(request.replyTo);
    expect(JSON.parse(world.federation[1]?.payload ?? '')).toEqual({
      protocol,
      data: 'cmVwbHk=',
      headers: {
        sender: 'n1',
        trace: [...way, there, [COLLECTIVE_URL, 'production:2', FEDERATION_URL]],
        'x-later': 'kept',
      },
    });
  });

  it('keeps headers that the bridge does not know', async () => {
    const world = await makeFederation();
    world.request(clientRequest({ headers: { 'x-new': { deep: [1] } } }).payload);
    await until('it is passed on', () => world.collective.length > 0);
    expect(read(world.collective[0]?.payload).headers).toMatchObject({ 'x-new': { deep: [1] } });
  });

  it('is not looked into: the nodes do that', async () => {
    const world = await makeFederation();
    world.request(clientRequest({ data: () => 'bm90aGluZw==' }).payload);
    await until('it is passed on', () => world.collective.length > 0);
    expect(read(world.collective[0]?.payload).data).toBe('bm90aGluZw==');
  });

  it('that finds the buffer full is refused, and nothing waits for its replies', async () => {
    const send = (): never => {
      throw new LinkError('overloaded', 'the buffer is full');
    };
    const world = await makeFederation({ link: (link) => ({ ...link, send, sendAll: send }) });
    const targets = ['mcollective.node.n1', 'mcollective.node.n2'];
    const { payload, replyTo } = clientRequest({ targets });
    world.request(payload);
    await until('it is refused', () => world.refusals().length > 0);
    await settled();
    expect(world.refusals()).toEqual(['overloaded']);
    expect(world.federation.map(({ subject }) => subject)).toContain(replyTo);
    expect(world.bridge.inFlight).toBe(0);
  });

  it('names its verified caller in the log where its route has it verified', async () => {
    const world = await makeFederation();
    const { payload, requestId } = clientRequest({ collective: STRICT });
    world.request(payload);
    await until('it is passed on', () => world.collective.length > 0);
    await world.bridge.stop();
    expect(world.log.find(({ fields }) => fields['event'] === 'request')?.fields).toMatchObject({
      request_id: requestId,
      caller_in: 'choria=alice.mcollective',
      sender: 'alice.mcollective',
      collective: STRICT,
      route: 'federation → member',
      targets: 1,
      replies: 0,
      unheard: 1,
    });
  });
});

const reply = (home: unknown, headers: object = {}): string =>
  JSON.stringify({
    protocol: 'choria:transport:1',
    data: 'cmVwbHk=',
    headers: { mc_sender: 'n1', federation: { req: 'f'.repeat(32), 'reply-to': home }, ...headers },
  });

describe('a reply', () => {
  it('comes home to whichever exported collective it belongs', async () => {
    const world = await makeFederation();
    world.reply(reply(PRIVATE_REPLY));
    world.reply(reply('other.reply.x'));
    await until('both are home', () => world.federation.length === 2);
    expect(world.federation.map(({ subject }) => subject)).toEqual([PRIVATE_REPLY, 'other.reply.x']);
    for (const { payload } of world.federation) expect(read(payload).headers).toEqual({ mc_sender: 'n1' });
  });

  it.each([
    ['another federation', 'choria.federation.other.federation', 'invalid_reply_to'],
    ['a node', 'mcollective.node.n1', 'invalid_reply_to'],
    ['an agent', 'mcollective.broadcast.agent.rpcutil', 'invalid_reply_to'],
    ['many at once', 'mcollective.reply.>', 'invalid_reply_to'],
    ['nothing', '', 'invalid_reply_to'],
    ['the server itself', '$SYS.reply.x', 'invalid_reply_to'],
    ['a collective that is not exported', 'secret.reply.x', 'collective_not_exported'],
    ['what is no subject', 7, 'invalid_field'],
    ['an end of line', 'mcollective.reply.x\r\nPUB', 'invalid_reply_to'],
  ])('is not published to %s', async (_, home, reason) => {
    const world = await makeFederation();
    world.reply(reply(home));
    await until('it is refused', () => world.refusals().length > 0);
    await settled();
    expect(world.refusals()).toEqual([reason]);
    expect(world.federation).toEqual([]);
  });

  it('without a way home is refused, with the node’s name in the log', async () => {
    const world = await makeFederation();
    world.reply(reply(undefined));
    world.reply('hello');
    world.reply(reply(PRIVATE_REPLY, { federation: undefined }));
    await until('they are refused', () => world.refusals().length === 3);
    expect(world.refusals()).toEqual(['missing_field', 'malformed_json', 'missing_field']);
    expect(world.log.find(({ fields }) => fields['reason'] === 'missing_field')?.fields).toMatchObject({
      sender: 'n1',
      request_id: 'f'.repeat(32),
    });
    expect(world.federation).toEqual([]);
  });
});

describe('an egress that passes', () => {
  const makeEgress = (broker: MemoryBroker) =>
    makeCollectiveEgress(broker.link(), {
      homes: new Map([['production', 'federation']]),
      maxMessageBytes: 1024,
    });

  it('accepts opaque requests only, and does not send what would need a signature', async () => {
    const egress = makeEgress(new MemoryBroker(NATS_RULES));
    await expect(egress.deliver(requestAt(1))).rejects.toThrow('has nothing to sign it with');
    expect(egress.accepts).toEqual(['opaque']);
    expect(egress.discover).toBeUndefined();
  });

  it('hands over what the broker has given to it before it closes: no other instance gets that', async () => {
    const broker = new MemoryBroker(NATS_RULES);
    const egress = makeEgress(broker);
    const senders: string[] = [];
    await egress.start({
      reply: ({ sender }) => void senders.push(sender),
      rejected: (rejection) => {
        throw rejection;
      },
    });
    broker.link().send({
      destination: 'choria.federation.production.collective',
      body: Buffer.from(reply(PRIVATE_REPLY)),
      expires: Number.POSITIVE_INFINITY,
    });
    await egress.close();
    expect(senders).toEqual(['n1']);
  });
});
