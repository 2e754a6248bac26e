import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeReplyBody } from '../../../../src/adapters/choria/wire/index.ts';
import type { ReadableReply, ReadableRequest } from '../../../../src/envelope/message.ts';
import { ingressContract } from '../../../../src/testing/ingress-contract.ts';
import type { Question } from '../../../../src/testing/ingress-stage.ts';
import { toAll, toNodes } from '../../../../src/testing/targets.ts';
import { COLLECTIVE, makeBrokers } from '../../brokers.ts';
import { createChoriaClient, type Deviation, deviationOf } from '../../choria-client.ts';
import { alice, authority, MAX_TTL, settled, until } from '../../world.ts';
import {
  makeCollectiveIngress,
  makeCollectiveWorld,
  makeResidents,
  NODES,
  unfederated,
} from './ingress-world.ts';

const bob = authority.issue({ commonName: 'bob.mcollective', usages: ['client'] });
/** Where the broker inside this process says that it is. */
const SERVER = 'memory://nats';
const [N1 = '', N2 = ''] = NODES;

describe.each(['ruby', 'go'] as const)('with clients of %s', (dialect) => {
  ingressContract(`choria-collective (${dialect})`, async () => {
    const brokers = makeBrokers();
    const client = await createChoriaClient(brokers, alice);
    const deviation = (question: Question): Deviation =>
      unfederated(deviationOf(question, dialect, brokers.clock.now));
    const limits = { maxTtl: MAX_TTL, maxAhead: MAX_TTL, maxMessageBytes: 64 * 1024, maxTargets: 2 };
    return {
      ingress: makeCollectiveIngress(brokers.nats.link(), makeResidents([...NODES, 'n3.example.net']), {
        ...limits,
        clock: () => brokers.clock.now,
      }),
      caller: 'choria=alice.mcollective',
      collective: COLLECTIVE,
      limits,
      ask: (question) => client.send(deviation(question)),
      impersonate: (question) => client.send({ ...deviation(question), signer: bob }),
      garble: () => client.publish('hello', `${COLLECTIVE}.broadcast.agent.rpcutil`),
      answers: () =>
        client.replies.map(({ requestId, node, agent, message }) => ({
          requestId,
          node,
          payload: decodeReplyBody(message, agent),
        })),
      forbiddenReplyTo: 'mcollective.node.n1',
    };
  });
});

const pong = ({ home, time }: ReadableRequest): ReadableReply => ({
  home,
  sender: N1,
  time,
  payload: { kind: 'discovery' },
});

describe('whom a request is for', () => {
  it('is the subject’s to say: a header with targets changes nothing', async () => {
    const { requests, send } = await makeCollectiveWorld();
    const federation = { req: 'a'.repeat(32), target: [`${COLLECTIVE}.node.${N2}`, 'secret.node.x'] };
    send({ nodes: [N1], headers: { federation } });
    await until('one is handed over', () => requests.length === 1);
    send({ headers: { federation } });
    await until('both are handed over', () => requests.length === 2);
    expect(requests.map(({ targets }) => targets)).toEqual([toNodes([N1]), toAll()]);
    for (const { home } of requests) expect(home).not.toHaveProperty('federationRequestId');
  });

  it('is not what it stands in for where the node is another’s: nothing is handed over, nor counted', async () => {
    const { ignored, rejections, requests, send } = await makeCollectiveWorld();
    send({ nodes: ['native.example.net'] });
    await settled();
    expect([ignored, rejections, requests]).toEqual([[], [], []]);
  });

  it('is no service agent', async () => {
    const { ignored, rejections, requests, send } = await makeCollectiveWorld();
    send({ subjects: [`${COLLECTIVE}.broadcast.service.rpcutil`] });
    await settled();
    expect([ignored, rejections, requests]).toEqual([[], [], []]);
  });

  it('is heard in all exported collectives, and in no other', async () => {
    const { rejections, requests, send } = await makeCollectiveWorld(makeResidents(), {
      collectives: [COLLECTIVE, 'uk_collective'],
    });
    for (const collective of ['uk_collective', 'secret'])
      send({
        subjects: [`${collective}.broadcast.agent.rpcutil`],
        envelope: { collective },
        headers: { 'reply-to': `${collective}.reply.x.1` },
      });
    await until('one is handed over', () => requests.length > 0);
    await settled();
    expect(requests.map(({ collective }) => collective)).toEqual(['uk_collective']);
    expect(rejections).toEqual([]);
  });
});

describe('what a Federation Broker has put into the collective', () => {
  const broker = { 'reply-to': 'choria.federation.production.collective' };
  const federation = { req: 'b'.repeat(32), 'reply-to': 'mcollective.reply.x.1' };

  it.each([
    ['a broadcast', {}],
    ['a directed request', { nodes: [N1] }],
    ['one that nobody could verify', { secure: { signature: 'AAAA' } }],
    ['one of a broker that names no id', { headers: { ...broker, federation: {} } }],
  ] as const)('is ignored: %s', async (_, deviation) => {
    const { ignored, rejections, requests, send } = await makeCollectiveWorld();
    send({ headers: { ...broker, federation }, ...deviation });
    await until('it is ignored', () => ignored.length > 0);
    expect(ignored).toEqual([
      { why: 'bridged', context: expect.objectContaining({ sender: 'alice.mcollective' }) },
    ]);
    expect([rejections, requests]).toEqual([[], []]);
  });

  it('is named by what of it is well-formed', async () => {
    const { ignored, send } = await makeCollectiveWorld();
    send({ headers: { ...broker, federation } });
    send({ headers: { ...broker, federation: { req: 'a\nb' }, mc_sender: 'c\nd' } });
    await until('both are ignored', () => ignored.length === 2);
    expect(ignored.map(({ context }) => context)).toEqual([
      { requestId: federation.req, sender: 'alice.mcollective' },
      // Clients' ids are any text.
      { requestId: 'a\nb' },
    ]);
  });

  it('is ignored in protocol 2 as well', async () => {
    const { client, ignored, rejections } = await makeCollectiveWorld();
    const headers = { reply: broker['reply-to'], sender: 'c.example.net', federation: { request: 'x' } };
    const transport = { protocol: 'io.choria.protocol.v2.transport', data: 'AAAA', headers };
    client.publish(JSON.stringify(transport), `${COLLECTIVE}.broadcast.agent.rpcutil`);
    await until('it is ignored', () => ignored.length > 0);
    expect(ignored).toEqual([{ why: 'bridged', context: { requestId: 'x', sender: 'c.example.net' } }]);
    expect(rejections).toEqual([]);
  });

  it.each([
    'choria.federation.production.federation',
    'choria.federation.a.b.collective',
    'mcollective.choria.federation.production.collective',
  ])('is not what has the reply-to %s', async (replyTo) => {
    const { ignored, rejections, send } = await makeCollectiveWorld();
    send({ headers: { 'reply-to': replyTo } });
    await until('it is refused', () => rejections.length > 0);
    expect(rejections.map(({ rejection }) => rejection.code)).toEqual(['invalid_reply_to']);
    expect(ignored).toEqual([]);
  });
});

describe('a reply', () => {
  const CLIENT_HOP = ['alice', 'nats://a'];
  const [OUT, NODE, BACK] = [
    [SERVER, 'prod:1', 'stomp://b'],
    ['stomp://b', N1, 'stomp://b'],
    ['stomp://b', 'prod:1', SERVER],
  ];
  const WAY = [OUT, NODE, BACK];
  const asked = async (deviation: Deviation) => {
    const world = await makeCollectiveWorld();
    world.send({ agent: 'discovery', ...deviation });
    await until('the request is handed over', () => world.requests.length > 0);
    const [request] = world.requests;
    if (request === undefined) throw new Error('no request');
    return { ...world, request };
  };

  it.each([
    ['ruby', '"pong"', true],
    ['go', 'pong', false],
  ] as const)('to a discovery of %s is %s', async (dialect, text, wrapped) => {
    const { client, ingress, request } = await asked({ dialect });
    ingress.reply(pong(request));
    await until('the reply is home', () => client.replies.length > 0);
    expect(client.replies).toMatchObject([{ message: text, wrapped, sender: N1, node: N1 }]);
  });

  it.each([
    ['ruby', 'none, where there was none', undefined, undefined],
    ['ruby', 'that of its way', [CLIENT_HOP], [CLIENT_HOP, ...WAY]],
    ['ruby', 'that of its way, where an empty one asks for it', [], WAY],
    ['go', 'the node’s hop, which is always there', undefined, [[SERVER, N1, SERVER]]],
    ['go', 'the node’s hop alone', [['s', 'alice', 's']], [[SERVER, N1, SERVER]]],
  ] as const)('of a node of %s has a trail: %s', async (dialect, _, seenBy, trail) => {
    const headers = seenBy === undefined ? {} : { 'seen-by': seenBy };
    const { client, ingress, request } = await asked({ dialect, headers });
    expect(request.home.hops).toEqual(seenBy);
    const hops = seenBy && [...seenBy, ...WAY];
    ingress.reply(pong({ ...request, home: { ...request.home, ...(hops && { hops }) } }));
    await until('the reply is home', () => client.replies.length > 0);
    expect(client.replies[0]?.trail).toEqual(trail);
  });

  it('goes to no collective that is not exported', async () => {
    const { ingress, request } = await asked({});
    const home = { ...request.home, replyTo: 'secret.reply.x.1' };
    expect(() => ingress.reply({ ...pong(request), home })).toThrow(
      expect.objectContaining({ code: 'collective_not_exported' }),
    );
  });

  it('has no federation header', async () => {
    const { brokers, ingress, request } = await asked({ headers: { federation: { req: 'a'.repeat(32) } } });
    const payloads: string[] = [];
    await brokers.nats
      .link()
      .subscribe({ destination: '*.reply.>', onMessage: ({ body }) => void payloads.push(body.toString()) });
    ingress.reply(pong(request));
    await until('the reply is home', () => payloads.length > 0);
    const { headers } = z.object({ headers: z.object({}).loose() }).parse(JSON.parse(payloads[0] ?? ''));
    expect(headers).toEqual({ mc_sender: N1 });
  });
});
