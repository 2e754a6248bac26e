import { describe, expect, it } from 'vitest';
import { type Link, LinkError } from '../../../../src/transport/link.ts';
import { BRIDGE, until } from '../../world.ts';
import { makeNetwork } from './signed-network.ts';
import {
  credentialsOf,
  errorReplyAddress,
  privileged,
  type ReplyDeviation,
  readMessage,
} from './signed-world.ts';

/** An egress that has asked who is there, and what it has found. */
const asked = async (change?: (link: Link) => Link) => {
  const clock = { now: Date.now() };
  const network = await makeNetwork({ clock: () => clock.now }, change);
  const found: string[] = [];
  await network.egress.discover?.('mcollective', (node) => void found.push(node));
  await until('the question is there', () => network.seen.length === 1);
  const [question] = network.seen;
  if (question === undefined) throw new Error('nothing was asked');
  const message = readMessage(question.body, Date.now());
  const { replyTo = '' } = message.transport;
  /** As a node of that name. */
  const answer = (node: string, deviation: ReplyDeviation = {}): void =>
    network.reply(errorReplyAddress(question.body, node, deviation), replyTo);
  return { ...network, clock, found, question, message, answer };
};

describe('discovery in the bridge’s own name', () => {
  it('asks all nodes, with no filter, for one minute', async () => {
    const { question, message, clock } = await asked();
    expect(question.destination).toBe('mcollective.broadcast.agent.discovery');
    expect(message.wire).toMatchObject({
      senderId: BRIDGE,
      callerId: 'choria=mcbridge.privileged.mcollective',
      collective: 'mcollective',
      agent: 'discovery',
      ttl: 60,
      time: Math.floor(clock.now / 1000),
      filter: { fact: [], cfClass: [], agent: [], identity: [], compound: [] },
      message: '"ping"',
    });
  });

  it('looks like a Federation Broker’s to whoever takes in requests, so that nobody does', async () => {
    const { transport, wire } = (await asked()).message;
    expect(transport.replyTo).toMatch(/^choria\.federation\.[\w-]+\.collective$/);
    expect(transport.federation).toEqual({ request: wire.requestId });
  });

  it('has answers of its own, and asks in the name that it is given', async () => {
    const [one, other] = [
      await asked(),
      await makeNetwork({
        credentials: credentialsOf(privileged, { discoveryCaller: 'choria=x.choria' }),
      }),
    ];
    await other.egress.discover?.('mcollective', () => undefined);
    await until('both have asked', () => other.seen.length > 0);
    const message = readMessage(other.seen[0]?.body ?? Buffer.alloc(0), Date.now());
    expect(message.wire.callerId).toBe('choria=x.choria');
    expect(message.transport.replyTo).not.toBe(one.message.transport.replyTo);
  });

  it('asks in the name of a caller where it is told so', async () => {
    const { egress, seen } = await asked();
    await egress.discover?.('mcollective', () => undefined, undefined, 'choria=alice.mcollective');
    await until('the other question', () => seen.length === 2);
    const { wire } = readMessage(seen[1]?.body ?? Buffer.alloc(0), Date.now());
    expect(wire).toMatchObject({ callerId: 'choria=alice.mcollective', agent: 'discovery' });
  });

  it('finds each node that answers, in both dialects, also to an earlier question', async () => {
    const { egress, found, answer, rejections } = await asked();
    await egress.discover?.('mcollective', () => undefined);
    answer('n1.example.net', { dialect: 'ruby' });
    answer('n2.example.net', { dialect: 'go' });
    await until('both are found', () => found.length === 2);
    expect(found).toEqual(['n1.example.net', 'n2.example.net']);
    expect(rejections).toEqual([]);
  });

  it.each<[what: string, code: string, deviation: ReplyDeviation]>([
    ['another checksum', 'invalid_hash', { secure: (text) => text.replace(/"hash":"..../, '"hash":"AAAA') }],
    ['another question’s id', 'requestid_mismatch', { requestId: 'b'.repeat(32) }],
    ['another agent', 'agent_mismatch', { agent: 'rpcutil' }],
    ['a sender who is not the transport’s', 'unexpected_sender', { sender: 'n2.example.net' }],
    ['a body that is no pong', 'unsupported_body', { message: 'ping' }],
  ])('finds nobody by an answer with %s', async (_, code, deviation) => {
    const { found, answer, rejections } = await asked();
    answer('n1.example.net', deviation);
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([{ rejection: { code }, home: undefined }]);
    expect(found).toEqual([]);
  });

  it('finds nobody by what is no message, and goes on', async () => {
    const { found, answer, reply, message, rejections } = await asked();
    reply(Buffer.from('hello'), message.transport.replyTo);
    answer('n1.example.net');
    await until('the node is found', () => found.length > 0);
    expect(rejections).toMatchObject([{ rejection: { code: 'malformed_json' } }]);
  });

  it('finds nobody by an answer that comes later than a minute', async () => {
    const { found, answer, clock, rejections } = await asked();
    clock.now += 60_000;
    answer('n1.example.net');
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([{ rejection: { code: 'requestid_mismatch' } }]);
    expect(found).toEqual([]);
  });

  it('tries again after the server has refused its subject', async () => {
    let refusals = 1;
    const refusing = (link: Link): Link => ({
      ...link,
      subscribe: async (subscription) => {
        // The egress's own subject is not what is refused here.
        if (subscription.group === undefined && refusals-- > 0)
          throw new LinkError('refused', 'permissions violation');
        return link.subscribe(subscription);
      },
    });
    const network = await makeNetwork({}, refusing);
    await expect(network.egress.discover?.('mcollective', () => undefined)).rejects.toMatchObject({
      name: 'Rejection',
      message: expect.stringContaining('permissions violation'),
    });
    await network.egress.discover?.('mcollective', () => undefined);
    await until('the question is there', () => network.seen.length === 1);
  });
});
