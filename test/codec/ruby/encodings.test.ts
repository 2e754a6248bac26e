import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textIn } from '../../../src/codec/ruby/encodings/decode.ts';
import { digestOf, isAsciiAlone, SIGNS } from './encoding-cases.ts';
import { RubyPeer } from './peer.ts';

const utf16 = (text: string, endian: 'LE' | 'BE'): Buffer =>
  endian === 'LE' ? Buffer.from(text, 'utf16le') : Buffer.from(text, 'utf16le').swap16();

describe('text in the encodings of Ruby', () => {
  let ruby: RubyPeer;
  let names: Readonly<Record<string, readonly string[]>>;
  beforeAll(async () => {
    ruby = new RubyPeer();
    names = await ruby.encodings();
  });
  afterAll(() => ruby.close());

  it('is what Ruby makes of each single byte, under each name of each encoding', async () => {
    for (const [encoding, others] of Object.entries(names)) {
      if (isAsciiAlone(encoding)) continue;
      const digest = await ruby.digest(encoding, Buffer.of(), 1);
      for (const name of others) expect(digestOf(name, Buffer.of(), 1), name).toBe(digest);
    }
  });

  it('has no rows of vendors behind the escape sequence of 1978', async () => {
    const old = Buffer.from('\x1b$@\x2d\x21\x1b(B', 'latin1');
    const current = Buffer.from('\x1b$B\x2d\x21\x1b(B', 'latin1');
    for (const encoding of ['CP50220', 'CP50221'])
      expect([textIn(old, encoding) ?? null, textIn(current, encoding)]).toEqual(
        await ruby.encode(encoding, [old, current]),
      );
  });

  it('is what Ruby makes of random bytes, signs and characters', async () => {
    const encodings = Object.keys(names).filter((name) => !isAsciiAlone(name));
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(...SIGNS),
      fc
        .array(fc.integer({ min: 0xa1, max: 0xfe }), { minLength: 2, maxLength: 2 })
        .map((two) => Buffer.from(two)),
      fc
        .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 2, maxLength: 2 })
        .map((two) => Buffer.from(two)),
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => Buffer.from(text)),
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => utf16(text, 'LE')),
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => utf16(text, 'BE')),
    );
    const bytes = fc.array(piece, { maxLength: 5 }).map((pieces) => Buffer.concat(pieces));
    let texts = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...encodings),
        fc.array(bytes, { minLength: 40, maxLength: 40 }),
        async (encoding, all) => {
          const theirs = await ruby.encode(encoding, all);
          const ours = all.map((one) => textIn(one, encoding) ?? null);
          texts += ours.filter((text) => text !== null).length;
          expect(ours, encoding).toEqual(theirs);
        },
      ),
      { numRuns: 300 },
    );
    expect(texts).toBeGreaterThan(1500);
  });

  it('puts together what UTF8-MAC took apart, as Ruby does', async () => {
    const char = fc.constantFrom(
      ...'aeouEkｶ각각가é\u0301\u0300\u0323\u0302\u0308\u3099αω𝅗\u{1d165}😀\n'.normalize('NFC'),
      '\u1100',
      '\u1161',
      '\u11a8',
      '\u0344',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(char, { maxLength: 6 }), { minLength: 50, maxLength: 50 }),
        async (all) => {
          const strings = all.map((chars) => Buffer.from(chars.join('')));
          expect(strings.map((one) => textIn(one, 'UTF8-MAC'))).toEqual(
            await ruby.encode('UTF8-MAC', strings),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    ['Shift_JIS', [0xb1, 0x5c, 0x7e]],
    ['Windows-31J', [0x81, 0x60, 0xfa, 0x40]],
    ['CP850', [0x82, 0x9b]],
    ['UTF8-MAC', [0x65, 0xcc, 0x81]],
    ['UTF-16', [0, 0x61]],
    ['Big5-HKSCS', [0x88, 0x62]],
    ['GB18030', [0x81, 0x30, 0x81, 0x30]],
    ['eucJP', [0x8f, 0xb0, 0xa1]],
    ['cp1252', [0x80, 0x81]],
  ])('of %s is as of Ruby: %j', async (encoding, bytes) => {
    const [text] = await ruby.encode(encoding, [Buffer.from(bytes)]);
    expect(textIn(Buffer.from(bytes), encoding) ?? null).toBe(text);
  });

  it('is what is valid UTF-8, where no encoding is declared but ASCII', () => {
    for (const name of ['ASCII-8BIT', 'BINARY', 'US-ASCII', 'ascii']) {
      expect(textIn(Buffer.from('Zürich ✓'), name)).toBe('Zürich ✓');
      expect(textIn(Buffer.of(0x5a, 0xfc), name)).toBeUndefined();
    }
  });

  it('is ASCII alone in encodings that are none of Ruby’s', () => {
    expect(textIn(Buffer.from('plain'), 'KLINGON')).toBe('plain');
    expect(textIn(Buffer.from('é'), 'KLINGON')).toBeUndefined();
  });
});
