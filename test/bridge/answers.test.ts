import { describe, expect, it } from 'vitest';
import type { NodeKnowledge } from '../../src/bridge/bridge.ts';
import type { ReadableReply, ReplyPayload } from '../../src/envelope/message.ts';
import { readable } from '../../src/envelope/message.ts';
import type { Refusal } from '../../src/envelope/observer.ts';
import { Rejection, type RejectionCode } from '../../src/envelope/rejection.ts';
import { SigningPool } from '../../src/pki/signing-pool.ts';
import { requestAt } from '../../src/testing/egress-contract.ts';
import { OK } from '../adapters/daemon.ts';
import { clientFrame, fakeLink, makeStompIngress, readReply } from '../adapters/mcollective/ingress-world.ts';
import { BRIDGE, settled, until } from '../adapters/world.ts';
import { type StageOptions, startedStage } from './stage.ts';

const NODE = 'n1.example.net';
const clock = { now: Date.now() };

/** A bridge whose sides do what a test says, and what comes to them. */
const stage = async (options: StageOptions = {}) => {
  const { replies, requests, delivered, lines, ...rest } = await startedStage({
    clock: () => clock.now,
    ...options,
  });
  const homeOf = () => ({
    ...requestAt(Math.floor(clock.now / 1000)).home,
    ...(options.ingress?.name !== undefined && { ingress: options.ingress.name }),
  });
  return {
    ...rest,
    requests: delivered,
    reply: (part: Partial<ReadableReply> = {}): void =>
      replies.reply({ home: homeOf(), sender: NODE, time: 0, payload: OK, ...part }),
    refuseRequest: (rejection: Rejection): void => requests.rejected(rejection, homeOf()),
    refuseReply: (rejection: Rejection, broadcast?: boolean): void =>
      replies.rejected(rejection, homeOf(), broadcast),
    unsent: () => lines.filter(({ fields }) => fields['event'] === 'reply_not_sent'),
  };
};

const isGood = ({ payload }: ReadableReply): boolean => payload.kind === 'rpc' && payload.statusCode === 0;

describe('a reply that cannot go home as it is', () => {
  it.each(['too_large', 'unsupported_value', 'limit_exceeded', 'internal'] as const)(
    'because it is %s is answered in the node’s name',
    async (code) => {
      const { bridge, home, reply, unsent } = await stage({
        refuses: (it) => (isGood(it) ? new Rejection(code, 'it does not fit') : undefined),
      });
      reply();
      expect(home).toMatchObject([
        {
          sender: NODE,
          payload: {
            statusCode: 5,
            statusMessage: `mcbridge: the reply of ${NODE} could not be sent: it does not fit (${code})`,
          },
        },
      ]);
      // It takes the room of the reply that it stands for.
      expect(home[0]).not.toHaveProperty('refusal');
      expect(unsent()).toHaveLength(1);
      expect(bridge.stats.snapshot()).toMatchObject({
        repliesSent: 0,
        errorsSent: 1,
        rejected: { [code]: 1 },
      });
    },
  );

  it('because legacy clients cannot have one of its values, is answered to them', async () => {
    const link = fakeLink();
    const ingress = makeStompIngress(link, { clock: () => clock.now });
    const { requests, reply } = await stage({ ingress });
    link.deliver(clientFrame({ time: Math.floor(clock.now / 1000) }));
    await settled();
    const [request] = requests;
    if (request === undefined) throw new Error('the request did not pass');
    const data = new Map([['half', '\ud800']]);
    reply({
      home: readable(request).home,
      payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data },
    });
    await ingress.close();
    expect(link.sent).toHaveLength(1);
    expect(readReply(Buffer.from(link.sent[0]?.body ?? ''))).toMatchObject({
      senderId: NODE,
      requestId: request.id,
      payload: { statusCode: 5, statusMessage: expect.stringMatching(/\(unsupported_value\)$/) },
    });
  });

  it.each<RejectionCode>(['overloaded', 'draining', 'invalid_reply_to', 'collective_not_exported'])(
    'because of the way, %s, is not answered',
    async (code) => {
      const { home, reply, unsent } = await stage({
        refuses: (it) => (isGood(it) ? new Rejection(code, 'no') : undefined),
      });
      reply();
      expect(home).toEqual([]);
      expect(unsent()).toHaveLength(1);
    },
  );

  it('is answered once, whatever becomes of that', async () => {
    const asked: ReadableReply[] = [];
    const { bridge, reply, unsent } = await stage({
      refuses: (it) => {
        asked.push(it);
        return new Rejection('too_large', 'nothing fits');
      },
    });
    reply();
    expect(asked).toHaveLength(2);
    expect(unsent()).toHaveLength(2);
    expect(bridge.stats.snapshot()).toMatchObject({ errorsSent: 0, rejected: { too_large: 2 } });
  });

  it('is not answered to discovery, which takes any answer as a node found', async () => {
    const asked: ReplyPayload[] = [];
    const { reply } = await stage({
      refuses: ({ payload }) => {
        asked.push(payload);
        return new Rejection('too_large', 'nothing fits');
      },
    });
    const request = requestAt(Math.floor(clock.now / 1000), { agent: 'discovery' });
    reply({ home: { ...request.home, agent: 'discovery' }, payload: { kind: 'discovery' } });
    expect(asked).toEqual([{ kind: 'discovery' }]);
  });
});

describe('a refused reply', () => {
  const inventory: NodeKnowledge = { observe: () => undefined, isLocal: (_, __, node) => node === NODE };
  const refusal = new Rejection('invalid_signature', 'it is forged', { sender: NODE });

  it('of a node that answers a broadcast on the requester’s own side is no second answer', async () => {
    const { bridge, home, refuseReply } = await stage({ inventory });
    refuseReply(refusal, true);
    expect(home).toEqual([]);
    expect(bridge.stats.snapshot().rejected).toEqual({ invalid_signature: 1 });
  });

  it.each([
    ['of such a node, where it alone was asked,', refusal, false],
    ['of another node', new Rejection('invalid_signature', 'it is forged', { sender: 'n2' }), true],
    ['of nobody knows whom', new Rejection('malformed_marshal', 'it is nothing'), true],
  ])('%s is answered', async (_, rejection, broadcast) => {
    const { home, refuseReply } = await stage({ inventory });
    refuseReply(rejection, broadcast);
    expect(home).toMatchObject([{ sender: rejection.context.sender ?? BRIDGE, payload: { statusCode: 5 } }]);
    expect(home[0]).not.toHaveProperty('refusal');
  });
});

describe('refusals of requests', () => {
  const forged = new Rejection('invalid_signature', 'it is forged');

  it('are marked, so that nodes’ replies can go before them', async () => {
    const { home, refuseRequest } = await stage();
    refuseRequest(forged);
    expect(home).toMatchObject([{ sender: BRIDGE, refusal: true, payload: { statusCode: 5 } }]);
  });

  it('that there is no room for are counted each, and told every ten seconds', async () => {
    const { bridge, refuseRequest, unsent } = await stage({
      refuses: () => new Rejection('overloaded', 'too many'),
    });
    for (let n = 0; n < 50; n++) refuseRequest(forged);
    expect(unsent()).toHaveLength(1);
    clock.now += 10_000;
    refuseRequest(forged);
    expect(unsent()).toHaveLength(2);
    expect(unsent()[1]).toMatchObject({ level: 'warn', fields: { reason: 'overloaded', untold: 49 } });
    expect(bridge.stats.errors().reply).toBe(51);
  });

  it('reach whoever observes, each of them, also where the log counts what it does not print', async () => {
    const seen: Refusal[] = [];
    const { refuseRequest } = await stage({
      refuses: () => new Rejection('overloaded', 'too many'),
      observer: { refused: (refusal) => seen.push(refusal) },
    });
    for (let n = 0; n < 500; n++) refuseRequest(forged);
    const codes = seen.map(({ code }) => code);
    expect(codes.filter((code) => code === 'invalid_signature')).toHaveLength(500);
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(500);
  });

  it('neither delay nor displace a node’s reply, however many forged requests there are', async () => {
    const link = fakeLink();
    const ingress = makeStompIngress(link, {
      clock: () => clock.now,
      pool: new SigningPool(1),
      maxUnsignedBytes: 1,
    });
    const { bridge, requests, reply } = await stage({ ingress });
    const time = Math.floor(clock.now / 1000);
    link.deliver(clientFrame({ time }));
    await settled();
    const [request] = requests;
    if (request === undefined) throw new Error('the request did not pass');
    const forgedFrame = clientFrame({ time, callerId: 'cert=mallory' });
    for (let n = 0; n < 1_000; n++) link.deliver(forgedFrame);
    reply({ home: readable(request).home });
    const place = (): number => link.sent.findIndex(({ headers }) => headers?.['mc_sender'] === NODE);
    await until('the reply is home', () => place() >= 0);
    // Behind the one signature that had begun.
    expect(place()).toBe(1);
    await ingress.close();
    expect(link.sent).toHaveLength(101);
    expect(bridge.stats.snapshot().rejected).toEqual({ caller_not_allowed: 1_000, overloaded: 900 });
  });
});
