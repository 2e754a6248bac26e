import fc from 'fast-check';
import { expect } from 'vitest';
import { seed } from '../../support/seed.ts';
import type { Description } from './describe.ts';
import type { RubyPeer } from './peer.ts';
import { readYaml } from './yaml-pieces.ts';

/** Every tag that to_ruby.rb of Psych 4.0 names, each also where it means nothing. */
const TAGS = [
  [
    '!',
    '!x',
    '!!x',
    '!<foo>',
    '!<!str>',
    '!<tag:yaml.org,2002:str>',
    '!!str',
    '!str',
    '!str:String',
    '!ruby/string',
  ],
  [
    '!ruby/string:String',
    '!ruby/string:Title',
    '!!int',
    '!!bool',
    '!!null',
    '!!float',
    '!float',
    '!!timestamp',
  ],
  ['!!binary', '!binary', '!ruby/object', '!ruby/object:', '!ruby/object:Object', '!object'],
  ['!ruby/object:BigDecimal', '!ruby/object:DateTime', '!ruby/object:Complex', '!ruby/object:Rational'],
  [
    '!ruby/object:Set',
    '!ruby/object:Hash',
    '!ruby/objectHash',
    '!ruby/encoding',
    '!ruby/class',
    '!ruby/module',
  ],
  [
    '!ruby/regexp',
    '!ruby/range',
    '!range',
    '!ruby/sym',
    '!ruby/symbol',
    '!ruby/symbol:x',
    '!ruby/symx',
    '!sym',
  ],
  ['!!seq', '!seq', '!seq:Words', '!ruby/array', '!ruby/array:Words', '!array:Words', '!!omap', '!omap'],
  ['!!map', '!map', '!map:Settings', '!ruby/hash', '!ruby/hash:Settings', '!ruby/hash-with-ivars'],
  [
    '!ruby/hash-with-ivars:Settings',
    '!!set',
    '!set',
    '!ruby/struct',
    '!ruby/struct:',
    '!ruby/struct:Pair',
    '!struct',
  ],
  [
    '!ruby/structPair',
    '!ruby/exception',
    '!ruby/exception:RuntimeError',
    '!exception',
    '!ruby/unknown',
    '!ruby',
  ],
].flat();

const SCALARS = [
  [
    '',
    'a',
    'b',
    '1',
    '2',
    '-0',
    '1.5',
    '-0.0',
    '0.0',
    '~',
    'null',
    'yes',
    'off',
    ':s',
    ':"q r"',
    '<<',
    'str',
    'x',
  ],
  [
    '2020-01-31',
    '2020-1-1',
    '1500-02-29',
    '1582-10-10',
    '2020-01-31 1:00:00.5 +1:30',
    '2020-02-30',
    '1500-2-29',
  ],
  [
    '1..2',
    'a...b',
    '1..',
    '..',
    '.inf',
    '.nan',
    '0x1f',
    '1:2',
    '1e5',
    '1.0e+5',
    '1_0',
    '08',
    '/a/',
    '/a/ix',
    'YQ==',
    'PDw=',
  ],
  [
    'UTF-8',
    'String',
    'Kernel',
    '18:0.15e1',
    '18:1.5',
    '1/2',
    '2/4',
    '1+2i',
    '"a"',
    "'1'",
    '"<<"',
    "'yes'",
    '"2020-01-31"',
  ],
  [
    '|-\n a',
    '>\n a\n b',
    '[]',
    '{}',
    '*a',
    '*b',
    '"@x"',
    'internal',
    'left',
    'right',
    'hash',
    'message',
    'elements',
  ],
].flat();

/** Keys that some class has. */
const KEYS = [
  [
    'str',
    '"@x"',
    'internal',
    'ivars',
    'begin',
    'end',
    'excl',
    'message',
    'backtrace',
    'elements',
    'real',
    'image',
  ],
  [
    'numerator',
    'denominator',
    'hash',
    'left',
    'right',
    ':left',
    '<<',
    '!!str "<<"',
    '!binary PDw=',
    'a',
    'b',
    '1',
    '1.0',
  ],
  ['0.0', '-0.0', '2020-01-31', '"2020-01-31"', '~', '""', 'true', ':a', '*a', '!str b', '!binary Yg=='],
].flat();

interface Tree {
  readonly properties: string;
  readonly content: string | readonly Tree[] | readonly (readonly [Tree, Tree])[];
  readonly kind: 'scalar' | 'list' | 'map';
  readonly flow: boolean;
}

const properties = fc
  .tuple(
    fc.option(fc.constantFrom('&a', '&b'), { nil: '', freq: 3 }),
    fc.option(fc.constantFrom(...TAGS), { nil: '', freq: 3 }),
    fc.boolean(),
  )
  .map(([anchor, tag, turned]) =>
    (turned ? [tag, anchor] : [anchor, tag]).filter((one) => one !== '').join(' '),
  );

const scalar = fc.record({
  properties,
  content: fc.constantFrom(...SCALARS),
  kind: fc.constant('scalar' as const),
  flow: fc.constant(true),
});

const key = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(...KEYS)
      .map((content) => ({ properties: '', content, kind: 'scalar' as const, flow: true })),
  },
  { weight: 1, arbitrary: scalar },
);

export const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.record({
      properties,
      content: fc.array(tie('tree'), { maxLength: 3 }),
      kind: fc.constant('list' as const),
      flow: fc.boolean(),
    }),
    fc.record({
      properties,
      content: fc.array(
        fc.tuple(
          fc.oneof(
            { weight: 8, arbitrary: key as fc.Arbitrary<Tree> },
            { weight: 1, arbitrary: tie('tree') },
          ),
          tie('tree'),
        ),
        { maxLength: 3 },
      ),
      kind: fc.constant('map' as const),
      flow: fc.boolean(),
    }),
  ),
})).tree;

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');

const flowOf = ({ properties: before, content, kind }: Tree): string => {
  if (typeof content === 'string') return joined(before, content.replace(/^[|>][\s\S]*/, '"|"'));
  if (kind === 'list') return joined(before, `[${(content as readonly Tree[]).map(flowOf).join(', ')}]`);
  const pairs = (content as readonly (readonly [Tree, Tree])[]).map(
    ([one, value]) => `? ${flowOf(one)} : ${flowOf(value)}`,
  );
  return joined(before, `{${pairs.join(', ')}}`);
};

/** Behind a dash, question mark or colon. */
const blockOf = (node: Tree, indent: string): string => {
  const { properties: before, content, kind, flow } = node;
  if (typeof content === 'string') return joined(before, content.replaceAll('\n', `\n${indent}`));
  if (flow || content.length === 0) return flowOf(node);
  const below = `${indent}  `;
  const lines =
    kind === 'list'
      ? (content as readonly Tree[]).map((one) => `- ${blockOf(one, below)}`)
      : (content as readonly (readonly [Tree, Tree])[]).map(([one, value]) =>
          one.kind === 'scalar' && !/^[|>]/.test(String(one.content))
            ? `${flowOf(one)} : ${blockOf(value, below)}`
            : `? ${blockOf(one, below)}\n${indent}: ${blockOf(value, below)}`,
        );
  return [before, ...lines].join(`\n${indent}`);
};

export const documentOf = (root: Tree): Buffer => Buffer.from(`--- ${blockOf(root, '')}\n`);

const byName = ([one]: readonly Description[], [other]: readonly Description[]): number =>
  JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;

/**
 * What no document says: which members the class of a struct has, which of them are nil, and in which order the variables
 * of an object come, which is a hash here.
 */
export const comparable = (value: Description): Description => {
  if (!Array.isArray(value)) return value;
  const [kind, first, second] = value.map(comparable);
  const pairs = (list: Description | undefined): (readonly Description[])[] =>
    Array.isArray(list) ? list.filter((one) => Array.isArray(one)) : [];
  if (kind === 'hash' && pairs(first).every(([key]) => Array.isArray(key) && key[0] === 'text'))
    return [kind, pairs(first).sort(byName)];
  if (kind !== 'struct') return value.map(comparable);
  const isMember = ([name, member]: readonly Description[]): boolean =>
    JSON.stringify(member) !== '["nil"]' && (first !== 'Pair' || name === 'left' || name === 'right');
  return [kind, first ?? '', pairs(second).filter(isMember).sort(byName)];
};

/**
 * Random trees of nodes with tags and anchors, written as flows and blocks, which have to mean the same to both where both
 * read them: Ruby with any class, and we as docs/values.md says of it.
 * @returns how many both read
 */
export const tagAgreements = async (ruby: RubyPeer, runs: number): Promise<number> => {
  let both = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (root) => {
      const document = documentOf(root);
      const { value } = await ruby.plain(document);
      const ours = value && readYaml(document);
      if (value === undefined || ours === undefined) return;
      both++;
      expect(comparable(ours)).toEqual(comparable(value));
    }),
    { numRuns: runs, seed: seed() },
  );
  return both;
};
