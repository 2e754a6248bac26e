import { describe, expect, it } from 'vitest';
import { replyTo } from '../adapters/daemon.ts';
import { makeWorld, settled, until, type World } from '../adapters/world.ts';

const NODES = ['n1.example.net', 'n2.example.net'];

/** The bridge's clock, at a hundred times the pace. */
const hasten = ({ brokers }: World): { stop(): void } => {
  const timer = setInterval(() => {
    brokers.clock.now += 500;
  }, 5);
  return { stop: () => clearInterval(timer) };
};

/** A world with one request in flight, to two nodes. */
const inFlight = async (drainTimeout: number) => {
  const world = await makeWorld({ drainTimeout });
  const id = world.client.send({ nodes: NODES });
  await until('the request is sent', () => world.frames.length === 2);
  await settled();
  const answer = async (): Promise<void> => {
    for (const frame of world.frames) world.toBridge(frame.replyTo ?? '', await replyTo(frame));
  };
  return { ...world, id, answer };
};

describe('a bridge that stops', () => {
  it('takes no new work', async () => {
    const { bridge, client, frames } = await inFlight(0);
    await bridge.stop();
    client.send();
    await settled();
    expect(frames).toHaveLength(2);
    expect(bridge.stats.snapshot().requestsReceived).toBe(1);
  });

  it('waits for the replies to what is in flight, then closes', async () => {
    const world = await inFlight(3_600_000);
    const { answer, bridge, client, id, log } = world;
    let stopped = false;
    const stopping = bridge.stop().then(() => {
      stopped = true;
    });
    await settled();
    expect(bridge.status().map(({ up }) => up)).toEqual([true, true]);
    expect(stopped).toBe(false);
    await answer();
    await until('the replies are home', () => client.replies.length === 2);
    await stopping;
    expect(client.replies).toMatchObject(NODES.map((node) => ({ requestId: id, node, status: 0 })));
    expect(bridge.status().map(({ up }) => up)).toEqual([false, false]);
    expect(log).toMatchObject([{ message: 'request', fields: { replies: 2, unheard: 0 } }]);
  });

  it('waits no longer than it may, and writes up what is missing', async () => {
    const world = await inFlight(10_000);
    const pace = hasten(world);
    await world.bridge.stop();
    pace.stop();
    expect(world.bridge.status().map(({ up }) => up)).toEqual([false, false]);
    expect(world.log).toMatchObject([{ message: 'request', fields: { replies: 0, unheard: 2 } }]);
  });

  it('waits for a broadcast’s replies until they have ceased to come', async () => {
    const world = await makeWorld({ drainTimeout: 3_600_000 });
    const { bridge, client, frames, toBridge } = world;
    client.send();
    await until('the request is sent', () => frames.length === 1);
    const stopping = bridge.stop();
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    toBridge(frame.replyTo ?? '', await replyTo(frame, { node: 'n1.example.net' }));
    await until('the reply is home', () => client.replies.length === 1);
    const pace = hasten(world);
    await stopping;
    pace.stop();
    expect(world.log).toMatchObject([{ message: 'request', fields: { targets: 'broadcast', replies: 1 } }]);
  });

  it('with nothing in flight stops at once, clock or no clock', async () => {
    const { bridge } = await makeWorld({ drainTimeout: 3_600_000 });
    await bridge.stop();
    expect(bridge.status().map(({ up }) => up)).toEqual([false, false]);
  });

  it('serves what had come in already, because no other instance will get it', async () => {
    const { bridge, client, frames, toBridge } = await makeWorld({ drainTimeout: 3_600_000 });
    const id = client.send({ nodes: ['n1.example.net'] });
    const stopping = bridge.stop();
    await until('the request is sent', () => frames.length === 1);
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    toBridge(frame.replyTo ?? '', await replyTo(frame));
    await stopping;
    await until('the reply is home', () => client.replies.length === 1);
    expect(client.replies).toMatchObject([{ requestId: id, node: 'n1.example.net', status: 0 }]);
    expect(bridge.stats.snapshot().rejected).toEqual({});
  });
});
