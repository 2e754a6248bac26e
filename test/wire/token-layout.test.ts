import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeToken, readToken } from '../../src/adapters/kit/token.ts';
import type { Hop, ReadableReplyAddress } from '../../src/envelope/message.ts';
import { authentic, context, decode, EXPIRES, FLOW, home, NOW } from './token-support.ts';

/** A text of three small letters, of six, and so on. */
const letters = (text: string): Buffer => {
  const bytes = [text.length];
  for (let at = 0; at < text.length; at += 3) {
    const [a = 0, b = 0, c = 0] = [...text.slice(at, at + 3)].map((one) =>
      'abcdefghijklmnopqrstuvwxyz0123456789.-_/'.indexOf(one),
    );
    const number = (a * 40 + b) * 40 + c;
    bytes.push(number >> 8, number & 0xff);
  }
  return Buffer.from(bytes);
};

const PORT = Buffer.of(0x10, 0x7e);
const TLS_PORT = Buffer.of(0xf0, 0xae);
const hop = (...parts: readonly Buffer[]): Buffer => Buffer.concat([Buffer.of(3), ...parts]);

/** With a flow, an action and hops; the place of a Choria client whose name the trail begins with. */
const traced = (...hops: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.of(3, 32 | 16 | 2 | (2 << 6)),
    Buffer.from(EXPIRES.toString(16), 'hex'),
    Buffer.from(home.requestId, 'hex'),
    Buffer.from(FLOW, 'hex'),
    // Known words: `federation`, `rpcutil`, `go`.
    Buffer.of(224 + 13, 224 + 7, 224),
    letters('run'),
    Buffer.of(hops.length),
    ...hops,
    // Known from the start: the cluster, the collective, the request id.
    Buffer.of(192 + 1, 192 + 2),
  ]);
const tracedHome = (...hops: readonly Hop[]): ReadableReplyAddress => {
  const [, name = ''] = hops[0] ?? [];
  const md5 = createHash('md5').update(`choria=${name}`).digest('hex');
  return {
    ...home,
    flow: FLOW,
    action: 'run',
    hops,
    replyTo: `mcollective.reply.${md5}.${home.requestId}`,
  };
};

describe('a reply token', () => {
  it('is laid out and authenticated as documented', () => {
    const bytes = traced(
      hop(Buffer.of(248, 127, 0, 0, 1), PORT, letters('bob'), Buffer.of(192 + 7)),
      // The server once more: after the three names that are known from the start, the sixth text.
      hop(Buffer.of(192 + 7, 254), letters('b-1'), Buffer.of(253), letters('mq1'), PORT),
    );
    const some = tracedHome(
      ['nats://127.0.0.1:4222', 'bob', 'nats://127.0.0.1:4222'],
      ['nats://127.0.0.1:4222', 'production:b-1', 'stomp+ssl://mq1:4222'],
    );
    expect(encodeToken(some, undefined, context)).toBe(authentic(bytes));
  });

  it('names servers at usual ports, clients, and an end that names have in common in few bytes', () => {
    const bytes = traced(
      hop(
        Buffer.of(247),
        letters('x.y'),
        Buffer.of(242),
        letters('bob'),
        Buffer.of(244),
        letters('a12.e.net'),
      ),
      hop(
        Buffer.of(245, 243, 6),
        letters('b34'),
        Buffer.of(243, 6),
        letters('c56'),
        Buffer.of(246),
        letters('mq1'),
      ),
    );
    const some = tracedHome(
      ['nats://x.y', 'bob.mcollective', 'nats://a12.e.net:4222'],
      ['stomp://b34.e.net:61613', 'c56.e.net', 'stomp+ssl://mq1:61614'],
    );
    expect(encodeToken(some, undefined, context)).toBe(authentic(bytes));
    expect(readToken(authentic(bytes), context).home).toEqual(some);
  });

  it('of a bridge that writes all names out is read', () => {
    const bytes = traced(
      hop(
        Buffer.of(251),
        letters('a.b'),
        PORT,
        letters('bob.mcollective'),
        Buffer.of(253),
        letters('c.b'),
        TLS_PORT,
      ),
    );
    const hops = [['nats://a.b:4222', 'bob.mcollective', 'stomp+ssl://c.b:61614']];
    expect(readToken(authentic(bytes), context).home).toEqual(tracedHome(...hops));
  });

  it.each([
    ['on nothing, where no name was before', Buffer.of(243, 5, 0), letters('a.b')],
    ['on more than the name before has', letters('a.b'), Buffer.of(243, 4, 0)],
    ['on no character', letters('a.b'), Buffer.of(243, 0, 0)],
    ['on an end within an end', letters('a.b'), Buffer.of(243, 2, 243, 2, 0)],
  ])('with a name that ends %s is malformed', (_, first, second) => {
    expect(decode(authentic(traced(hop(letters('bob'), first, second))))).toBe('token_malformed');
  });

  it.each([
    ['1', 0, undefined],
    ['2', 32, FLOW],
  ])(
    'of version %s is read until its ttl has ended, for replies to requests of instances before',
    (version, flags, flow) => {
      const field = (text: string): Buffer => Buffer.concat([Buffer.of(0, text.length), Buffer.from(text)]);
      const bytes = Buffer.concat([
        Buffer.of(Number(version), flags | 4 | 16),
        Buffer.from(EXPIRES.toString(16), 'hex'),
        Buffer.from(home.requestId, 'hex'),
        Buffer.from(flow ?? '', 'hex'),
        ...[home.ingress, home.replyTo, home.agent, home.dialect, 'get_fact'].map(field),
        // The hash of `n1.example.net`.
        Buffer.of(0, 1, 0xeb, 0xcf),
      ]);
      const pass = readToken(authentic(bytes), context);
      expect(pass.home).toEqual({ ...home, ...(flow && { flow }), action: 'get_fact' });
      expect(pass.broadcast).toBe(false);
      expect([pass.asked('n1.example.net'), pass.asked('n2.example.net')]).toEqual([true, false]);
      expect(decode(authentic(bytes))).toBe('accepted');
      expect(decode(authentic(bytes), {}, NOW + 1000)).toBe('token_expired');
    },
  );
});
