import { describe, expect, it } from 'vitest';
import {
  DEFAULT_RUBY_LIMITS,
  decodeMarshal,
  RubyError,
  type RubyErrorCode,
  RubyHash,
  RubyRegexp,
  RubyString,
  RubySymbol,
} from '../../../src/codec/ruby/index.ts';

const doc = (text: string): Buffer => Buffer.from(`\x04\b${text}`, 'latin1');

const failure = (bytes: Uint8Array, limits = DEFAULT_RUBY_LIMITS): RubyError => {
  try {
    decodeMarshal(bytes, limits);
  } catch (error) {
    if (error instanceof RubyError) return error;
    throw error;
  }
  throw new Error('decoded');
};

/** Ten to the power of `levels` strings: each list holds the next one and nine links to it. */
const linkBomb = (levels: number): string => {
  let text = 'I"\x08lol\x06:\x06ET';
  for (let level = levels; level > 0; level--)
    text = `[\x0f${text}${`@${String.fromCharCode(5 + level)}`.repeat(9)}`;
  return text;
};

describe('hostile Marshal', () => {
  it.each<[string, string, RubyErrorCode]>([
    ['nothing', '', 'malformed'],
    ['bytes after the end', '00', 'malformed'],
    ['an unknown type', 'x', 'malformed'],
    ['a string of 1 GB', '"\x04\0\0\0@', 'malformed'],
    ['an array of 1 G members', '[\x04\0\0\0@', 'malformed'],
    ['a hash of 1 G entries', '{\x04\0\0\0@', 'malformed'],
    ['a bignum of 1 G words', 'l+\x04\0\0\0@', 'malformed'],
    ['a negative length', '"\xfa', 'malformed'],
    ['a bignum without sign', 'l*\x07\0\0\0\0', 'malformed'],
    ['a link to no object', '[\x06@\x0a', 'malformed'],
    ['a link to a negative object', '[\x06@\xfa', 'malformed'],
    ['a link to no symbol', ';\0', 'malformed'],
    ['a symbol link out of nowhere', '[\x06;\xfa', 'malformed'],
    ['an encoding that is a number', 'I"\x06a\x06:\x06Ei\0', 'malformed'],
    ['an encoding of a strange name', 'I"\x06a\x06:\rencoding"\x07a\n', 'malformed'],
    ['variables of nil', 'I0\0', 'malformed'],
    ['variables of variables', 'II"\x06a\0\0', 'malformed'],
    ['a float that is no number', 'f\b0x1', 'malformed'],
    ['a float with white space', 'f\x07 1', 'malformed'],
    ['a time of three bytes', 'Iu:\tTime\babc\0', 'malformed'],
    ['a time in month 16', 'Iu:\tTime\r\x20\xbc\x11\xc0\0\0\0\0\0', 'malformed'],
    ['an array in itself', '[\x06@\0', 'cycle'],
    ['a hash in itself', '{\x06:\x06a@\0', 'cycle'],
    ['a list in a list in the first', '[\x06[\x06@\0', 'cycle'],
    ['a string in its own variables', 'I"\x06a\x06:\x07@a@\0', 'cycle'],
  ])('%s', (_, text, code) => {
    expect(failure(doc(text)).code).toBe(code);
  });

  it.each([
    ['4.9', '\x04\t0'],
    ['4.7', '\x04\x070'],
    ['YAML', '--- 1\n'],
    ['nothing', ''],
  ])('is malformed as version %s', (_, text) => {
    expect(failure(Buffer.from(text, 'latin1')).code).toBe('malformed');
  });

  it.each<[string, string, unknown]>([
    ['an object', 'o:\vObject\0', '#<Object>'],
    ['an object of the Gem gadget', 'o:\x15Gem::Requirement\0', '#<Gem::Requirement>'],
    ['a class with _dump', 'u:\x0fBigDecimal\x0b18:0.1', '0.1'],
    ['a class with _dump and variables', 'Iu:\x08Foo\x06a\x06:\x06ET', 'a'],
    ['a class with marshal_dump', 'U:\rRational[\x07i\x06i\x07', '1/2'],
    ['a Date of something else', 'U:\tDate0', null],
    ['a Date without numbers', 'U:\tDate[\x0b000000', Array(6).fill(null)],
    ['data', 'd:\x08Foo0', null],
    ['a class', 'c\x0bString', 'String'],
    ['an old module', 'M\x0bKernel', 'Kernel'],
    ['a symbol in another encoding', 'I:\x06\xe9\x06:\rencoding"\x0fISO-8859-1', new RubySymbol('é')],
    ['a regexp in another encoding', 'I/\x06\xe9\0\x06:\rencoding"\x0fISO-8859-1', new RubyRegexp('é', 0)],
    ['a regexp of bytes', '/\x06\xe9\0', new RubyRegexp('\\xE9', 0)],
    ['a symbol of bytes', ':\x06\xe9', new RubyString(Buffer.of(0xe9), 'US-ASCII')],
    ['a class of bytes', 'o:\x06\xe9\0', '#<é>'],
    ['an object in its own variables', 'o:\x08Foo\x06:\x07@a@\0', new RubyHash([['a', '#<Foo>']])],
  ])('reads, and never makes, %s', (_, text, value) => {
    expect(decodeMarshal(doc(text))).toEqual(value);
  });

  it.each([
    ['a subclass of nothing', 'C:\x08Foo0'],
    ['a subclass of a link', 'C:\x08Foo@\0'],
  ])('is malformed: %s', (_, text) => {
    expect(failure(doc(text)).code).toBe('malformed');
  });

  it('says where it is that something is wrong', () => {
    const deep = `${'[\x06'.repeat(70)}0`;
    expect(failure(doc(`{\x06:\x09data[\x070{\x06I"\x08a b\x06:\x06ET${deep}`)).path.slice(0, 5)).toEqual([
      'data',
      1,
      'a b',
      0,
      0,
    ]);
    expect(failure(doc('o:\x08Foo\x06:\x07@a[\x06@\x06')).path).toEqual(['@a', 0]);
  });

  it('refuses a link bomb, and counts links in linear time', () => {
    expect(decodeMarshal(doc(linkBomb(3)))).toHaveLength(10);
    expect(failure(doc(linkBomb(40))).message).toContain('more than 200000 values');
  });

  it('counts the bytes that links repeat', () => {
    const text = `[\x02\x10'"\x02\x10\x27${'a'.repeat(10_000)}${'@\x06'.repeat(9_999)}`;
    expect(failure(doc(text)).message).toContain('links repeat');
  });

  it('counts the depth that links reach', () => {
    // Each list holds the one before it below twenty more.
    const nested = (inner: string): string => `${'[\x06'.repeat(20)}${inner}`;
    const chain = `[\x0a${nested('0')}${nested('@\x06')}${nested('@\x1a')}${nested('@\x2e')}${nested('@\x42')}`;
    expect(failure(doc(chain)).message).toContain('deeper');
    expect(decodeMarshal(doc(chain), { ...DEFAULT_RUBY_LIMITS, maxDepth: 110 })).toHaveLength(5);
  });

  it.each([
    ['arrays', '[\x06', '0'],
    ['hashes', '{\x06i\0', '0'],
    ['hashes in keys', '{\x06', '0'],
    ['default values', '}\0', '0'],
    ['Structs', 'S:\x06S\x06:\x06a', '0'],
    ['variables of strings', 'I"\x06a\x06:\x07@a', '0'],
    ['variables of times', 'Iu:\tTime\r\x20\x80\x11\xc0\0\0\0\0\x06:\x07@a', '0'],
    ['names of variables', 'I:\x06a\x06', '0'],
    ['variables of regexps', 'I/\x06a\0\x06:\x07@a', '0'],
  ])('never overflows the stack: %s', (_, open, end) => {
    const deep = doc(open.repeat(100_000) + end);
    for (const maxDepth of [64, 1_000_000])
      expect(failure(deep, { ...DEFAULT_RUBY_LIMITS, maxDepth }).code).toBe('limit');
  });

  it('limits the classes and modules around one value', () => {
    const around = (count: number) => doc(`${'C:\x06A'.repeat(count)}[\x00`);
    expect(decodeMarshal(around(64))).toEqual([]);
    expect(failure(around(65)).code).toBe('limit');
    for (const kind of ['C', 'e'])
      expect(failure(doc(`${kind}:\x08Foo${`${kind};\0`.repeat(100_000)}`)).code).toBe('limit');
  });

  it('reads what is as deep as the deepest limit allows, and no deeper', () => {
    const limits = { ...DEFAULT_RUBY_LIMITS, maxDepth: 1_000_000 };
    expect(decodeMarshal(doc(`${'[\x06'.repeat(255)}0`), limits)).toHaveLength(1);
    expect(failure(doc(`${'[\x06'.repeat(256)}0`), limits).code).toBe('limit');
  });

  it('holds the limits on bytes, elements, depth and digits exactly', () => {
    const limits = { maxBytes: 9, maxDepth: 2, maxElements: 3 };
    expect(decodeMarshal(doc('[\x07i\x06i\x07'), { ...limits, maxBytes: 8 })).toEqual([1, 2]);
    expect(failure(doc('[\x07i\x06i\x07'), { ...limits, maxBytes: 7 }).code).toBe('limit');
    expect(failure(doc('[\x080T0'), limits).code).toBe('limit');
    expect(failure(doc('[\x06[\x060'), limits).code).toBe('limit');
    expect(decodeMarshal(doc(`l+\x02\x00\x02${'\xff'.repeat(1024)}`))).toBe(2n ** 8192n - 1n);
    expect(failure(doc(`l+\x02\x01\x02${'\xff'.repeat(1026)}`)).code).toBe('limit');
  });
});
