import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textIn } from '../../../src/codec/ruby/encodings/decode.ts';
import { digestOf, isAsciiAlone, SIGNS, sequences } from './encoding-cases.ts';
import { RubyPeer } from './peer.ts';

/** First bytes of characters of three and four bytes, where the last two can be any. */
const PREFIXES: Readonly<Record<string, readonly number[]>> = {
  'EUC-JP': [0x8e, 0x8f],
  'eucJP-ms': [0x8e, 0x8f],
  CP51932: [0x8e, 0x8f],
  'EUC-JIS-2004': [0x8e, 0x8f],
  'EUC-TW': [0x8e],
  'Emacs-Mule': [0x92],
  'stateless-ISO-2022-JP': [0x90, 0x91, 0x92, 0x93],
  'stateless-ISO-2022-JP-KDDI': [0x90, 0x91, 0x92, 0x93],
  ...Object.fromEntries(
    ['CESU-8', 'UTF8-MAC', 'UTF8-DoCoMo', 'UTF8-KDDI', 'UTF8-SoftBank'].map((name) => [
      name,
      Array.from({ length: 0x16 }, (_, i) => 0xe0 + i),
    ]),
  ),
};

describe('all text in the encodings of Ruby', () => {
  let ruby: RubyPeer;
  let encodings: readonly string[];
  beforeAll(async () => {
    ruby = new RubyPeer();
    encodings = Object.keys(await ruby.encodings()).filter((name) => !isAsciiAlone(name));
  });
  afterAll(() => ruby.close());

  const compare = async (encoding: string, prefix: Buffer): Promise<void> => {
    const theirs = await ruby.digest(encoding, prefix, 2);
    if (digestOf(encoding, prefix, 2) === theirs) return;
    // Found out one by one, for the message.
    const all = sequences(prefix, 2);
    const texts = await ruby.encode(encoding, all);
    const wrong = all.flatMap((bytes, i) => {
      const ours = textIn(bytes, encoding) ?? null;
      return ours === texts[i]
        ? []
        : [`${bytes.toString('hex')}: ${JSON.stringify(ours)}, Ruby: ${JSON.stringify(texts[i])}`];
    });
    expect(wrong.slice(0, 20), encoding).toEqual([]);
  };

  it('of two bytes is what Ruby makes of them, for each encoding', async () => {
    expect(encodings.length).toBeGreaterThan(95);
    for (const encoding of encodings) await compare(encoding, Buffer.of());
  });

  it('of three bytes is, where there are such characters', async () => {
    for (const [encoding, prefixes] of Object.entries(PREFIXES))
      for (const prefix of prefixes) await compare(encoding, Buffer.of(prefix));
  });

  it('of two bytes behind each escape sequence, shift and mark is', async () => {
    for (const encoding of encodings.filter((name) => /^(?:ISO-2022|CP5022|UTF-16|UTF-32)/.test(name)))
      for (const sign of SIGNS) await compare(encoding, sign);
  });

  it('of four bytes in GB18030 is', async () => {
    const tails = Array.from({ length: 126 * 10 }, (_, i) => [0x81 + Math.floor(i / 10), 0x30 + (i % 10)]);
    for (const head of tails) {
      const all = tails.map((tail) => Buffer.from([...head, ...tail]));
      expect(all.map((bytes) => textIn(bytes, 'GB18030') ?? null)).toEqual(await ruby.encode('GB18030', all));
    }
  });

  it('of two characters of the BMP in UTF8-MAC is, for those that combine', async () => {
    const marks = [
      ...'\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0338\u0345\u0653\u3099\u309a\u1161\u1175\u11a8\u11c2',
    ];
    const firsts = Array.from({ length: 0xffff }, (_, i) => String.fromCharCode(i + 1)).filter((one) =>
      one.isWellFormed(),
    );
    for (const mark of marks) {
      const all = firsts.map((first) => Buffer.from(first + mark));
      expect(all.map((bytes) => textIn(bytes, 'UTF8-MAC'))).toEqual(await ruby.encode('UTF8-MAC', all));
    }
  });
});
