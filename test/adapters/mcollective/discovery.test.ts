import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it, test, vi } from 'vitest';
import { Rejection } from '../../../src/envelope/rejection.ts';
import { SigningPool } from '../../../src/pki/signing-pool.ts';
import type { IncomingMessage } from '../../../src/transport/link.ts';
import { createStompLink } from '../../../src/transport/stomp/index.ts';
import { startActiveMq } from '../../support/activemq.ts';
import { startMcollectived } from '../../support/mcollectived.ts';
import { keyPair } from '../../support/pki.ts';
import { CLUSTER, COLLECTIVE, makeBrokers } from '../brokers.ts';
import { OK, type ReplyDeviation, readFrame, replyTo } from '../daemon.ts';
import { aliceKeys, BRIDGE, makeEgress, until, type WorldOptions } from '../world.ts';

const TOPIC = `/topic/${COLLECTIVE}.discovery.agent`;

/** An egress that has asked who is there, and what it has found. */
const asked = async (options: WorldOptions['egress'] = {}) => {
  const brokers = makeBrokers();
  const frames: IncomingMessage[] = [];
  const link = brokers.stomp.link();
  await link.subscribe({ destination: TOPIC, onMessage: (frame) => void frames.push(frame) });
  const egress = makeEgress(brokers, options);
  const rejections: Rejection[] = [];
  const replies: unknown[] = [];
  await egress.start({
    reply: (reply) => void replies.push(reply),
    rejected: (rejection) => void rejections.push(rejection),
  });
  const found: string[] = [];
  await egress.discover?.(COLLECTIVE, (node) => void found.push(node));
  await until('the question is there', () => frames.length === 1);
  const [frame] = frames;
  if (frame === undefined) throw new Error('nothing was asked');
  const send = (body: Uint8Array): void =>
    link.send({ destination: frame.replyTo ?? '', body, expires: Number.POSITIVE_INFINITY });
  const answer = async (deviation: ReplyDeviation): Promise<void> => send(await replyTo(frame, deviation));
  return { brokers, egress, frames, frame, found, replies, rejections, send, answer };
};

describe('discovery in the bridge’s own name', () => {
  it('waits to be signed where replies go before it', async () => {
    const pool = new SigningPool(1);
    const sign = vi.spyOn(pool, 'sign');
    await asked({ pool });
    expect(sign.mock.calls.map(([algorithm, , , priority]) => [algorithm, priority])).toEqual([
      ['sha1', 'request'],
    ]);
  });

  it('asks all daemons, with no filter, for one minute', async () => {
    const { frame, brokers } = await asked();
    const seconds = Math.floor(brokers.clock.now / 1000);
    expect(readFrame(frame)).toMatchObject({
      senderId: BRIDGE,
      callerId: 'cert=mcbridge',
      collective: COLLECTIVE,
      agent: 'discovery',
      ttl: 60,
      time: seconds,
      filter: { fact: [], cfClass: [], agent: [], identity: [], compound: [] },
      payload: { kind: 'discovery' },
    });
    expect(frame.headers).toEqual({
      timestamp: String(seconds * 1000),
      expires: String((seconds + 60 + 10) * 1000),
      mc_sender: BRIDGE,
      mcbridge: CLUSTER,
    });
  });

  it('has a queue of its own below the collective’s replies', async () => {
    const [one, other] = [await asked(), await asked()];
    const queue = new RegExp(
      `^/queue/${COLLECTIVE}\\.reply\\.mcbridge-discovery_${BRIDGE.replaceAll('.', '_')}_${process.pid}\\.[0-9a-f]+$`,
    );
    expect(one.frame.replyTo).toMatch(queue);
    expect(other.frame.replyTo).not.toBe(one.frame.replyTo);
  });

  it.each(['marshal', 'yaml'] as const)('finds each daemon of %s that answers', async (serializer) => {
    const { found, answer, replies, rejections } = await asked({ serializer });
    await answer({ node: 'n1.example.net', serializer });
    await answer({ node: 'n2.example.net', serializer });
    await until('both are found', () => found.length === 2);
    expect(found).toEqual(['n1.example.net', 'n2.example.net']);
    expect([replies, rejections]).toEqual([[], []]);
  });

  it('finds daemons by answers to earlier questions, for a minute', async () => {
    const { brokers, egress, found, answer, rejections } = await asked();
    await egress.discover?.(COLLECTIVE, () => undefined);
    await answer({ node: 'n1.example.net' });
    await until('it is found', () => found.length === 1);
    brokers.clock.now += 60_000;
    await answer({ node: 'n2.example.net' });
    await until('it is refused', () => rejections.length === 1);
    expect(rejections).toMatchObject([{ code: 'requestid_mismatch', context: { sender: 'n2.example.net' } }]);
    expect(found).toEqual(['n1.example.net']);
  });

  it('reads and writes base64 where the collective does', async () => {
    const { frame, found, send } = await asked({ base64: true });
    const plain = { ...frame, body: Buffer.from(frame.body.toString('latin1'), 'base64') };
    send(Buffer.from((await replyTo(plain, { node: 'n1.example.net' })).toString('base64')));
    await until('it is found', () => found.length === 1);
  });

  it.each<[what: string, code: string, deviation: ReplyDeviation]>([
    ['a signature that is not the daemons’', 'invalid_signature', { key: aliceKeys.privateKey }],
    ['another question’s id', 'requestid_mismatch', { requestId: 'b'.repeat(32) }],
    ['a body that is no pong', 'unsupported_body', { payload: OK }],
  ])('finds nobody by an answer with %s', async (_, code, deviation) => {
    const { found, answer, rejections } = await asked();
    await answer({ node: 'n1.example.net', ...deviation });
    await until('it is refused', () => rejections.length > 0);
    expect(rejections).toMatchObject([{ code, context: { sender: 'n1.example.net' } }]);
    expect(found).toEqual([]);
  });

  it('finds nobody by what is no message, and goes on', async () => {
    const { found, answer, send, rejections } = await asked();
    send(Buffer.from('hello'));
    await answer({ node: 'n1.example.net' });
    await until('the node is found', () => found.length > 0);
    expect(rejections).toMatchObject([{ code: 'malformed_marshal' }]);
  });

  it('asks in the name of a caller where it is told so', async () => {
    const { egress, frames } = await asked();
    await egress.discover?.(COLLECTIVE, () => undefined, undefined, 'cert=alice');
    await until('the other question', () => frames.length === 2);
    expect(frames.map((frame) => readFrame(frame).callerId)).toEqual(['cert=mcbridge', 'cert=alice']);
  });

  it('is refused without a key for its caller', async () => {
    const signerFor = (caller: string): never => {
      throw new Rejection('no_signing_key', `no key for ${caller}`);
    };
    await expect(
      asked({ discovery: { caller: 'cert=nobody' }, signers: { signerFor } }),
    ).rejects.toMatchObject({
      code: 'no_signing_key',
      message: 'no key for cert=nobody',
    });
  });
});

test('real daemons are found by the instance that asks, and by no other', async () => {
  const broker = await startActiveMq();
  const [serverKeys, bridgeKeys] = [keyPair('daemons'), keyPair('bridge')];
  const nodes = ['node1.example.net', 'node2.example.net'];
  const daemons = await Promise.all(
    nodes.map((identity) =>
      startMcollectived({
        identity,
        activemqPort: broker.port,
        user: broker.user,
        password: broker.password,
        serializer: 'marshal',
        mainCollective: COLLECTIVE,
        collectives: [COLLECTIVE],
        serverKeys,
        clientPublicKeys: { mcbridge: bridgeKeys.publicKey },
        facts: {},
        classes: [],
      }),
    ),
  );
  const instance = async () => {
    const rejections: Rejection[] = [];
    const egress = makeEgress(makeBrokers(), {
      link: createStompLink({
        servers: [{ host: '127.0.0.1', port: broker.port }],
        login: broker.user,
        passcode: broker.password,
        vhost: 'mcollective',
        clock: Date.now,
        onEvent: (event) => {
          if (event.kind === 'error') throw event.error;
        },
      }),
      signers: {
        signerFor: (callerId) => ({ callerId, key: createPrivateKey(bridgeKeys.privateKey) }),
      },
      serverKeys: [createPublicKey(serverKeys.publicKey)],
      clock: Date.now,
    });
    await egress.start({
      reply: () => undefined,
      rejected: (rejection) => void rejections.push(rejection),
    });
    return { egress, rejections, found: [] as string[] };
  };
  const instances = await Promise.all([instance(), instance()]);
  try {
    for (const { egress, found } of instances) {
      await egress.discover?.(COLLECTIVE, (node) => void found.push(node));
      await until('all are found', () => found.length >= nodes.length);
    }
    for (const { found, rejections } of instances) {
      expect(found.toSorted()).toEqual(nodes);
      expect(rejections).toEqual([]);
    }
  } finally {
    await Promise.all(instances.map(({ egress }) => egress.close()));
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await broker.stop();
  }
});
