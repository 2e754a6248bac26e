import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeTransport } from '../../../../src/adapters/choria/wire/index.ts';
import { encodeToken } from '../../../../src/adapters/kit/token.ts';
import type { ReadableReplyAddress, ReadableRequest } from '../../../../src/envelope/message.ts';
import { CLUSTER, COLLECTIVE } from '../../brokers.ts';
import { settled, tokenKey, until } from '../../world.ts';
import { directed, makeDelivered, makeNetwork } from './signed-network.ts';
import { errorReplyAddress, type ReplyDeviation, requestOf } from './signed-world.ts';

/** A reply of n1, or one that differs from it. */
const answered = async (deviation: ReplyDeviation = {}, part: Partial<ReadableRequest> = {}) => {
  const delivered = await makeDelivered(part);
  delivered.reply(errorReplyAddress(delivered.first.body, 'n1.example.net', deviation));
  await until('it is handed over', () => delivered.replies.length + delivered.rejections.length > 0);
  return delivered;
};

describe('a reply to it', () => {
  it.each(['ruby', 'go'] as const)(
    'of the %s dialect comes with the home of its request',
    async (dialect) => {
      const { replies, rejections, request } = await answered({ dialect });
      expect(rejections).toEqual([]);
      expect(replies).toEqual([
        {
          home: request.home,
          sender: 'n1.example.net',
          time: request.time,
          payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['pong', 1]]) },
          broadcast: true,
        },
      ]);
    },
  );

  it('says whether all or some nodes had been asked', async () => {
    const { replies } = await answered({}, { targets: directed });
    expect(replies).toMatchObject([{ broadcast: false }]);
  });

  it('brings its trail along where the requester asked for one', async () => {
    const hops = [['stomp://a', 'prod:1', 'nats://b']];
    const longer = [...hops, ['nats://b', 'n1.example.net', 'nats://b']];
    const home = { ...requestOf().home, hops };
    const asked = await answered({ headers: { hops: longer } }, { home });
    expect(asked.replies[0]?.home.hops).toEqual(longer);
    const unasked = await answered({ headers: { hops: longer } });
    expect(unasked.replies[0]?.home).not.toHaveProperty('hops');
  });

  it.each<[what: string, code: string, deviation: ReplyDeviation, part?: Partial<ReadableRequest>]>([
    ['another checksum', 'invalid_hash', { secure: (text) => text.replace(/"hash":"..../, '"hash":"AAAA') }],
    [
      'no checksum in base64',
      'malformed_base64',
      { secure: (text) => text.replace(/"hash":"/, '"hash":"!') },
    ],
    ['another request’s id', 'requestid_mismatch', { requestId: 'b'.repeat(32) }],
    ['another agent', 'agent_mismatch', { agent: 'puppet' }],
    [
      'a sender who was not asked',
      'unexpected_sender',
      { senderId: 'n3.example.net', sender: 'n3.example.net' },
      { targets: directed },
    ],
    ['a sender who is not the transport’s', 'unexpected_sender', { sender: 'n2.example.net' }],
    ['a body that is no RPC reply', 'malformed_json', { message: 'hello' }],
    [
      'a layer that is no reply',
      'wrong_protocol',
      { secure: () => '{"protocol":"choria:secure:request:1"}' },
    ],
  ])('with %s is refused, and its requester told', async (_, code, deviation, part) => {
    const { replies, rejections, request } = await answered(deviation, part);
    expect(replies).toEqual([]);
    expect(rejections).toMatchObject([{ rejection: { code }, home: request.home }]);
    expect(rejections[0]?.rejection.context).toMatchObject({ requestId: expect.stringMatching(/^.{32}$/) });
  });

  it('is refused in protocol 2, which has other proofs', async () => {
    const { reply, rejections, message, request } = await makeDelivered();
    const { home = '' } = message.transport.federation ?? {};
    const content = { protocol: 'io.choria.protocol.v2.transport', data: '"e30="', headers: {} };
    reply(Buffer.from(encodeTransport({ content, sender: 'n1', federation: { home } })));
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([{ rejection: { code: 'wrong_protocol' }, home: request.home }]);
  });

  it('is refused once its request has expired', async () => {
    const clock = { now: Date.now() };
    const { first, reply, replies, rejections } = await makeDelivered({}, { clock: () => clock.now });
    const body = errorReplyAddress(first.body, 'n1.example.net');
    clock.now += 62_000;
    reply(body);
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([{ rejection: { code: 'token_expired' }, home: undefined }]);
    expect(replies).toEqual([]);
  });

  const home = requestOf().home;
  const context = { key: tokenKey, cluster: CLUSTER, protocol: 'choria' as const, collective: COLLECTIVE };
  const strange = createSecretKey(Buffer.alloc(32, 1));
  const good = encodeToken(home, undefined, context);
  it.each<[what: string, code: string, replyTo: string]>([
    ['another key', 'token_forged', encodeToken(home, undefined, { ...context, key: strange })],
    ['another cluster', 'token_forged', encodeToken(home, undefined, { ...context, cluster: 'other' })],
    [
      'another protocol',
      'token_forged',
      encodeToken(home, undefined, { ...context, protocol: 'mcollective' }),
    ],
    ['another collective', 'token_forged', encodeToken(home, undefined, { ...context, collective: 'other' })],
    [
      'a changed byte',
      'token_forged',
      `${good.slice(0, 20)}${good[20] === 'A' ? 'B' : 'A'}${good.slice(21)}`,
    ],
    ['no end', 'token_malformed', good.slice(0, 12)],
    ['nothing', 'token_malformed', ''],
    ['more parts', 'token_malformed', `${good}.1`],
    ['an end of line', 'token_malformed', `${good}\r\n`],
  ])('is refused with a reply token of %s', async (_, code, token) => {
    // Not even where the reply could pass through.
    const homes = new Map([[CLUSTER, 'federation']]);
    const { first, reply, replies, rejections } = await makeDelivered({}, { homes });
    const federation = { request: home.requestId, home: `mcollective.reply.mcbridge.${token}` };
    reply(errorReplyAddress(first.body, 'n1.example.net', { headers: { federation } }));
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([
      { rejection: { code, context: { sender: 'n1.example.net' } }, home: undefined },
    ]);
    expect(replies).toEqual([]);
  });
});

describe('an egress that passes and signs', () => {
  const opaqueReply = (way: string): Buffer =>
    Buffer.from(
      encodeTransport({
        content: { protocol: 'choria:transport:1', data: '"cmVwbHk="', headers: {} },
        sender: 'n1.example.net',
        federation: { request: 'f'.repeat(32), home: way },
      }),
    );
  const WAY = 'mcollective.reply.0123456789abcdef.1';

  it.each([
    ['one subject', CLUSTER],
    ['two subjects', 'another'],
  ])('takes both kinds of replies from %s, each once', async (_, cluster) => {
    const subjects: string[] = [];
    const { egress, seen, reply, replies, rejections } = await makeNetwork(
      { homes: new Map([[cluster, 'federation']]) },
      (link) => ({
        ...link,
        subscribe: (subscription) => {
          subjects.push(subscription.destination);
          return link.subscribe(subscription);
        },
      }),
    );
    expect(subjects).toEqual(
      [...new Set([cluster, CLUSTER])].map((one) => `choria.federation.${one}.collective`),
    );
    await egress.deliver(requestOf());
    await until('the request is there', () => seen.length > 0);
    reply(opaqueReply(WAY), `choria.federation.${cluster}.collective`);
    if (seen[0] !== undefined) reply(errorReplyAddress(seen[0].body, 'n1.example.net'));
    await until('both are handed over', () => replies.length === 2);
    await settled();
    expect(replies.map((one): Pick<ReadableReplyAddress, 'ingress' | 'replyTo'> => one.home)).toMatchObject([
      { ingress: 'federation', replyTo: WAY },
      { ingress: 'legacy', replyTo: requestOf().home.replyTo },
    ]);
    expect(rejections).toEqual([]);
  });

  it('refuses a reply without a token where nothing passes through', async () => {
    const { reply, replies, rejections } = await makeNetwork();
    reply(opaqueReply(WAY));
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([{ rejection: { code: 'token_malformed' }, home: undefined }]);
    expect(replies).toEqual([]);
  });
});
