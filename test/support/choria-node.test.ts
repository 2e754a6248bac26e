import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createChoriaNode, type NodeOptions, Refused } from './choria-node.ts';
import { makeAuthority } from './pki.ts';

const folder = new URL('../../fixtures/captures/', import.meta.url);
const line = z.object({ at: z.number(), subject: z.string(), payload: z.string() });
const captured = readFileSync(new URL('choria-v1.ndjson', folder), 'utf8')
  .trim()
  .split('\n')
  .map((text) => line.parse(JSON.parse(text)));

const envelope = z.object({
  agent: z.string(),
  requestid: z.string(),
  senderid: z.string(),
  time: z.number(),
});
const transport = z.looseObject({ data: z.string(), headers: z.looseObject({}) });
const insideOf = (payload: string) => {
  const { data, headers } = transport.parse(JSON.parse(payload));
  const secure = z.object({ message: z.string() }).parse(JSON.parse(Buffer.from(data, 'base64').toString()));
  const message = z.object({ message: z.string(), envelope }).parse(JSON.parse(secure.message));
  return { headers, text: secure.message, body: message.message, ...message.envelope };
};

const messages = captured.map((one) => ({ ...one, ...insideOf(one.payload) }));
const isRequest = ({ subject }: { readonly subject: string }): boolean =>
  /\.(broadcast|node)\./.test(subject);
/** All replies, each with the request that it answers. */
const exchanges = messages
  .filter((one) => !isRequest(one))
  .flatMap((reply) => {
    const request = messages.find(
      (one) =>
        isRequest(one) &&
        one.requestid === reply.requestid &&
        (one.subject.includes('.broadcast.') || one.subject.endsWith(reply.senderid)),
    );
    return request === undefined ? [] : [{ request, reply }];
  });

const CA = readFileSync(new URL('keys/choria/ca.pem', folder), 'utf8');
/** The recorded nodes, as their `inventory` shows them. */
const node = (identity: string, changed: Partial<NodeOptions> = {}) =>
  createChoriaNode({
    identity,
    dialect: 'ruby',
    ca: CA,
    agents: ['choria_util', 'echo', 'bolt_tasks', 'discovery', 'rpcutil'],
    facts: { country: 'uk', osfamily: 'Debian', processorcount: '2' },
    classes: ['apache', 'settings'],
    collectives: ['mcollective', 'uk_collective'],
    ...changed,
  });
const SERVER = 'nats://127.0.0.1:4222';

describe('a node of the fleet', () => {
  test('has replies to be compared with, federated ones too', () => {
    expect(exchanges).toHaveLength(messages.filter((one) => !isRequest(one)).length);
    for (const part of ['"compound":[[', '"cf_class":["', '"fact":[{', '"action\\":\\"inventory\\"'])
      expect(
        exchanges.some(({ request }) => request.text.includes(part)),
        part,
      ).toBe(true);
    expect(exchanges.filter(({ reply }) => reply.headers['federation'] !== undefined)).toHaveLength(10);
  });

  test.each(exchanges)('writes to the byte what $reply.senderid wrote at $reply.at', ({ request, reply }) => {
    // The second that the node's clock showed.
    const handled = node(reply.senderid).handle(request.payload, SERVER, reply.time * 1000);
    expect(handled.reply).toEqual({ subject: reply.subject, payload: reply.payload });
  });

  const [{ request } = { request: undefined }] = exchanges;
  if (request === undefined) throw new Error('no exchange');
  const { payload, time, at } = request;

  test.each<[why: string, changed: Partial<NodeOptions>]>([
    ['another fact', { facts: { country: 'de', osfamily: 'Debian' } }],
    ['no such class', { classes: ['settings'] }],
    ['no such agent', { agents: ['discovery'] }],
  ])('answers fewer of the recorded requests with %s', (_, changed) => {
    const answered = (options: Partial<NodeOptions>): number =>
      exchanges.filter(({ request, reply }) => {
        try {
          return node(reply.senderid, options).handle(request.payload, SERVER, reply.time * 1000).reply;
        } catch (error) {
          if (error instanceof Refused) return false;
          throw error;
        }
      }).length;
    expect(answered(changed)).toBeLessThan(answered({}));
  });

  test.each<[what: string, why: string, payload: string, now: number, ca?: string]>([
    ['what is too old', 'expired', payload, (time + 60) * 1000],
    ['what is from the future', 'expired', payload, (time - 60) * 1000],
    ['what was changed', 'signature', rewritten(payload, 'ttl\\":60', 'ttl\\":61'), at],
    ['another name', 'name bob.mcollective invalid', rewritten(payload, '=alice.', '=bob.'), at],
    [
      'a caller of another CA',
      'certificate',
      payload,
      at,
      makeAuthority('another', { notBefore: new Date(0), notAfter: new Date(2 * at) }).certificate,
    ],
  ])('refuses %s: %s', (_, why, message, now, ca) => {
    const handle = (): unknown =>
      node('c1.example.net', ca === undefined ? {} : { ca }).handle(message, SERVER, now);
    expect(handle).toThrow(Refused);
    expect(handle).toThrow(why);
  });
});

function rewritten(payload: string, from: string, to: string): string {
  const { data, ...rest } = transport.parse(JSON.parse(payload));
  const text = Buffer.from(data, 'base64').toString();
  expect(text).toContain(from);
  return JSON.stringify({ ...rest, data: Buffer.from(text.replace(from, to)).toString('base64') });
}
