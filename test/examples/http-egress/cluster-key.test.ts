import { type IncomingMessage, type ReadableReply, type Rejection, readableReply } from 'mcbridge/adapter';
import { MemoryBroker, NATS_RULES, requestAt, toNodes } from 'mcbridge/testing';
import { expect, test } from 'vitest';
import { lineOf } from './server.ts';
import { type EgressOptions, makeEgress, newKey } from './world.ts';

const NODE = 'n1.example.net';

/** What an instance with these keys makes of the answer to a request that one with another key has sent. */
const answered = async (asking: EgressOptions, hearing: EgressOptions) => {
  const broker = new MemoryBroker(NATS_RULES);
  const server = broker.link();
  const posted: IncomingMessage[] = [];
  await server.subscribe({
    destination: 'mcbridge.request.>',
    onMessage: (message) => void posted.push(message),
  });
  const sending = makeEgress(broker.link(), asking);
  await sending.deliver(requestAt(Math.floor(Date.now() / 1000), { targets: toNodes([NODE]) }));
  await expect.poll(() => posted).toHaveLength(1);
  await sending.close();

  const replies: ReadableReply[] = [];
  const refused: Rejection[] = [];
  const egress = makeEgress(broker.link(), hearing);
  await egress.start({
    reply: (reply) => void replies.push(readableReply(reply)),
    rejected: (rejection) => void refused.push(rejection),
  });
  for (const { replyTo = '', body } of posted)
    server.send({
      destination: replyTo,
      body: Buffer.from(lineOf({ body }, NODE)),
      expires: Number.POSITIVE_INFINITY,
    });
  await expect.poll(() => replies.length + refused.length).toBe(1);
  await egress.close();
  return { senders: replies.map(({ sender }) => sender), codes: refused.map(({ code }) => code) };
};

test('while the cluster changes its key, answers to requests of either key come home', async () => {
  const [before, after] = [newKey(), newKey()];
  const home = { senders: [NODE], codes: [] };
  expect(await answered({ tokenKey: before }, { tokenKey: after, otherTokenKeys: () => [before] })).toEqual(
    home,
  );
  expect(await answered({ tokenKey: after }, { tokenKey: before, otherTokenKeys: () => [after] })).toEqual(
    home,
  );
});

test('an answer under a key that the cluster has forgotten is refused', async () => {
  const refused = await answered(
    { tokenKey: newKey() },
    { tokenKey: newKey(), otherTokenKeys: () => [newKey()] },
  );
  expect(refused).toEqual({ senders: [], codes: ['token_forged'] });
});
