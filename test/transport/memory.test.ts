import { describe, expect, it } from 'vitest';
import type { IncomingMessage, Link, Subscription } from '../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../src/transport/memory/broker.ts';

const FOREVER = Number.POSITIVE_INFINITY;

const listen = async (link: Link, destination: string, rest: Partial<Subscription> = {}) => {
  const got: IncomingMessage[] = [];
  const subscription = await link.subscribe({
    destination,
    onMessage: (message) => void got.push(message),
    ...rest,
  });
  return { got, subscription, texts: () => got.map(({ body }) => body.toString()) };
};
const send = (
  link: Link,
  destination: string,
  text = 'x',
  headers: Readonly<Record<string, string>> = {},
): void => link.send({ destination, headers, body: Buffer.from(text), expires: FOREVER });
const arrived = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the in-process broker', () => {
  it('hands over what was sent, with headers and reply-to, but never at once', async () => {
    const broker = new MemoryBroker(NATS_RULES);
    const { got } = await listen(broker.link(), 'a.b');
    broker.link().send({
      destination: 'a.b',
      replyTo: 'c',
      headers: { x: '1' },
      body: Buffer.from('hello'),
      expires: FOREVER,
    });
    expect(got).toEqual([]);
    await arrived();
    expect(got).toEqual([
      { destination: 'a.b', replyTo: 'c', headers: { x: '1' }, body: Buffer.from('hello') },
    ]);
  });

  it('keeps the order', async () => {
    const broker = new MemoryBroker(STOMP_RULES);
    const { texts } = await listen(broker.link(), '/queue/a');
    const link = broker.link();
    for (let n = 0; n < 50; n++) send(link, '/queue/a', String(n));
    await arrived();
    expect(texts()).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
  });

  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.*.c', 'a.b.c', true],
    ['*.b', 'a.b', true],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.b', 'a.b.c', false],
    ['a.b.c', 'a.b', false],
  ])('lets %s match %s: %s', async (pattern, subject, matches) => {
    const broker = new MemoryBroker(NATS_RULES);
    const { got } = await listen(broker.link(), pattern);
    send(broker.link(), subject);
    await arrived();
    expect(got).toHaveLength(matches ? 1 : 0);
  });

  it('copies a NATS message to each subscriber and to one of each group', async () => {
    const broker = new MemoryBroker(NATS_RULES);
    const plain = [await listen(broker.link(), 'a'), await listen(broker.link(), 'a')];
    const group = [
      await listen(broker.link(), 'a', { group: 'g' }),
      await listen(broker.link(), 'a', { group: 'g' }),
    ];
    const other = await listen(broker.link(), 'a', { group: 'h' });
    const link = broker.link();
    for (let n = 0; n < 10; n++) send(link, 'a');
    await arrived();
    expect(plain.map(({ got }) => got.length)).toEqual([10, 10]);
    expect(group.map(({ got }) => got.length)).toEqual([5, 5]);
    expect(other.got).toHaveLength(10);
  });

  it('shares a queue’s messages among its subscribers, wildcard or not, and copies a topic’s', async () => {
    const broker = new MemoryBroker(STOMP_RULES);
    const queue = [await listen(broker.link(), '/queue/a.>'), await listen(broker.link(), '/queue/a.b')];
    const topic = [await listen(broker.link(), '/topic/a.>'), await listen(broker.link(), '/topic/a.b')];
    const link = broker.link();
    for (let n = 0; n < 10; n++) {
      send(link, '/queue/a.b');
      send(link, '/topic/a.b');
    }
    await arrived();
    expect(queue.map(({ got }) => got.length)).toEqual([5, 5]);
    expect(topic.map(({ got }) => got.length)).toEqual([10, 10]);
  });

  it('keeps a queue’s messages until somebody comes, a topic’s not', async () => {
    const broker = new MemoryBroker(STOMP_RULES);
    const link = broker.link();
    send(link, '/queue/a', 'kept');
    send(link, '/topic/a', 'lost');
    const queue = await listen(broker.link(), '/queue/a');
    const topic = await listen(broker.link(), '/topic/a');
    await arrived();
    expect(queue.texts()).toEqual(['kept']);
    expect(topic.texts()).toEqual([]);
  });

  it('keeps the newest thousand messages that nobody takes', async () => {
    const broker = new MemoryBroker(STOMP_RULES);
    const link = broker.link();
    for (let n = 0; n < 1_001; n++) send(link, '/queue/a', String(n));
    const { texts } = await listen(broker.link(), '/queue/a');
    await arrived();
    expect(texts()).toHaveLength(1_000);
    expect(texts()[0]).toBe('1');
  });

  it('hands over only what a selector selects', async () => {
    const broker = new MemoryBroker(STOMP_RULES);
    const node = (name: string) =>
      listen(broker.link(), '/queue/nodes', { headers: { selector: `mc_identity = '${name}'` } });
    const [first, second] = [await node('n1'), await node('n2')];
    const link = broker.link();
    send(link, '/queue/nodes', 'one', { mc_identity: 'n1' });
    send(link, '/queue/nodes', 'two', { mc_identity: 'n2' });
    send(link, '/queue/nodes', 'none');
    await arrived();
    expect([first.texts(), second.texts()]).toEqual([['one'], ['two']]);
  });

  it('says when it cannot evaluate a selector', async () => {
    const link = new MemoryBroker(STOMP_RULES).link();
    await expect(listen(link, '/queue/a', { headers: { selector: 'a > 1' } })).rejects.toMatchObject({
      name: 'LinkError',
      code: 'protocol',
    });
  });

  it('stops at an unsubscribe, but hands over what had arrived', async () => {
    const broker = new MemoryBroker(NATS_RULES);
    const { subscription, texts } = await listen(broker.link(), 'a');
    const link = broker.link();
    send(link, 'a', 'before');
    await subscription.unsubscribe();
    send(link, 'a', 'after');
    await arrived();
    expect(texts()).toEqual(['before']);
  });

  it('hands over nothing to a closed link, and takes nothing from it', async () => {
    const broker = new MemoryBroker(NATS_RULES);
    const link = broker.link();
    const { got } = await listen(link, 'a');
    send(broker.link(), 'a');
    expect(link.state()).toEqual({ up: true, server: 'memory://nats', buffered: 0 });
    await link.close();
    await arrived();
    expect(got).toEqual([]);
    expect(link.state().up).toBe(false);
    expect(() => send(link, 'a')).toThrow(expect.objectContaining({ name: 'LinkError', code: 'closed' }));
  });
});
