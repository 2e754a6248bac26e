import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeYaml,
  encodeYaml,
  RubyHash,
  RubyString,
  type RubyValue,
} from '../../../src/codec/ruby/index.ts';
import { runs } from '../../support/seed.ts';
import { keyOf, plainValue } from './arbitrary.ts';
import { describeValue } from './describe.ts';
import { RubyPeer } from './peer.ts';
import { agreements, readYaml } from './yaml-pieces.ts';
import { tagAgreements } from './yaml-tagged.ts';

/** What a value is after YAML: bytes without their encoding. */
const asWritten = (value: RubyValue): RubyValue => {
  if (value instanceof RubyString) return new RubyString(value.bytes, 'ASCII-8BIT');
  if (value instanceof RubyHash)
    return new RubyHash(value.entries.map(([key, member]) => [asKey(key), asWritten(member)]));
  return Array.isArray(value) ? value.map(asWritten) : value;
};

/** A binary key that would merge is written as text, which is all that stops Psych. */
const asKey = (key: RubyValue): RubyValue =>
  key instanceof RubyString && key.bytes.toString('latin1') === '<<' ? '<<' : asWritten(key);

/** Whether two keys become one by losing their encodings. */
const collides = (value: RubyValue): boolean => {
  if (value instanceof RubyHash) {
    const keys = value.entries.map(([key]) => keyOf(asKey(key)));
    return new Set(keys).size < keys.length || value.entries.some((entry) => entry.some(collides));
  }
  return Array.isArray(value) && value.some(collides);
};

describe('YAML and real Ruby', () => {
  let ruby: RubyPeer;
  beforeAll(() => {
    ruby = new RubyPeer();
  });
  afterAll(() => ruby.close());

  it('agree on what we write, as a daemon loads it', async () => {
    await fc.assert(
      fc.asyncProperty(plainValue, async (value) => {
        fc.pre(!collides(value));
        const answer = await ruby.daemonLoad(encodeYaml(value));
        expect(answer).toEqual({ value: describeValue(asWritten(value)) });
      }),
      { numRuns: runs(2000) },
    );
  });

  it('agree on what Ruby writes, aliases included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { document, value } = await ruby.generate('yaml', seed);
        expect(describeValue(decodeYaml(Buffer.from(document ?? '', 'base64')))).toEqual(value);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('agree on whatever text both take for YAML', async () => {
    expect(await agreements(ruby, 5000)).toBeGreaterThan(800);
  });

  it('agree on whatever tags nodes have', async () => {
    expect(await tagAgreements(ruby, 3000)).toBeGreaterThan(1500);
  });

  it.each([
    '!!str {}',
    '!x : 1',
    'a:\n  !!set c: 2\n  &b !x : 1',
    '- !x : 1\n- - &a : 2',
    '!str {a: b, str: c}',
    '!!str {str: 5}',
    '!ruby/string {str: [1]}',
    '!!str {str: ~}',
    '? !!str {}\n: 1',
    '!!omap [{a: 1, b: 2}, [c, d, e]]',
    '!!omap {<<: {a: 1}}',
    '!!set {<<: {a: 1}, b: }',
    '!ruby/struct:Pair\nleft: 1\nright: 2\n:left: 3',
    '!ruby/structPair {left: 1, right: <<}',
    '!ruby/array {internal: [1], ivars: {}}',
    '!ruby/array:Words {internal: [1], ivars: {"@x": 1}}',
    '!array:Words {internal: [1]}',
    '!exception {message: a}',
    '!ruby/exception {message: 5}',
    '!object:Named {}',
    '!range {begin: 1}',
    '!ruby/range {begin: 1, end: 2, excl: x}',
    '!ruby/range 0x1..0b10',
    '!ruby/hash-with-ivars {elements: {a: 1}, other: *none, ivars: {"@x": &a 1}, elements: {b: *a}}',
    '!ruby/hash-with-ivars {a: 1}',
    '!ruby/hash:Settings {<<: {a: 1}}',
    '!ruby/objectHash {<<: {a: 1}}',
    '!ruby/object:Rational {numerator: 1, denominator: 2}',
    '!ruby/object:Named 5',
    '!ruby/object:Object {hash: {}}',
    '!ruby/object:Set {hash: {a: 1}, x: 2}',
    '!ruby/hash:Settings 0x1f',
    '!ruby/symbolic a',
    '!ruby/sym:x 5',
    '!ruby/unknown yes',
    '!ruby/class ""',
    '!binary PDw=: {a: 1}',
    '? !!str {str: <<}\n: {a: 1}',
    '? !str {str: <<}\n: {a: 1}',
    '<<: !ruby/object:Named {a: 1}',
    '<<: !!omap []',
    '0.0: 1\n-0.0: 2',
    '{? {a: 1, b: 2} : 1, ? {b: 2, a: 1} : 2}',
    '2020-01-01 00:00:00 Z: 1\n2020-01-01 01:00:00 +01:00: 2',
    '2020-01-01: 1\n"2020-01-01": 2\n2020-1-1: 3',
    '&a 2020-01-01: &a 1\n? *a\n: 2',
    '!!str {}: 1\n!!omap []: 2\n!ruby/exception {}: 3',
    '2020-1-1  12:30:45.5',
    '1500-2-29',
    '1582-10-5',
    'str:\n  <<:\n    2020-01-31:\n  "2020-01-31":\n',
    '<<: [{2020-01-31: 1}, {2020-01-31: 2, "2020-01-31": 3}]\n2020-01-31: 4',
    '!ruby/range {end: !ruby/range {}}',
    '!ruby/range {end: !ruby/range {end: []}}',
  ])('agree on what the tag means in %j', async (text) => {
    const document = Buffer.from(text);
    const { value } = await ruby.plain(document);
    expect(value).toBeDefined();
    expect(readYaml(document)).toEqual(value);
  });

  it.each([
    '[!x :s]',
    '[? ::]',
    '[? ::a]',
    '[? :: a]',
    '{? ::}',
    '[:a]',
    '? \n !x : 1',
    '? a\n: !ruby/symbol:x : b',
    '? a\n: &a : b',
    'elements: \n      !ruby/hash-with-ivars : ',
    'a:\n  ? \n    !!set : ',
    '!ruby/object:DateTime {}',
    '!ruby/object:BigDecimal 18:1.5',
    '!ruby/object:Rational 2/4',
    '!ruby/encoding internal',
    '[&a 1, &a !ruby/exception {message: x}, *a]',
    '[&a !ruby/range {begin: &a 1, end: 2}, *a]',
    '[!!omap [&a {b: 1}], *a]',
    '!!str%0A {}',
  ])('are both right, or we refuse: %j', (text) => {
    expect(readYaml(Buffer.from(text))).toBeUndefined();
  });

  it.each([
    "--- 'a\u2028b'\n",
    "--- 'a\u2028  \u2029 b\u2028'\n",
    '--- "a\u2028\n b\\L\\u2029\\\u2028  c"\n',
    "---\n? 'k\u2028  '\n: 'v\u2029  '\n",
    '--- |-\n  a\u2029   b\n   c\n',
    '- >\n  a\u2028  b\n\n   c\n  d',
    'a: b\u2028c: d',
    'a\u2028 b',
    'a\x85b',
    'a: b\rc: d',
    '- &a k: |\n     y\n  l: z\n',
    '# c\u2028a',
    '|2\n    - a\n',
    '- |2\n   a\n',
    'a:\n- |+\n  x\n\n\n- >-\n  y\n',
    '- |\n  a',
    '|2 # c- a\n\n    ',
    '[]: 1\n{}: 2\n',
  ])('agree on %j', async (text) => {
    const { value } = await ruby.load('yaml', Buffer.from(text));
    expect(value).toBeDefined();
    expect(readYaml(Buffer.from(text))).toEqual(value);
  });

  it('read back what we write', () => {
    fc.assert(
      fc.property(plainValue, (value) => {
        fc.pre(!collides(value));
        expect(describeValue(decodeYaml(encodeYaml(value)))).toEqual(describeValue(asWritten(value)));
      }),
      { numRuns: runs(2000) },
    );
  });
});
