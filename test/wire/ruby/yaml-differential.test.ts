import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeYaml,
  encodeYaml,
  RubyHash,
  RubyString,
  type RubyValue,
} from '../../../src/wire/ruby/index.ts';
import { keyOf, plainValue } from './arbitrary.ts';
import { describeValue } from './describe.ts';
import { RubyPeer } from './peer.ts';
import { agreements, readYaml } from './yaml-pieces.ts';

/** What a value is after YAML: bytes without their encoding. */
const asWritten = (value: RubyValue): RubyValue => {
  if (value instanceof RubyString) return new RubyString(value.bytes, 'ASCII-8BIT');
  if (value instanceof RubyHash)
    return new RubyHash(value.entries.map(([key, member]) => [asWritten(key), asWritten(member)]));
  return Array.isArray(value) ? value.map(asWritten) : value;
};

/** Whether two keys become one by losing their encodings. */
const collides = (value: RubyValue): boolean => {
  if (value instanceof RubyHash) {
    const keys = value.entries.map(([key]) => keyOf(asWritten(key)));
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
      { numRuns: 2000 },
    );
  });

  it('agree on what Ruby writes, aliases included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { document, value } = await ruby.generate('yaml', seed);
        expect(describeValue(decodeYaml(Buffer.from(document ?? '', 'base64')))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  it('agree on whatever text both take for YAML', async () => {
    expect(await agreements(ruby, 5000)).toBeGreaterThan(1200);
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
      { numRuns: 2000 },
    );
  });
});
