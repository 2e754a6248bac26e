import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeAuthority } from '../../../support/pki.ts';
import { authority, settled, until } from '../../world.ts';
import {
  type ClientRequest,
  clientRequest,
  type FederationOptions,
  makeFederation,
  STRICT,
} from './world.ts';

const PING = 'mcollective.broadcast.agent.rpcutil';
const bob = authority.issue({ commonName: 'bob.mcollective', usages: ['client'] });
const guest = authority.issue({ commonName: 'guest.example.net', usages: ['client'] });
const stranger = makeAuthority('somebody else').issue({ commonName: 'alice.mcollective' });

/** What the RPC error to the client says, layer by layer. */
const reply = z.object({ message: z.string() });
const statusOf = (payload: string): string => {
  const { data } = z.object({ data: z.string() }).parse(JSON.parse(payload));
  const secure = reply.parse(JSON.parse(Buffer.from(data, 'base64').toString()));
  const body = z.object({ statuscode: z.literal(5), statusmsg: z.string() });
  return body.parse(JSON.parse(reply.parse(JSON.parse(secure.message)).message)).statusmsg;
};

const refused = async (request: ClientRequest, options: FederationOptions = {}) => {
  const world = await makeFederation(options);
  const { payload, requestId, replyTo } = clientRequest(request);
  world.request(payload);
  await until('it is refused', () => world.refusals().length > 0);
  await settled();
  expect(world.collective).toEqual([]);
  expect(world.other).toEqual([]);
  const line = world.log.find(({ fields }) => fields['reason'] !== undefined);
  expect(line?.fields).toMatchObject({ request_id: requestId, sender: 'alice.mcollective' });
  // What the client published itself is seen there as well.
  const answers = world.federation.slice(1);
  return { reasons: world.refusals(), answers, replyTo, line };
};

describe('a request that passes nowhere', () => {
  it.each<[what: string, reason: string, targets: readonly string[]]>([
    ['a member network of another route', 'collective_mismatch', [PING, 'other.node.n1']],
    ['the same from the other side', 'collective_mismatch', ['other.node.n1', PING]],
    ['a collective with other rules on the same network', 'collective_mismatch', [PING, 'strict.node.n1']],
    ['a collective that is not exported', 'collective_mismatch', [PING, 'secret.node.n1']],
    ['a client’s replies', 'invalid_target', ['mcollective.reply.0123.1']],
    ['another federation', 'collective_mismatch', [PING, 'choria.node.n1']],
    ['another federation’s brokers', 'invalid_target', [PING, 'choria.federation.other.federation']],
    ['everybody', 'invalid_target', ['mcollective.broadcast.agent.>']],
    ['every node', 'invalid_target', ['mcollective.node.*']],
    ['every collective', 'invalid_target', [PING, '*.node.n1']],
    ['an agent that is none', 'invalid_target', ['mcollective.broadcast.agent.a.b']],
    ['no agent', 'invalid_target', ['mcollective.broadcast.agent.']],
    ['no node', 'invalid_target', ['mcollective.node.']],
    ['an end of line', 'invalid_target', ['mcollective.node.n1\r\nPUB x 1']],
    ['the collective alone', 'invalid_target', [PING, 'mcollective']],
    ['another kind of broadcast', 'invalid_target', ['mcollective.broadcast.all.rpcutil']],
  ])('to %s: %s', async (_, reason, targets) => {
    const { reasons, answers, replyTo } = await refused({ targets });
    expect(reasons).toEqual([reason]);
    expect(answers.map(({ subject }) => subject)).toEqual([replyTo]);
    expect(statusOf(answers[0]?.payload ?? '')).toContain(`(${reason})`);
  });

  it('to one target too many', async () => {
    const targets = ['n1', 'n2', 'n3'].map((node) => `mcollective.node.${node}`);
    const { reasons, answers } = await refused({ targets }, { ingress: { maxTargets: 2 } });
    expect(reasons).toEqual(['too_many_targets']);
    expect(statusOf(answers[0]?.payload ?? '')).toMatch(/3 targets, more than the 2 allowed/);
    const world = await makeFederation({ ingress: { maxTargets: 3 } });
    world.request(clientRequest({ targets }).payload);
    await until('all is passed on', () => world.collective.length === 3);
  });

  it.each<[what: string, reason: string, replyTo: string | undefined]>([
    ['a collective that is not exported', 'collective_not_exported', 'secret.reply.x'],
    ['a node', 'invalid_reply_to', 'mcollective.node.n1'],
    ['another federation', 'invalid_reply_to', 'choria.federation.other.federation'],
    ['this federation', 'invalid_reply_to', 'choria.federation.production.federation'],
    ['many at once', 'invalid_reply_to', 'mcollective.reply.*'],
    ['a collective without a reply', 'invalid_reply_to', 'mcollective.reply'],
    ['nowhere', 'missing_field', undefined],
  ])('with replies to %s, and nobody is told: %s', async (_, reason, replyTo) => {
    const { reasons, answers } = await refused({ headers: { 'reply-to': replyTo } });
    expect(reasons).toEqual([reason]);
    expect(answers).toEqual([]);
  });

  it('whose trail shows that it goes round', async () => {
    const hops = [
      ['alice.mcollective', 'nats://a'],
      ['nats://a', 'production:7', 'nats://b'],
    ];
    const { reasons } = await refused({ headers: { 'seen-by': hops } });
    expect(reasons).toEqual(['loop']);
  });
});

describe('a request to a collective whose requests are verified', () => {
  const strict = (request: ClientRequest = {}): ClientRequest => ({ collective: STRICT, ...request });
  const SERVICE = 'strict.broadcast.service.rpcutil';

  it.each<[what: string, ClientRequest]>([
    ['to nodes', { targets: ['strict.node.n1', 'strict.node.n2'] }],
    ['to its agent', { targets: ['strict.broadcast.agent.rpcutil'] }],
    ['to its service', { targets: [SERVICE] }],
  ])('passes %s', async (_, request) => {
    const world = await makeFederation();
    world.request(clientRequest(strict(request)).payload);
    await until('it is passed on', () => world.collective.length === request.targets?.length);
    expect(world.collective.map(({ subject }) => subject)).toEqual(request.targets);
  });

  const tampered = (data: string): string => {
    const text = Buffer.from(data, 'base64').toString();
    return Buffer.from(text.replace('\\"ttl\\":60', '\\"ttl\\":61')).toString('base64');
  };

  it.each<[what: string, reason: string, ClientRequest]>([
    ['was changed', 'invalid_signature', { data: tampered }],
    ['is of a certificate of another CA', 'untrusted_certificate', { signer: stranger }],
    ['is in another’s name', 'caller_mismatch', { signer: bob }],
    [
      'is of a caller who may not',
      'caller_not_allowed',
      { signer: guest, callerid: 'choria=guest.example.net' },
    ],
    ['has expired', 'expired', { age: 60 }],
    ['is from the future', 'from_the_future', { age: -65 }],
    ['is for another agent', 'agent_mismatch', { targets: ['strict.broadcast.agent.package'] }],
    ['is for another agent’s service', 'agent_mismatch', { targets: ['strict.broadcast.service.package'] }],
    [
      'is for another agent beside a service',
      'agent_mismatch',
      { targets: [SERVICE, 'strict.broadcast.agent.package'] },
    ],
    [
      'was signed for another collective',
      'collective_mismatch',
      { collective: 'mcollective', targets: ['strict.node.n1'] },
    ],
    [
      'was signed for another collective, to a node with a telling name',
      'collective_mismatch',
      { collective: 'mcollective', targets: ['strict.node.n1.broadcast.service.rpcutil'] },
    ],
    ['is in base64 that peers read in different ways', 'malformed_base64', { data: (data) => `${data}!` }],
  ])('is refused where it %s: %s', async (_, reason, request) => {
    const { reasons, line } = await refused(strict(request));
    expect(reasons).toEqual([reason]);
    if (reason !== 'malformed_base64')
      expect(line?.fields).toHaveProperty('caller', expect.stringMatching(/^choria=/));
  });

  it('is refused in protocol 2, which this bridge cannot verify', async () => {
    const world = await makeFederation();
    world.request(
      JSON.stringify({
        protocol: 'io.choria.protocol.v2.transport',
        data: 'eA==',
        headers: {
          reply: 'strict.reply.x',
          sender: 'client',
          federation: { request: 'r1', targets: ['strict.node.n1'] },
        },
      }),
    );
    await until('it is refused', () => world.refusals().length > 0);
    expect(world.refusals()).toEqual(['wrong_protocol']);
    expect(world.log.at(-1)?.fields).toMatchObject({ request_id: 'r1', sender: 'client' });
    expect(world.collective).toEqual([]);
  });
});
