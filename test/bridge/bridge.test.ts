import { describe, expect, it } from 'vitest';
import { Bridge, type Route } from '../../src/bridge/bridge.ts';
import { LogObserver } from '../../src/bridge/log-observer.ts';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { makeBrokers } from '../adapters/brokers.ts';
import { createChoriaClient } from '../adapters/choria-client.ts';
import { OK, readFrame, replyTo } from '../adapters/daemon.ts';
import {
  alice,
  BRIDGE,
  type LogLine,
  makeEgress,
  makeIngress,
  makeInstance,
  makeWorld,
  recordingLog,
  settled,
  until,
} from '../adapters/world.ts';

const NODES = ['n1.example.net', 'n2.example.net'];

describe('a bridge', () => {
  it('carries a request to its nodes and their replies home', async () => {
    const { bridge, client, frames, log, toBridge } = await makeWorld();
    const id = client.send({ nodes: NODES });
    await until('all nodes have it', () => frames.length === 2);
    expect(frames.map((frame) => readFrame(frame).requestId)).toEqual([id, id]);
    for (const frame of frames) toBridge(frame.replyTo ?? '', await replyTo(frame));
    await until('both replies are home', () => client.replies.length === 2);
    expect(client.replies).toMatchObject(
      NODES.map((node) => ({ requestId: id, node, sender: node, status: 0, data: new Map([['pong', 1]]) })),
    );
    expect(log).toMatchObject([
      {
        level: 'info',
        message: 'request',
        fields: {
          request_id: id,
          caller_in: 'choria=alice.mcollective',
          caller_out: 'cert=alice',
          action: 'ping',
          targets: 2,
          replies: 2,
          unheard: 0,
        },
      },
    ]);
    expect(bridge.stats.snapshot()).toEqual({
      requestsReceived: 1,
      requestsSent: 1,
      targetsSent: 2,
      repliesReceived: 2,
      repliesSent: 2,
      errorsSent: 0,
      expired: 0,
      rejected: {},
      ignored: { bridged: 0, another_instance: 0, claims_unknown: 0, native: 0 },
    });
    await bridge.stop();
  });

  it('takes no requests before it knows what they wait for', async () => {
    const brokers = makeBrokers();
    const { bridge } = makeInstance(brokers);
    let known: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      void bridge.start(() => {
        resolve();
        return new Promise((done) => {
          known = done;
        });
      });
    });
    await asked;
    const client = await createChoriaClient(brokers, alice);
    client.send();
    await settled();
    expect(bridge.stats.snapshot()).toMatchObject({ requestsReceived: 0 });
    known();
    await bridge.taking;
    client.send();
    await until('it is taken', () => bridge.stats.snapshot().requestsReceived === 1);
    await bridge.stop();
  });

  it('counts a broadcast as one target', async () => {
    const { bridge, client, frames } = await makeWorld();
    client.send();
    await until('it is sent', () => frames.length === 1);
    await settled();
    expect(bridge.stats.snapshot()).toMatchObject({ requestsSent: 1, targetsSent: 1 });
  });

  it('says of its links whether they are up, and where', async () => {
    const { bridge } = await makeWorld();
    expect(bridge.status()).toEqual([
      { name: 'federation', up: true, server: 'memory://nats', buffered: 0 },
      { name: 'legacy', up: true, server: 'memory://stomp', buffered: 0 },
    ]);
    await bridge.stop();
    expect(bridge.status().map(({ up }) => up)).toEqual([false, false]);
  });

  it('sends each collective where its route says, as whom its route says', async () => {
    const brokers = makeBrokers();
    const log: LogLine[] = [];
    const from = makeIngress(brokers, { replyCollectives: new Set(['mcollective', 'uk']) });
    const route = (collective: string, caller: string): Route => ({
      from,
      to: makeEgress(brokers, { name: `to ${collective}`, collectives: [collective] }),
      collectives: new Set([collective]),
      identities: {
        rules: [
          { match: { kind: 'exact', name: 'choria=alice.mcollective' }, to: caller, privileged: false },
        ],
        privileged: [],
      },
    });
    const bridge = new Bridge({
      identity: BRIDGE,
      cluster: 'prod',
      instance: '1',
      routes: [route('mcollective', 'cert=alice'), route('uk', 'cert=alice-uk')],
      observers: [new LogObserver({ log: recordingLog(log), clock: () => brokers.clock.now })],
      clock: () => brokers.clock.now,
      drainTimeout: 0,
    });
    const frames: IncomingMessage[] = [];
    await brokers.stomp
      .link()
      .subscribe({ destination: '/topic/>', onMessage: (it) => void frames.push(it) });
    for (const collective of ['mcollective', 'uk'])
      await brokers.stomp
        .link()
        .subscribe({ destination: `/topic/${collective}.>`, onMessage: (it) => void frames.push(it) });
    await bridge.start();
    const client = await createChoriaClient(brokers, alice);
    client.send();
    await until('the first is sent', () => frames.length === 1);
    client.send({
      envelope: { collective: 'uk' },
      headers: { 'reply-to': 'uk.reply.x.y' },
      federation: { target: ['uk.broadcast.agent.rpcutil'] },
    });
    await until('the second is sent', () => frames.length === 2);
    expect(frames.map((frame) => [frame.destination, readFrame(frame).callerId])).toEqual([
      ['/topic/mcollective.rpcutil.agent', 'cert=alice'],
      ['/topic/uk.rpcutil.agent', 'cert=alice-uk'],
    ]);
    client.send({
      envelope: { collective: 'fr' },
      federation: { target: ['fr.broadcast.agent.rpcutil'] },
    });
    await until('the third is refused', () => client.replies.length === 1);
    expect(client.replies[0]?.statusMessage).toContain('(collective_not_exported)');
    await bridge.stop();
    expect(
      log.filter(({ fields }) => fields['event'] === 'request').map(({ fields }) => fields['route']),
    ).toEqual(['federation → to mcollective', 'federation → to uk']);
  });

  describe('asked for a trail', () => {
    const trail = [['alice.mcollective', 'nats://a:4222']];

    it('records its hop on the way out and on the way back, each end where it was', async () => {
      const { client, frames, toBridge } = await makeWorld();
      client.send({ headers: { 'seen-by': trail } });
      await until('it is sent', () => frames.length === 1);
      const [frame] = frames;
      if (frame === undefined) throw new Error('no frame');
      toBridge(frame.replyTo ?? '', await replyTo(frame, { node: 'n1.example.net' }));
      await until('the reply is home', () => client.replies.length === 1);
      expect(client.replies[0]?.trail).toEqual([
        ...trail,
        ['memory://nats', 'prod:1', 'memory://stomp'],
        ['memory://stomp', 'n1.example.net', 'memory://stomp'],
        ['memory://stomp', 'prod:1', 'memory://nats'],
      ]);
    });

    it('records it also where it answers in its own name', async () => {
      const { client } = await makeWorld({ route: { collectives: new Set() } });
      client.send({ headers: { 'seen-by': [] } });
      await until('the answer is home', () => client.replies.length === 1);
      expect(client.replies[0]?.trail).toEqual([['memory://nats', 'prod:1', 'memory://nats']]);
    });

    it.each([
      ['its own cluster', [['nats://a', 'prod:7', 'nats://b']]],
      ['too many others', Array.from({ length: 32 }, (_, n) => ['nats://a', `c${n}:1`, 'nats://b'])],
    ])('refuses a request that has been through %s', async (_, hops) => {
      const { bridge, client, frames } = await makeWorld();
      client.send({ headers: { 'seen-by': hops } });
      await until('the answer is home', () => client.replies.length === 1);
      expect(client.replies[0]).toMatchObject({ node: BRIDGE, status: 5 });
      expect(bridge.stats.snapshot().rejected).toEqual({ loop: 1 });
      expect(frames).toEqual([]);
    });

    it('lets a request pass that has been through another cluster', async () => {
      const { client, frames } = await makeWorld();
      client.send({ headers: { 'seen-by': [['nats://a', 'production:1', 'nats://b']] } });
      await until('it is sent', () => frames.length === 1);
      expect(client.replies).toEqual([]);
    });
  });

  it('not asked for a trail, records none', async () => {
    const { client, frames, toBridge } = await makeWorld();
    client.send();
    await until('it is sent', () => frames.length === 1);
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    toBridge(frame.replyTo ?? '', await replyTo(frame, { node: 'n1.example.net', payload: OK }));
    await until('the reply is home', () => client.replies.length === 1);
    expect(client.replies[0]?.trail).toBeUndefined();
  });
});
