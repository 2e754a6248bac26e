import { beforeAll, describe, expect, it, vi } from 'vitest';
import { parseExpr } from '../../../src/adapters/kit/filter-language/expr-parser.ts';
import { EMPTY_FILTER, type Filter } from '../../../src/envelope/filter.ts';
import type { Egress } from '../../../src/envelope/port.ts';
import { Rejection } from '../../../src/envelope/rejection.ts';
import { SigningPool } from '../../../src/pki/signing-pool.ts';
import { type Delivered, egressContract, requestAt } from '../../../src/testing/egress-contract.ts';
import { toNodes } from '../../../src/testing/targets.ts';
import type { IncomingMessage } from '../../../src/transport/link.ts';
import { type Brokers, CLUSTER, COLLECTIVE, makeBrokers } from '../brokers.ts';
import { readFrame, replyTo } from '../daemon.ts';
import { aliceKeys, BRIDGE, makeEgress, until, type WorldOptions } from '../world.ts';

const onlyAlice: WorldOptions['egress'] = {
  signers: {
    signerFor: (callerId) => {
      if (callerId !== 'cert=alice') throw new Rejection('no_signing_key', `no key for ${callerId}`);
      return { callerId, key: aliceKeys.privateKey };
    },
  },
};

/** Everything that reaches the legacy side. */
const listen = async (brokers: Brokers) => {
  const frames: IncomingMessage[] = [];
  const link = brokers.stomp.link();
  for (const destination of [`/topic/${COLLECTIVE}.>`, `/queue/${COLLECTIVE}.nodes`])
    await link.subscribe({ destination, onMessage: (frame) => void frames.push(frame) });
  const send = (destination: string, body: Uint8Array): void =>
    link.send({ destination, body, expires: Number.POSITIVE_INFINITY });
  return { frames, send };
};

describe.each(['marshal', 'yaml'] as const)('with daemons of %s', (serializer) => {
  egressContract(`mcollective-stomp (${serializer})`, async () => {
    const brokers = makeBrokers();
    const { frames, send } = await listen(brokers);
    const make = (): Egress => makeEgress(brokers, { ...onlyAlice, serializer });
    return {
      egress: make(),
      another: make,
      unknownCaller: 'cert=bob',
      now: Math.floor(brokers.clock.now / 1000),
      delivered: () =>
        frames.map((frame): Delivered => {
          const { requestId: id, callerId: caller, ...rest } = readFrame(frame, serializer);
          const back = frame.replyTo ?? '';
          return {
            node: frame.headers['mc_identity'],
            request: { id, caller, ...rest },
            answer: async (node, payload) => send(back, await replyTo(frame, { node, payload, serializer })),
            answerFalsely: async (node) =>
              send(back, await replyTo(frame, { node, serializer, key: aliceKeys.privateKey })),
            answerWith: (bytes) => send(back, bytes),
          };
        }),
    };
  });
});

describe('the egress mcollective-stomp', () => {
  const delivered = async (
    part: Parameters<typeof requestAt>[1] = {},
    options: WorldOptions['egress'] = {},
  ) => {
    const brokers = makeBrokers();
    const { frames, send } = await listen(brokers);
    const egress = makeEgress(brokers, options);
    const replies: string[] = [];
    await egress.start({
      reply: ({ sender }) => void replies.push(sender),
      rejected: (rejection) => void replies.push(rejection.code),
    });
    await egress.deliver(requestAt(Math.floor(brokers.clock.now / 1000), part));
    await until('the request is there', () => frames.length > 0);
    return { frames, send, replies, egress, now: brokers.clock.now };
  };
  const nodes = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, i) => `n${i}.example.net`);

  describe('with a plain broadcast', () => {
    let frame: IncomingMessage;
    let now: number;
    beforeAll(async () => {
      const sent = await delivered();
      now = sent.now;
      if (sent.frames[0] === undefined) throw new Error('no frame');
      frame = sent.frames[0];
    });

    it('sends it to the agent’s topic, with a reply queue below the collective’s', () => {
      expect(frame.destination).toBe('/topic/mcollective.rpcutil.agent');
      expect(frame.replyTo).toMatch(/^\/queue\/mcollective\.reply\.prod\.[\w-]+$/);
    });

    it('writes the headers of the connector’s', () => {
      const seconds = Math.floor(now / 1000);
      expect(frame.headers).toEqual({
        timestamp: String(seconds * 1000),
        expires: String((seconds + 60 + 10) * 1000),
        mc_sender: BRIDGE,
        mcbridge: CLUSTER,
      });
    });

    it('calls itself the sender, and alice the caller', () => {
      expect(readFrame(frame)).toMatchObject({ senderId: BRIDGE, callerId: 'cert=alice' });
    });
  });

  it('marks every frame as a bridge’s, so that none takes it in again', async () => {
    const targets = toNodes(nodes(3));
    for (const directLimit of [0, 200]) {
      const { frames } = await delivered({ targets }, { directLimit });
      await until('all are there', () => frames.length === (directLimit === 0 ? 1 : 3));
      for (const frame of frames) expect(frame.headers['mcbridge']).toBe(CLUSTER);
    }
  });

  it('uses one topic for all agents where the collective does', async () => {
    const { frames } = await delivered({}, { agentsMultiplex: true });
    expect(frames[0]?.destination).toBe('/topic/mcollective.agents');
  });

  it('sends the priority that was asked for', async () => {
    const { frames } = await delivered({}, { priority: 6 });
    expect(frames[0]?.headers).toMatchObject({ priority: '6' });
  });

  it('writes and reads base64 where the collective does', async () => {
    const { frames, send, replies } = await delivered({}, { base64: true });
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    expect(frame.body.toString('latin1')).toMatch(/^([\w+/]{60}\n)+[\w+/]*={0,2}\n$/);
    const plain = { ...frame, body: Buffer.from(frame.body.toString('latin1'), 'base64') };
    const reply = (await replyTo(plain, { node: 'n1.example.net' })).toString('base64');
    send(frame.replyTo ?? '', Buffer.from(reply.replace(/.{60}/g, '$&\r\n')));
    await until('the reply is read', () => replies.length > 0);
    expect(replies).toEqual(['n1.example.net']);
  });

  it('signs once, however many nodes there are', async () => {
    const { frames } = await delivered({ targets: toNodes(nodes(200)) });
    await until('all are there', () => frames.length === 200);
    expect(new Set(frames.map(({ body }) => body.toString('latin1'))).size).toBe(1);
    expect(frames.map(({ headers }) => headers['mc_identity'])).toEqual(nodes(200));
    expect(new Set(frames.map(({ destination }) => destination))).toEqual(
      new Set(['/queue/mcollective.nodes']),
    );
  });

  describe('with requests that wait for their signature', () => {
    const stage = (maxUnsignedBytes: number, key = aliceKeys.privateKey) => {
      const brokers = makeBrokers();
      const pool = new SigningPool(1);
      const sign = vi.spyOn(pool, 'sign');
      const egress = makeEgress(brokers, {
        pool,
        maxUnsignedBytes,
        signers: { signerFor: (callerId) => ({ callerId, key }) },
      });
      const request = requestAt(Math.floor(brokers.clock.now / 1000));
      return { brokers, pool, sign, egress, request };
    };

    it('has them wait where replies go before them', async () => {
      const { egress, request, sign } = stage(12_000);
      await egress.deliver(request);
      expect(sign.mock.calls.map(([algorithm, , , priority]) => [algorithm, priority])).toEqual([
        ['sha1', 'request'],
      ]);
    });

    it('refuses one more than may wait, and takes one again once there is room', async () => {
      const { egress, request } = stage(12_000);
      const waiting = [egress.deliver(request), egress.deliver(request)];
      await expect(egress.deliver(request)).rejects.toMatchObject({ code: 'overloaded' });
      await Promise.all(waiting);
      await egress.deliver(request);
    });

    it('neither signs nor sends what has expired meanwhile', async () => {
      // A key that says so when it is used.
      const { brokers, egress, request, pool } = stage(1_000_000, aliceKeys.publicKey);
      const { frames } = await listen(brokers);
      // Keeps the one thread busy.
      const before = pool.sign('sha1', Buffer.from('x'), aliceKeys.privateKey, 'reply');
      const late = Array.from({ length: 100 }, () => egress.deliver(request));
      brokers.clock.now = request.home.expires;
      const outcomes = await Promise.allSettled(late);
      expect(outcomes).toEqual(
        late.map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'expired' }) })),
      );
      await before;
      expect(frames).toEqual([]);
    });
  });

  it('gives each 200 nodes a reply queue of their own', async () => {
    const { frames } = await delivered({ targets: toNodes(nodes(401)) }, { directLimit: 1_000 });
    await until('all are there', () => frames.length === 401);
    const queues = frames.map(({ replyTo: queue }) => queue);
    expect(new Set(queues).size).toBe(3);
    expect(new Set(queues.slice(0, 200)).size).toBe(1);
    for (const queue of queues) expect(queue?.length).toBeLessThan(1_000);
  });

  it('broadcasts to named nodes once too many directed frames lie unanswered', async () => {
    const asked = nodes(5);
    const { frames, send, replies } = await delivered({ targets: toNodes(asked) }, { directLimit: 4 });
    expect(frames).toHaveLength(1);
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    expect(frame.destination).toBe('/topic/mcollective.rpcutil.agent');
    expect(readFrame(frame).filter).toMatchObject({ identity: asked, agent: ['rpcutil'] });
    send(frame.replyTo ?? '', await replyTo(frame, { node: 'n4.example.net' }));
    send(frame.replyTo ?? '', await replyTo(frame, { node: 'n5.example.net' }));
    await until('both replies are read', () => replies.length === 2);
    expect(replies).toEqual(['n4.example.net', 'unexpected_sender']);
  });

  it('joins a filter by identity of the request’s own with the names', async () => {
    const filter = { ...EMPTY_FILTER, identity: ['/web/', 'n1.example.net', 'n9.example.net'] };
    const { frames } = await delivered({ targets: toNodes(nodes(2)), filter }, { directLimit: 1 });
    expect(frames).toHaveLength(1);
    expect(frames[0] && readFrame(frames[0]).filter.identity).toEqual([
      '/\\A(?=(?:n0\\.example\\.net|n1\\.example\\.net)\\z)(?=.*?(?:web))/',
      'n1.example.net',
    ]);
  });

  it('refuses more nodes than may be directed where their names cannot be joined with the filter', async () => {
    const brokers = makeBrokers();
    const egress = makeEgress(brokers, { directLimit: 4 });
    const filter: Filter = { ...EMPTY_FILTER, identity: ['/(?x)web # those/'], language: 'mcollective' };
    const request = requestAt(Math.floor(brokers.clock.now / 1000), { filter });
    const asked = (count: number) => ({
      ...request,
      targets: toNodes(nodes(count)),
    });
    await egress.deliver(asked(3));
    await expect(egress.deliver(asked(4))).rejects.toMatchObject({ code: 'unsupported_filter' });
  });

  it('puts no frame into the queue for a node that lives elsewhere', async () => {
    const targets = toNodes(nodes(2));
    const whereabouts = (_: string, node: string) => (node === 'n1.example.net' ? 'elsewhere' : 'here');
    const { frames } = await delivered({ targets }, { nodes: { whereabouts } });
    expect(frames.map(({ destination }) => destination)).toEqual(['/topic/mcollective.rpcutil.agent']);
    expect(frames[0] && readFrame(frames[0]).filter.identity).toEqual(nodes(2));
  });

  it('does not count frames of a request that cannot be said to daemons', async () => {
    const asked = nodes(4);
    const { egress, frames, now } = await delivered(
      { targets: toNodes(asked), filter: EMPTY_FILTER },
      { directLimit: 9 },
    );
    await until('all are there', () => frames.length === 4);
    const next = requestAt(Math.floor(now / 1000), {
      id: 'a'.repeat(32),
      targets: toNodes(asked),
    });
    const compound = [parseExpr('semver(fact("a"), "> 1")')];
    const refused = { ...next, filter: { ...EMPTY_FILTER, compound } };
    await expect(egress.deliver(refused)).rejects.toMatchObject({ code: 'unsupported_filter' });
    await egress.deliver(next);
    await until('it is directed', () => frames.length === 8);
    expect(frames.at(-1)?.headers).toHaveProperty('mc_identity');
  });

  it('directs again when the earlier frames have been answered', async () => {
    const targets = toNodes(nodes(3));
    const { egress, frames, send, replies, now } = await delivered({ targets }, { directLimit: 4 });
    await until('all are there', () => frames.length === 3);
    const next = requestAt(Math.floor(now / 1000), { targets, id: 'a'.repeat(32) });
    await egress.deliver({ ...next, home: { ...next.home, requestId: next.id } });
    await until('it is broadcast', () => frames.length === 4);
    expect(frames[3]?.headers).not.toHaveProperty('mc_identity');
    for (const frame of frames.slice(0, 3)) send(frame.replyTo ?? '', await replyTo(frame));
    await until('all have answered', () => replies.length === 3);
    await egress.deliver({ ...next, id: 'b'.repeat(32), home: { ...next.home, requestId: 'b'.repeat(32) } });
    await until('it is directed', () => frames.length === 7);
    expect(frames.at(-1)?.headers).toHaveProperty('mc_identity');
  });
});
