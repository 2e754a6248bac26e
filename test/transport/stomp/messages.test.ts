import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import { STOMP_VERSIONS } from '../../../src/transport/stomp/frame.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { closeLinks, collect, linkTo, outgoing, unique, until } from './harness.ts';
import { startProxy } from './proxy.ts';

let broker: ActiveMq;

beforeAll(async () => {
  broker = await startActiveMq();
});

afterEach(closeLinks);

afterAll(() => broker.stop());

const connected = async (more: Parameters<typeof linkTo>[2] = {}) => {
  const recorded = linkTo([broker], broker, more);
  await recorded.link.open();
  return recorded;
};

const BINARY = Buffer.from([4, 8, 0, 123, 0, 10, 0, 255, 0]);

describe.each(STOMP_VERSIONS)('with ActiveMQ in STOMP %s', (version) => {
  test('a message goes to a queue and back with its headers and NULs', async () => {
    const { link, events } = await connected({ versions: [version] });
    const queue = unique();
    const { messages } = await collect(link, queue);
    const headers = { mc_sender: 'bridge.example.net', expires: `${Date.now() + 60_000}` };
    link.send(outgoing(queue, BINARY, { replyTo: '/queue/mcollective.reply.x_1.1', headers }));
    await until(() => messages.length === 1, 'the message came');
    expect(messages[0]).toMatchObject({
      destination: queue,
      replyTo: '/queue/mcollective.reply.x_1.1',
      headers: { ...headers, subscription: '1', 'content-length': `${BINARY.length}` },
    });
    expect(messages[0]?.body.equals(BINARY)).toBe(true);
    expect(events).toEqual([{ kind: 'connected', server: `stomp://127.0.0.1:${broker.port}` }]);
  });
});

test('header text with colons, backslashes and line feeds arrives as it was', async () => {
  const { link } = await connected({ versions: ['1.2'] });
  const queue = unique();
  const { messages } = await collect(link, queue);
  const text = 'a:b\\c\nd\\ne é€';
  link.send(outgoing(queue, 'x', { headers: { 'x-text': text } }));
  await until(() => messages.length === 1, 'the message came');
  expect(messages[0]?.headers['x-text']).toBe(text);
});

test('an empty body arrives as an empty body', async () => {
  const { link } = await connected();
  const queue = unique();
  const { messages } = await collect(link, queue);
  link.send(outgoing(queue, ''));
  await until(() => messages.length === 1, 'the message came');
  expect(messages[0]?.body.length).toBe(0);
});

test('every subscriber of a topic gets the message', async () => {
  const topic = unique('topic');
  const [one, two] = [await connected(), await connected()];
  const [first, second] = [await collect(one.link, topic), await collect(two.link, topic)];
  one.link.send(outgoing(topic, 'to all'));
  await until(() => first.messages.length + second.messages.length === 2, 'both got it');
  expect([first.bodies(), second.bodies()]).toEqual([['to all'], ['to all']]);
});

test('a selector lets through only what is for this node', async () => {
  const { link } = await connected();
  const queue = unique();
  const { bodies } = await collect(link, queue, { selector: "mc_identity = 'x'" });
  for (const node of ['y', 'x', 'z', 'x'])
    link.send(outgoing(queue, `for ${node}`, { headers: { mc_identity: node } }));
  await until(() => bodies().length === 2, 'both messages for x came');
  expect(bodies()).toEqual(['for x', 'for x']);
});

test('two instances share a wildcard queue and see the exact destination', async () => {
  const [one, two, client] = [await connected(), await connected(), await connected()];
  const wildcard = '/queue/mcollective.reply.bridge_prod.>';
  const [first, second] = [await collect(one.link, wildcard), await collect(two.link, wildcard)];
  const destinations = Array.from({ length: 40 }, (_, i) => `/queue/mcollective.reply.bridge_prod.token${i}`);
  for (const destination of destinations) client.link.send(outgoing(destination, destination));
  const all = () => [...first.messages, ...second.messages];
  await until(() => all().length === 40, 'all replies came');
  expect(
    all()
      .map(({ destination }) => destination)
      .sort(),
  ).toEqual([...destinations].sort());
  expect(all().every(({ destination, body }) => destination === body.toString())).toBe(true);
});

test('messages keep their order, however many are sent at once', async () => {
  const { link } = await connected({ buffer: { maxMessages: 100, maxBytes: 1_000_000 } });
  const queue = unique();
  const { bodies } = await collect(link, queue);
  const sent = Array.from({ length: 5000 }, (_, i) => `${i}`);
  const started = Date.now();
  // The buffer holds 100: an idle link must take more than that in one turn of the loop.
  for (const body of sent) link.send(outgoing(queue, body, { expires: started + 60_000 }));
  await until(() => bodies().length === sent.length, 'all came');
  expect(bodies()).toEqual(sent);
});

test('a frame of 10 MB passes both ways', async () => {
  const { link } = await connected();
  const queue = unique();
  const { messages } = await collect(link, queue);
  const body = Buffer.alloc(10 * 1024 * 1024, 'ten megabytes\0');
  link.send(outgoing(queue, body));
  await until(() => messages.length === 1, 'it came');
  expect(messages[0]?.body.equals(body)).toBe(true);
});

test('a frame above the limit is reported, and the connection goes on', async () => {
  const { link: sender } = await connected();
  const { link, events } = await connected({ maxFrameBytes: 1000 });
  const queue = unique();
  const { bodies } = await collect(link, queue);
  sender.send(outgoing(queue, Buffer.alloc(200_000)));
  sender.send(outgoing(queue, 'small'));
  await until(() => bodies().length === 1, 'the small one came');
  expect(bodies()).toEqual(['small']);
  expect(events.filter(({ kind }) => kind !== 'connected')).toMatchObject([
    { kind: 'error', error: { code: 'protocol', message: expect.stringContaining('200000 bytes') } },
  ]);
  expect(() => link.send(outgoing(queue, Buffer.alloc(1001)))).toThrow(LinkError);
});

test('no more messages come after unsubscribing', async () => {
  const { link } = await connected();
  const queue = unique();
  const { bodies, subscription } = await collect(link, queue);
  link.send(outgoing(queue, 'before'));
  await until(() => bodies().length === 1, 'the first came');
  await subscription.unsubscribe();
  await subscription.unsubscribe();
  link.send(outgoing(queue, 'after'));
  const later = await collect(link, queue);
  await until(() => later.bodies().length === 1, 'the other subscription got it');
  expect([bodies(), later.bodies()]).toEqual([['before'], ['after']]);
});

test('the prefetch is told to the broker', async () => {
  const proxy = await startProxy(broker.port);
  const { link } = linkTo([{ host: '127.0.0.1', port: proxy.port }], broker, { prefetch: 7 });
  await link.open();
  await collect(link, unique());
  expect(proxy.sent()).toContain('\nactivemq.prefetchSize:7\n');
  await link.close();
  await proxy.close();
});

test('what a handler throws is reported, and the next message still comes', async () => {
  const { link, events } = await connected();
  const queue = unique();
  const seen: string[] = [];
  await link.subscribe({
    destination: queue,
    onMessage: ({ body }) => {
      seen.push(body.toString());
      if (seen.length === 1) throw new Error('a bug in the handler');
    },
  });
  link.send(outgoing(queue, 'one'));
  link.send(outgoing(queue, 'two'));
  await until(() => seen.length === 2, 'both came');
  expect(events.at(-1)).toMatchObject({ kind: 'error', error: { message: 'a bug in the handler' } });
});

test('a header that STOMP 1.0 cannot say loses its message only, and says so', async () => {
  const { link, events } = await connected({ versions: ['1.0'] });
  const queue = unique();
  const { bodies } = await collect(link, queue);
  link.send(outgoing(queue, 'bad', { headers: { 'x-text': 'two\nlines' } }));
  link.send(outgoing(queue, 'good'));
  await until(() => bodies().length === 1, 'the good one came');
  expect(bodies()).toEqual(['good']);
  expect(events.at(-1)).toMatchObject({ kind: 'error', error: { code: 'protocol' } });
});

test('a subscription whose headers cannot be written is refused', async () => {
  const { link } = await connected({ versions: ['1.0'] });
  await expect(collect(link, unique(), { selector: "a = '\n'" })).rejects.toMatchObject({ code: 'protocol' });
});

test('closing sends what is buffered first, then everything is refused', async () => {
  const queue = unique();
  const { link: reader } = await connected();
  const { bodies } = await collect(reader, queue);
  const { link, events } = await connected();
  for (let i = 0; i < 500; i++) link.send(outgoing(queue, Buffer.alloc(1000, 'x')));
  await link.close();
  await until(() => bodies().length === 500, 'all came');
  expect(() => link.send(outgoing(queue, 'x'))).toThrow('closed');
  await expect(collect(link, queue)).rejects.toMatchObject({ code: 'closed' });
  await expect(link.open()).rejects.toMatchObject({ code: 'closed' });
  expect(link.state()).toMatchObject({ up: false, reason: 'closed', buffered: 0 });
  expect(events.filter(({ kind }) => kind === 'error' || kind === 'retry')).toEqual([]);
});

test('a link does nothing before it is opened', async () => {
  const { link, events } = linkTo([broker], broker);
  link.send(outgoing(unique(), 'x'));
  expect([link.state(), events]).toEqual([{ up: false, reason: 'not opened yet', buffered: 1 }, []]);
  await link.close();
  await expect(link.open()).rejects.toMatchObject({ code: 'closed' });
});
