import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeToken, readToken } from '../../src/adapters/kit/token.ts';
import { parseReplyDestination, replyDestination } from '../../src/adapters/mcollective/wire/addressing.ts';
import type { RejectionCode } from '../../src/envelope/rejection.ts';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { REFUSED } from './bad-input/reply.ts';
import { CLUSTER, COLLECTIVE } from './brokers.ts';
import type { Deviation } from './choria-client.ts';
import { OK, replyTo } from './daemon.ts';
import {
  aliceKeys,
  BRIDGE,
  makeWorld,
  serverKeys,
  settled,
  tokenKey,
  until,
  type World,
  type WorldOptions,
} from './world.ts';

const NODE = 'n1.example.net';

/** Sends a good request, answers it badly, and waits until the bridge has had its say. */
const refusedReply = async (
  answer: (frame: IncomingMessage, world: World) => Promise<void>,
  request: Deviation = { nodes: [NODE] },
  options: WorldOptions = {},
) => {
  const world = await makeWorld(options);
  const id = world.client.send(request);
  await until('the request is sent', () => world.frames.length === 1);
  const [frame] = world.frames;
  if (frame?.replyTo === undefined) throw new Error('a frame without a reply-to');
  await answer(frame, world);
  await until('the refusal is logged', () => world.refusals().length > 0);
  await settled();
  return { ...world, id };
};

const replyRouter = ({ replyTo: destination = '' }: IncomingMessage) =>
  parseReplyDestination(destination, CLUSTER);

/** Everything in a token as it was, made anew with something else. */
const reminted = (
  frame: IncomingMessage,
  other: {
    readonly cluster?: string;
    readonly protocol?: 'choria';
    readonly collective?: string;
    readonly key?: typeof tokenKey;
    readonly ingress?: string;
  },
): string => {
  const context = {
    key: tokenKey,
    cluster: CLUSTER,
    protocol: 'mcollective' as const,
    collective: COLLECTIVE,
  };
  const { home } = readToken(replyRouter(frame).token, context);
  const token = encodeToken({ ...home, ingress: other.ingress ?? home.ingress }, undefined, {
    ...context,
    ...other,
  });
  return replyDestination(COLLECTIVE, CLUSTER, token);
};

/** By whole groups of four letters, so that it is base64url still. */
const cutShort = (frame: IncomingMessage): string => {
  const { token } = replyRouter(frame);
  return replyDestination(COLLECTIVE, CLUSTER, token.slice(0, (Math.floor(token.length / 4) - 1) * 4));
};

describe('a reply to a destination that no token vouches for', () => {
  it.each<[string, RejectionCode, (frame: IncomingMessage) => string]>([
    ['with a token of another cluster', 'token_forged', (frame) => reminted(frame, { cluster: 'staging' })],
    ['with a token of another protocol', 'token_forged', (frame) => reminted(frame, { protocol: 'choria' })],
    ['with a token of another collective', 'token_forged', (frame) => reminted(frame, { collective: 'uk' })],
    [
      'with a token made with another key',
      'token_forged',
      (frame) => reminted(frame, { key: createSecretKey(randomBytes(32)) }),
    ],
    ['with a token cut short', 'token_forged', cutShort],
    ['with hardly any token', 'token_malformed', () => replyDestination(COLLECTIVE, CLUSTER, 'AQ')],
    ['with a token of more than one part', 'token_malformed', (frame) => `${frame.replyTo}.x`],
    [
      'with a text for a token',
      'token_malformed',
      () => replyDestination(COLLECTIVE, CLUSTER, 'hello there'),
    ],
  ])('%s goes nowhere: %s', async (_, code, destination) => {
    const { bridge, client, refusals } = await refusedReply(async (frame, { toBridge }) =>
      toBridge(destination(frame), await replyTo(frame)),
    );
    expect(bridge.stats.snapshot()).toMatchObject({ rejected: { [code]: 1 }, repliesSent: 0, errorsSent: 0 });
    expect(refusals()).toHaveLength(1);
    expect(client.replies).toEqual([]);
  });

  it('that comes when the request’s ttl has ended goes nowhere, and the log says whose it was', async () => {
    const { bridge, client, id, refusals } = await refusedReply(async (frame, { brokers, toBridge }) => {
      const reply = await replyTo(frame);
      brokers.clock.now += 61_000;
      toBridge(frame.replyTo ?? '', reply);
    });
    expect(bridge.stats.snapshot()).toMatchObject({ rejected: { token_expired: 1 }, errorsSent: 0 });
    expect(refusals()).toMatchObject([{ level: 'info', fields: { request_id: id, agent: 'rpcutil' } }]);
    expect(client.replies).toEqual([]);
  });

  it('that belongs to an ingress which is no more goes nowhere', async () => {
    const { bridge, client, id, refusals } = await refusedReply(async (frame, { toBridge }) =>
      toBridge(reminted(frame, { ingress: 'retired' }), await replyTo(frame)),
    );
    expect(bridge.stats.snapshot()).toMatchObject({ rejected: { invalid_reply_to: 1 }, repliesSent: 0 });
    expect(refusals()).toMatchObject([{ fields: { request_id: id, sender: NODE } }]);
    expect(client.replies).toEqual([]);
  });
});

describe('a reply that cannot be verified or translated', () => {
  it.each(REFUSED)(
    'with $what becomes an RPC error: $code',
    async ({ code, reply, node = NODE, says, world }) => {
      const { bridge, client, id, refusals } = await refusedReply(
        async (frame, { toBridge }) => toBridge(frame.replyTo ?? '', await reply(unwrapped(frame, world))),
        { nodes: [NODE] },
        world,
      );
      expect(bridge.stats.snapshot()).toMatchObject({
        rejected: { [code]: 1 },
        errorsSent: 1,
        repliesReceived: 0,
      });
      expect(client.replies).toMatchObject([
        { requestId: id, node, sender: node, agent: 'rpcutil', status: 5, wrapped: true },
      ]);
      const sentence = client.replies[0]?.statusMessage;
      expect(sentence).toContain(
        node === BRIDGE ? 'a reply was refused' : `the reply of ${node} was refused`,
      );
      expect(sentence).toContain(says);
      expect(sentence).toContain(`(${code})`);
      expect(refusals()).toHaveLength(1);
      expect(refusals()[0]?.fields).toMatchObject({ reason: code, request_id: id, agent: 'rpcutil' });
      expect(refusals()[0]?.fields['sender']).toBe(node === BRIDGE ? undefined : node);
    },
  );

  it('to a discovery goes nowhere, because any answer would count as a node', async () => {
    const { bridge, client, id, refusals } = await refusedReply(
      async (frame, { toBridge }) =>
        toBridge(frame.replyTo ?? '', await replyTo(frame, { key: aliceKeys.privateKey })),
      { agent: 'discovery' },
    );
    expect(bridge.stats.snapshot()).toMatchObject({ rejected: { invalid_signature: 1 }, errorsSent: 0 });
    expect(refusals()).toMatchObject([{ fields: { request_id: id, sender: 'node1.example.net' } }]);
    expect(client.replies).toEqual([]);
  });

  it('that is an RPC reply to a discovery goes nowhere', async () => {
    const { bridge, client } = await refusedReply(
      async (frame, { toBridge }) => toBridge(frame.replyTo ?? '', await replyTo(frame, { payload: OK })),
      { agent: 'discovery' },
    );
    expect(bridge.stats.snapshot().rejected).toEqual({ unsupported_body: 1 });
    expect(client.replies).toEqual([]);
  });

  it('does not keep the next good one from coming home', async () => {
    const { client, frames, toBridge, id } = await refusedReply(async (frame, { toBridge }) =>
      toBridge(frame.replyTo ?? '', randomBytes(300)),
    );
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    toBridge(frame.replyTo ?? '', await replyTo(frame, { key: serverKeys.privateKey }));
    await until('both are there', () => client.replies.length === 2);
    expect(client.replies[1]).toMatchObject({ requestId: id, node: NODE, status: 0 });
  });
});

/** The frame as a daemon sees it, whose connector has taken the base64 off. */
const unwrapped = (frame: IncomingMessage, world: WorldOptions = {}): IncomingMessage =>
  world.egress?.base64 ? { ...frame, body: Buffer.from(frame.body.toString('latin1'), 'base64') } : frame;
