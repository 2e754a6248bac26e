import fc from 'fast-check';
import { expect } from 'vitest';
import { decodeYaml, RubyError } from '../../../src/codec/ruby/index.ts';
import { seed } from '../../support/seed.ts';
import { type Description, describeValue } from './describe.ts';
import type { RubyPeer } from './peer.ts';

/** Pieces whose combinations are sometimes YAML. */
export const PIECES = [
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
    '\u2028',
    '\u2029  ',
    '\x85',
    '\r',
    '! ',
    '!x ',
    '!!str ',
    '!!int "5"',
    '!float 1',
    '!ruby/sym ',
    '!ruby/regexp /a/',
    '!binary YQ==',
    '2020-01-31 1:00:00.5 +1:30',
    '2020-1-1',
  ],
  [
    '!!str {}',
    '!str ',
    '!!omap ',
    '!!set ',
    '!ruby/struct ',
    '!ruby/symbol:x ',
    '!ruby/array ',
    '!ruby/object:Hash ',
    '!ruby/hash-with-ivars ',
    '!!binary ',
    '!<x> ',
    'str: ',
    'elements: ',
    '[[a, 1], {b: 2}]',
    '{k: v}',
    '- - ',
    '? - a\n',
    '\n      ',
  ],
);

/** What we read in a document; undefined where we refuse it. */
export const readYaml = (document: Buffer): Description | undefined => {
  try {
    return describeValue(decodeYaml(document));
  } catch (error) {
    if (error instanceof RubyError) return undefined;
    throw error;
  }
};

/** Random documents, which have to mean the same to both where both read them. @returns how many that were */
export const agreements = async (ruby: RubyPeer, runs: number): Promise<number> => {
  let both = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 9 }), async (pieces) => {
      const document = Buffer.from(pieces.join(''));
      const { value } = await ruby.load('yaml', document);
      const ours = readYaml(document);
      if (value === undefined || ours === undefined) return;
      both++;
      expect(ours).toEqual(value);
    }),
    { numRuns: runs, seed: seed() },
  );
  return both;
};
