import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
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

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const port = fc.integer({ min: 0, max: 99_999 });
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
const homes: fc.Arbitrary<Home> = fc
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
          const token = sealed(Buffer.concat([Buffer.of(version), noise]));
          expect(codeOf(() => readToken(token, context))).toMatch(/^(token_malformed|accepted)$/);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is laid out and authenticated as documented', () => {
    const letters = (text: string): Buffer => {
      const [a = 0, b = 0, c = 0] = [...text].map((one) =>
        'abcdefghijklmnopqrstuvwxyz0123456789.-_/'.indexOf(one),
      );
      const number = (a * 40 + b) * 40 + c;
      return Buffer.of(3, number >> 8, number & 0xff);
    };
    const bytes = Buffer.concat([
      // With a flow, an action and hops; the place of a Choria client whose name the trail begins with.
      Buffer.of(3, 32 | 16 | 2 | (2 << 6)),
      Buffer.from(EXPIRES.toString(16), 'hex'),
      Buffer.from(home.requestId, 'hex'),
      Buffer.from(FLOW, 'hex'),
      // Known words: `federation`, `rpcutil`, `go`.
      Buffer.of(224 + 13, 224 + 7, 224),
      letters('run'),
      Buffer.of(2, 3, 248, 127, 0, 0, 1, 0x10, 0x7e),
      letters('bob'),
      // The server once more: after the three names that are known from the start, the sixth text.
      Buffer.of(192 + 7, 3, 192 + 7, 254),
      letters('b-1'),
      Buffer.of(251 + 2),
      letters('mq1'),
      Buffer.of(0xf0, 0xae, 192 + 1, 192 + 2),
    ]);
    const hops = [
      ['nats://127.0.0.1:4222', 'bob', 'nats://127.0.0.1:4222'],
      ['nats://127.0.0.1:4222', 'production:b-1', 'stomp+ssl://mq1:61614'],
    ];
    const md5 = createHash('md5').update('choria=bob').digest('hex');
    const some = { ...home, flow: FLOW, action: 'run', hops };
    const replyTo = `mcollective.reply.${md5}.${home.requestId}`;
    expect(encodeToken({ ...some, replyTo }, undefined, context)).toBe(sealed(bytes));
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
      const pass = readToken(sealed(bytes), context);
      expect(pass.home).toEqual({ ...home, ...(flow && { flow }), action: 'get_fact' });
      expect(pass.broadcast).toBe(false);
      expect([pass.asked('n1.example.net'), pass.asked('n2.example.net')]).toEqual([true, false]);
      expect(decode(sealed(bytes))).toBe('accepted');
      expect(decode(sealed(bytes), {}, NOW + 1000)).toBe('token_expired');
    },
  );
});
