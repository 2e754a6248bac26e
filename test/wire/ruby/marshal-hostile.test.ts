import { describe, expect, it } from 'vitest';
import {
  DEFAULT_RUBY_LIMITS,
  decodeMarshal,
  RubyError,
  type RubyErrorCode,
} from '../../../src/wire/ruby/index.ts';

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
    ['a Set without members', 'o:\bSet\x06:\n@hash0', 'malformed'],
    ['a Set with more variables', 'o:\bSet\x07:\n@hash{\0:\x06ai\0', 'malformed'],
    ['an array in itself', '[\x06@\0', 'cycle'],
    ['a hash in itself', '{\x06:\x06a@\0', 'cycle'],
    ['a Struct in itself', 'S:\x06S\x06:\x06a@\0', 'cycle'],
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

  it.each([
    ['an object', 'o:\vObject\0', 'Object'],
    ['an object of the Gem gadget', 'o:\x15Gem::Requirement\0', 'Gem::Requirement'],
    ['a Range', 'o:\nRange\b:\texclF:\nbegini\x06:\bendi\x07', 'Range'],
    ['a class with _dump', 'u:\x0fBigDecimal\n18:0.1', 'BigDecimal'],
    ['a class with _dump and variables', 'Iu:\x08Foo\x06a\x06:\x06ET', 'Foo'],
    ['a class with marshal_dump', 'U:\rRational[\x07i\x06i\x06', 'Rational'],
    ['a subclass of String', 'IC:\x0bMyText"\x06a\x06:\x06ET', 'MyText'],
    ['a subclass of Hash', 'C:\x0bMyHash{\0', 'MyHash'],
    ['an extended object', 'e:\x08Foo"\x06a', 'Foo'],
    ['data', 'd:\x08Foo0', 'Foo'],
    ['a class', 'c\x0bString', 'Class'],
    ['a module', 'm\x0bKernel', 'Module'],
    ['an old module', 'M\x0bKernel', 'Module'],
    ['a symbol in another encoding', 'I:\x06\xe9\x06:\rencoding"\x0fISO-8859-1', 'Symbol'],
    ['a regexp in another encoding', 'I/\x06\xe9\0\x06:\rencoding"\x0fISO-8859-1', 'Regexp'],
  ])('names the class of %s', (_, text, className) => {
    expect(failure(doc(text))).toMatchObject({ code: 'class', className });
  });

  it('shows a class name only as far as it is printable', () => {
    const { message, className } = failure(doc(`o:\x01\xc8A\n\x1b[2J${'B'.repeat(194)}\0`));
    expect(className).toMatch(/^A\?\?\[2JB+…$/);
    expect(message.length).toBeLessThan(200);
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
