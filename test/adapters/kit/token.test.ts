import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeToken, encodeToken, readToken } from '../../../src/adapters/kit/token.ts';
import type { ReadableReplyAddress } from '../../../src/envelope/message.ts';
import { authentic, codeOf, context, decode, FLOW, home, NOW, nodes } from '../../wire/token-support.ts';

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const port = fc.oneof(fc.integer({ min: 0, max: 99_999 }), fc.constantFrom(4222, 61_613, 61_614));
const scheme = fc.constantFrom('nats', 'tls', 'stomp', 'stomp+ssl');

/** Also in the forms that are packed, and in those that almost are. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary-ascii', maxLength: 200 }),
  fc.stringMatching(/^[\w.-]{0,70}$/),
  fc.stringMatching(/^[\w-]{0,70}$/),
  fc.stringMatching(/^[A-Za-z0-9.-]{0,70}$/),
  fc.integer({ min: 1, max: 40 }).chain(hex),
  fc
    .tuple(
      scheme,
      fc.oneof(fc.ipV4(), fc.domain(), fc.constantFrom('01.2.3.4', '1.2.3.256', '1.2.3', '')),
      port,
    )
    .map(([how, host, at]) => `${how}://${host}:${at}`),
  fc
    .tuple(scheme, fc.constantFrom('', 'a.', '🦊.', 'mq1.'), fc.constantFrom('', ':4222'))
    .map(([how, name, at]) => `${how}://${name}eu.example.net${at}`),
  fc
    .tuple(
      fc.constantFrom('', 'a', '🦊', 'web1.eu'),
      fc.constantFrom('.example.net', '.net', '.mcollective', '.é.org'),
    )
    .map((parts) => parts.join('')),
  fc.constantFrom(
    'go',
    'ruby',
    'legacy symbol',
    'protocol 2',
    'discovery',
    'mcollective',
    'production',
    'production:',
    'production:1',
  ),
);
const replyTo = fc.oneof(
  text,
  fc.tuple(text, hex(32), text).map((parts) => `${parts[0]}.reply.${parts[1]}.${parts[2]}`),
  fc.tuple(text, text).map(([collective, rest]) => `/queue/${collective}.reply.${rest}`),
);
const homes: fc.Arbitrary<ReadableReplyAddress> = fc
  .record({
    ingress: text,
    replyTo,
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

  it('takes 100 characters for a broadcast of a Go client, 104 for one node and 636 for 200', () => {
    const withFlow = { ...home, flow: FLOW };
    expect(
      [undefined, nodes(1), nodes(200)].map((asked) => encodeToken(withFlow, asked, context).length),
    ).toEqual([100, 104, 636]);
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

  it('is read with either of two keys while the cluster changes from one to the other, and with no third', () => {
    const [other, third] = [createSecretKey(randomBytes(32)), createSecretKey(randomBytes(32))];
    const token = encodeToken(home, nodes(3), context);
    expect(decode(token, { key: other, otherKeys: () => [context.key] })).toBe('accepted');
    expect(decode(token, { otherKeys: () => [other] })).toBe('accepted');
    expect(decode(token, { key: other, otherKeys: () => [third] })).toBe('token_forged');
    expect(decode(encodeToken(home, nodes(3), { ...context, otherKeys: () => [other] }), {})).toBe(
      'accepted',
    );
  });

  it('is refused with any one byte changed, wherever it is', () => {
    const bytes = Buffer.from(encodeToken(home, nodes(2), context), 'base64url');
    for (const at of bytes.keys()) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(at) ^ 0x40, at);
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
    ['a trail', { hops: Array.from({ length: 64 }, (_, i) => [`${i}`.padEnd(60, 'É'), 'b', 'c']) }],
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
        fc.constantFrom(1, 2, 3),
        fc.uint8Array({ minLength: 3, maxLength: 120 }),
        (version, noise) => {
          const token = authentic(Buffer.concat([Buffer.of(version), noise]));
          expect(codeOf(() => readToken(token, context))).toMatch(/^(token_malformed|accepted)$/);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
