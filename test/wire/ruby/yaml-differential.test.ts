import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeYaml,
  encodeYaml,
  RubyError,
  RubyHash,
  RubyString,
  type RubyValue,
} from '../../../src/wire/ruby/index.ts';
import { keyOf, plainValue } from './arbitrary.ts';
import { type Description, describeValue } from './describe.ts';
import { RubyPeer } from './peer.ts';

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

/** Pieces whose combinations are sometimes YAML. */
const PIECES = [
  'a',
  'b',
  'yes',
  '~',
  '1',
  '0x1f',
  '1_0',
  '1,0',
  '-1.5',
  '12:30:45.5',
  '1:2',
  '.5',
  '5.',
  '.inf',
  '0b1',
  '08',
].concat(
  [
    'e',
    '+',
    '_',
    '0',
    ':s',
    ':"q"',
    '::',
    "''",
    '"',
    "'",
    '\\n',
    '\\x41',
    'é',
    '=',
    '.',
    '%',
    '@',
    '`',
    '<<',
  ],
  [
    '- ',
    '-',
    ': ',
    ':',
    '? ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    ',',
    '\n',
    '\n',
    '\n  ',
    '\n    ',
    '\n ',
    ' ',
    '  ',
    '\t',
    '\r\n',
  ],
  [
    '#',
    ' # c',
    '&a ',
    '*a',
    '&b',
    '*b ',
    '|',
    '>',
    '|-',
    '>+',
    '|2',
    '---',
    '...',
    '--- ',
    '- a\n',
    'k: v\n',
    'x:\n',
    '? a\n: b\n',
  ],
  [
    '! ',
    '!x ',
    '!!str ',
    '!!int "5"',
    '!float 1',
    '!ruby/sym ',
    '!ruby/regexp /a/',
    '!binary YQ==',
    '2020-01-31 1:00:00.5 +1:30',
  ],
);

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
    let both = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 9 }),
        async (pieces) => {
          const document = Buffer.from(pieces.join(''));
          const { value } = await ruby.load('yaml', document);
          const ours = read(document);
          if (value === undefined || ours === undefined) return;
          both++;
          expect(ours).toEqual(value);
        },
      ),
      { numRuns: 5000 },
    );
    expect(both).toBeGreaterThan(1200);
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

const read = (document: Buffer): Description | undefined => {
  try {
    return describeValue(decodeYaml(document));
  } catch (error) {
    if (error instanceof RubyError) return undefined;
    throw error;
  }
};
