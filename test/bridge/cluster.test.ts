import { describe, expect, it } from 'vitest';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { COLLECTIVE, makeBrokers } from '../adapters/brokers.ts';
import { createChoriaClient } from '../adapters/choria-client.ts';
import { replyTo } from '../adapters/daemon.ts';
import { alice, makeInstance, settled, until, type WorldOptions } from '../adapters/world.ts';

const REQUESTS = 20;

const makeSides = async () => {
  const brokers = makeBrokers();
  const frames: IncomingMessage[] = [];
  const daemon = brokers.stomp.link();
  for (const destination of [`/topic/${COLLECTIVE}.>`, `/queue/${COLLECTIVE}.nodes`])
    await daemon.subscribe({ destination, onMessage: (frame) => void frames.push(frame) });
  return {
    brokers,
    frames,
    client: await createChoriaClient(brokers, alice),
    instance: (instance: string, options: WorldOptions = {}) =>
      makeInstance(brokers, { ...options, instance }),
    answer: async (frame: IncomingMessage, node: string) =>
      daemon.send({
        destination: frame.replyTo ?? '',
        body: await replyTo(frame, { node }),
        expires: Number.POSITIVE_INFINITY,
      }),
  };
};

describe('two instances of one cluster', () => {
  it('share requests and replies, whichever of them took the request', async () => {
    const { answer, client, frames, instance } = await makeSides();
    const both = [instance('1'), instance('2')];
    for (const { bridge } of both) await bridge.start();
    const ids = Array.from({ length: REQUESTS }, () => client.send());
    await until('all requests are sent, once each', () => frames.length === REQUESTS);
    // Three replies a request, so that they cannot all happen to come to the instance that took it.
    for (const frame of frames) for (const node of ['n1', 'n2', 'n3']) await answer(frame, node);
    await until('all replies are home, once each', () => client.replies.length === 3 * REQUESTS);
    await settled();
    expect(frames).toHaveLength(REQUESTS);
    expect(client.replies).toHaveLength(3 * REQUESTS);
    for (const id of ids)
      expect(
        client.replies
          .filter(({ requestId }) => requestId === id)
          .map(({ node }) => node)
          .sort(),
      ).toEqual(['n1', 'n2', 'n3']);
    const counts = both.map(({ bridge }) => bridge.stats.snapshot());
    for (const { requestsSent, repliesSent, rejected } of counts) {
      expect(requestsSent).toBeGreaterThan(0);
      expect(repliesSent).toBeGreaterThan(0);
      expect(rejected).toEqual({});
    }
    expect(counts.reduce((sum, { requestsSent }) => sum + requestsSent, 0)).toBe(REQUESTS);
    for (const { bridge } of both) await bridge.stop();
    expect(
      both.flatMap(({ log }) => log).some(({ fields }) => fields['taken_by'] === 'another instance'),
    ).toBe(true);
  });

  it('call no reply missing that the other one has carried', async () => {
    const { answer, client, frames, instance } = await makeSides();
    const both = [instance('1'), instance('2')];
    for (const { bridge } of both) await bridge.start();
    const ids = Array.from({ length: REQUESTS }, () => client.send({ nodes: ['n1', 'n2', 'n3'] }));
    await until('all requests are sent', () => frames.length === 3 * REQUESTS);
    for (const [i, frame] of frames.entries()) await answer(frame, `n${(i % 3) + 1}`);
    await until('all replies are home', () => client.replies.length === 3 * REQUESTS);
    for (const { bridge } of both) await bridge.stop();
    const lines = both.flatMap(({ log }) => log);
    const requests = lines.filter(({ fields }) => fields['event'] === 'request');
    expect(requests.map(({ fields }) => fields['request_id']).toSorted()).toEqual(ids.toSorted());
    // What one has not heard of, the other one tells of.
    const sum = (name: string): number =>
      requests.reduce((total, { fields }) => total + Number(fields[name]), 0);
    const carried = lines.filter(({ fields }) => fields['event'] === 'replies');
    expect(sum('unheard')).toBeGreaterThan(0);
    expect(sum('unheard')).toBe(carried.reduce((total, { fields }) => total + Number(fields['replies']), 0));
    expect(requests.filter(({ fields }) => 'unheard_nodes' in fields).length).toBeGreaterThan(0);
    expect(JSON.stringify(lines)).not.toMatch(/missing|not answered|silent/);
  });

  it('one that starts after a request was sent carries its replies home, hops and all', async () => {
    const { answer, client, frames, instance } = await makeSides();
    const first = instance('1');
    await first.bridge.start();
    const id = client.send({ nodes: ['n1', 'n2'], headers: { 'seen-by': [] } });
    await until('the request is sent', () => frames.length === 2);
    await first.bridge.stop();
    const [one, two] = frames;
    if (one === undefined || two === undefined) throw new Error('no frames');
    // One waits in the broker's queue before the second instance is there, one comes after.
    await answer(one, 'n1');
    const second = instance('2');
    await second.bridge.start();
    await answer(two, 'n2');
    await until('both replies are home', () => client.replies.length === 2);
    expect(client.replies).toMatchObject(['n1', 'n2'].map((node) => ({ requestId: id, node, status: 0 })));
    expect(client.replies[0]?.trail).toEqual([
      ['memory://nats', 'prod:1', 'memory://stomp'],
      ['memory://stomp', 'n1', 'memory://stomp'],
      ['memory://stomp', 'prod:2', 'memory://nats'],
    ]);
    expect(first.bridge.stats.snapshot()).toMatchObject({ requestsSent: 1, repliesReceived: 0 });
    expect(second.bridge.stats.snapshot()).toMatchObject({ requestsSent: 0, repliesSent: 2, rejected: {} });
    await second.bridge.stop();
    expect(second.log).toMatchObject([
      { message: 'replies', fields: { request_id: id, replies: 2, taken_by: 'another instance' } },
    ]);
  });

  it('of which one knows another ingress refuse what is not theirs', async () => {
    const { answer, client, frames, instance } = await makeSides();
    const first = instance('1');
    await first.bridge.start();
    client.send({ nodes: ['n1'] });
    await until('the request is sent', () => frames.length === 1);
    await first.bridge.stop();
    const second = instance('2', { ingress: { name: 'renamed' } });
    await second.bridge.start();
    if (frames[0] !== undefined) await answer(frames[0], 'n1');
    await until('it is refused', () => second.log.length > 0);
    expect(second.bridge.stats.snapshot().rejected).toEqual({ invalid_reply_to: 1 });
    expect(client.replies).toEqual([]);
    await second.bridge.stop();
  });
});
