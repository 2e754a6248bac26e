import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Home } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { decodeToken, encodeToken, readToken, type TokenContext } from '../../src/wire/token.ts';

const context: TokenContext = {
  key: createSecretKey(randomBytes(32)),
  cluster: 'production',
  protocol: 'mcollective',
  collective: 'mcollective',
};
const EXPIRES = 1_800_000_000;
const NOW = EXPIRES * 1000;

/** What a go-choria client asks for. */
const home: Home = {
  ingress: 'federation',
  replyTo: 'mcollective.reply.c4ca4238a0b923820dcc509a6f75849b.21f1a1a1f1f84d1ba2c1d3b1e7a6a3bc',
  requestId: '21f1a1a1f1f84d1ba2c1d3b1e7a6a3bc',
  agent: 'rpcutil',
  collective: 'mcollective',
  dialect: 'go',
  expires: NOW,
};
const FLOW = '0123456789abcdef0123456789abcdef';
const nodes = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `node${i}.example.net`);

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
  return 'accepted';
};
const decode = (token: string, other: Partial<TokenContext> = {}, now = NOW): string =>
  codeOf(() => decodeToken(token, { ...context, ...other }, now));

/** A token with the right MAC around any bytes. */
const sealed = (bytes: Buffer): string => {
  const mac = createHmac('sha256', context.key)
    .update(`mcbridge reply ${bytes[0]}\0production\0mcollective\0mcollective\0`)
    .update(bytes)
    .digest();
  return Buffer.concat([bytes, mac.subarray(0, 16)]).toString('base64url');
};

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const homes: fc.Arbitrary<Home> = fc
  .record({
    ingress: text,
    replyTo: text,
    requestId: fc.oneof(
      fc.stringMatching(/^[0-9a-f]{32}$/),
      fc.stringMatching(/^[\w-]{32}$/),
      fc.stringMatching(/^[0-9A-F]{32}$/),
    ),
    agent: text,
    dialect: text,
    expires: fc.integer({ min: 0, max: 0xffffffff }).map((seconds) => seconds * 1000),
    flow: fc.option(fc.stringMatching(/^[0-9a-f]{32}$/), { nil: undefined }),
    action: fc.option(text, { nil: undefined }),
    federationRequestId: fc.option(text, { nil: undefined }),
    hops: fc.option(fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 4 }), { nil: undefined }),
  })
  .map(({ flow, action, federationRequestId, hops, ...rest }) => ({
    ...rest,
    collective: 'mcollective',
    ...(flow === undefined ? {} : { flow }),
    ...(action === undefined ? {} : { action }),
    ...(federationRequestId === undefined ? {} : { federationRequestId }),
    ...(hops === undefined ? {} : { hops }),
  }));

describe('a reply token', () => {
  it('brings back the home that it was made of, whatever is in it', () => {
    fc.assert(
      fc.property(homes, fc.option(fc.array(text), { nil: undefined }), (some, asked) => {
        const pass = readToken(encodeToken(some, asked, context), context);
        expect(pass.home).toEqual(some);
        for (const node of asked ?? ['anybody']) expect(pass.asked(node)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is made of letters that a destination may hold', () => {
    expect(encodeToken(home, nodes(200), context)).toMatch(/^[\w-]+$/);
  });

  it('takes 198 characters for a broadcast, 203 for one node and 734 for 200: far below what a destination may be long', () => {
    expect(encodeToken(home, nodes(1), context)).toHaveLength(203);
    expect(encodeToken(home, nodes(200), context)).toHaveLength(734);
    expect(encodeToken(home, undefined, context)).toHaveLength(198);
  });

  it('grows by the action and two bytes where the requester wants to be told it', () => {
    const longer = encodeToken({ ...home, action: 'get_fact' }, undefined, context);
    expect(longer).toHaveLength(211);
    expect(readToken(longer, context).home.action).toBe('get_fact');
  });

  it('grows by 21 characters for the flow of its request', () => {
    const longer = encodeToken({ ...home, flow: FLOW }, undefined, context);
    expect(longer).toHaveLength(219);
    expect(readToken(longer, context).home.flow).toBe(FLOW);
  });

  it('is not made for a flow that is no id of the bridge’s own', () => {
    expect(() => encodeToken({ ...home, flow: 'a sender’s own' }, undefined, context)).toThrow('flow id');
  });

  it('vouches for the 200 nodes that were asked and for hardly any other', () => {
    const pass = readToken(encodeToken(home, nodes(200), context), context);
    expect(nodes(200).every(pass.asked)).toBe(true);
    const strangers = Array.from({ length: 10_000 }, (_, i) => `stranger${i}.example.org`);
    expect(strangers.filter(pass.asked).length).toBeLessThan(100);
  });

  it('lets any node answer a broadcast, and none where an empty list was asked', () => {
    expect(readToken(encodeToken(home, undefined, context), context).asked('anybody')).toBe(true);
    expect(readToken(encodeToken(home, [], context), context).asked('anybody')).toBe(false);
  });

  it('is alive to the last second of its ttl and expired after it', () => {
    const token = encodeToken(home, undefined, context);
    expect(decode(token)).toBe('accepted');
    expect(decode(token, {}, NOW + 999)).toBe('accepted');
    expect(decode(token, {}, NOW + 1000)).toBe('token_expired');
  });

  it('says whose reply came too late', () => {
    const token = encodeToken({ ...home, flow: FLOW }, undefined, context);
    expect(() => decodeToken(token, context, NOW + 60_000)).toThrow(
      expect.objectContaining({
        context: { flow: FLOW, requestId: home.requestId, agent: 'rpcutil' },
        message: expect.stringContaining('60 s'),
      }),
    );
  });

  it.each([
    ['another cluster', { cluster: 'staging' }],
    ['another collective', { collective: 'uk_collective' }],
    ['another protocol', { protocol: 'choria' as const }],
    ['another key', { key: createSecretKey(randomBytes(32)) }],
    // The names stand side by side in what is authenticated; moving the border between them must not go unseen.
    ['names that only together are the same', { cluster: 'productionm', collective: 'collective' }],
  ])('of %s is a forged one', (_, other) => {
    expect(decode(encodeToken(home, nodes(3), context), other)).toBe('token_forged');
  });

  it('is refused with any one byte changed, wherever it is', () => {
    const bytes = Buffer.from(encodeToken(home, nodes(2), context), 'base64url');
    for (const at of bytes.keys()) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(at) ^ 1, at);
      expect(decode(forged.toString('base64url')), `byte ${at}`).toBe(
        at === 0 ? 'token_malformed' : 'token_forged',
      );
    }
  });

  it('is refused cut short, at every length', () => {
    const token = encodeToken(home, nodes(2), context);
    for (let length = 0; length < token.length; length++)
      expect(decode(token.slice(0, length)), `${length} characters`).toMatch(/^token_(malformed|forged)$/);
  });

  it('is refused with anything after it', () => {
    const token = encodeToken(home, undefined, context);
    expect(decode(`${token}A`)).toMatch(/^token_(malformed|forged)$/);
    expect(decode(`${token}AAAA`)).toBe('token_forged');
    for (const end of ['=', '==', '.', '\n', ' ']) expect(decode(token + end)).toBe('token_malformed');
  });

  it('is refused in any base64 but the one that was written', () => {
    const token = [...Array(4).keys()]
      .map((n) => encodeToken({ ...home, agent: 'a'.repeat(n + 1) }, undefined, context))
      .find(({ length }) => length % 4 === 3);
    if (token === undefined) throw new Error('no token with spare bits at its end');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = token.slice(0, -1) + alphabet[alphabet.indexOf(token.slice(-1)) ^ 1];
    expect(Buffer.from(twin, 'base64url')).toEqual(Buffer.from(token, 'base64url'));
    expect(decode(token)).toBe('accepted');
    expect(decode(twin)).toBe('token_malformed');
    expect(decode(Buffer.from(token, 'base64url').toString('base64'))).not.toBe('accepted');
  });

  it('of a version to come is not guessed at', () => {
    const bytes = Buffer.from(encodeToken(home, undefined, context), 'base64url');
    bytes.writeUInt8(255, 0);
    expect(() => readToken(bytes.toString('base64url'), context)).toThrow(
      expect.objectContaining({ code: 'token_malformed', message: expect.stringContaining('version 255') }),
    );
  });

  it.each([
    ['a trail', { hops: Array.from({ length: 64 }, () => ['a'.repeat(60), 'b', 'c']) }],
    ['a federation request id', { federationRequestId: 'x'.repeat(70_000) }],
  ])('is not made where %s would make it longer than a destination may be', (_, excess) => {
    expect(codeOf(() => encodeToken({ ...home, ...excess }, undefined, context))).toBe('limit_exceeded');
  });

  it('of 8 MB is not even decoded', () => {
    expect(decode('A'.repeat(8 << 20))).toBe('token_malformed');
  });

  it('ends in a typed refusal for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (noise) => {
        expect(decode(noise)).toMatch(/^token_(malformed|forged)$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that the key’s owner filled with nonsense is refused or read, but nothing else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2),
        fc.uint8Array({ minLength: 3, maxLength: 120 }),
        (version, noise) => {
          const token = sealed(Buffer.concat([Buffer.of(version), noise]));
          expect(codeOf(() => readToken(token, context))).toMatch(/^(token_malformed|accepted)$/);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is laid out and authenticated as documented', () => {
    const field = (text: string): Buffer => Buffer.concat([Buffer.of(0, text.length), Buffer.from(text)]);
    const bytes = Buffer.concat([
      Buffer.of(2, 32),
      Buffer.from(EXPIRES.toString(16), 'hex'),
      Buffer.from(home.requestId, 'hex'),
      Buffer.from(FLOW, 'hex'),
      ...[home.ingress, home.replyTo, home.agent, home.dialect].map(field),
    ]);
    expect(encodeToken({ ...home, flow: FLOW }, undefined, context)).toBe(sealed(bytes));
  });

  it('of the version before is read, and names no flow', () => {
    const field = (text: string): Buffer => Buffer.concat([Buffer.of(0, text.length), Buffer.from(text)]);
    const bytes = Buffer.concat([
      Buffer.of(1, 0),
      Buffer.from(EXPIRES.toString(16), 'hex'),
      Buffer.from(home.requestId, 'hex'),
      ...[home.ingress, home.replyTo, home.agent, home.dialect].map(field),
    ]);
    expect(readToken(sealed(bytes), context).home).toEqual(home);
  });
});
