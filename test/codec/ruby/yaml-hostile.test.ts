import { describe, expect, it } from 'vitest';
import {
  DEFAULT_YAML_LIMITS,
  decodeYaml,
  RubyError,
  type RubyErrorCode,
  RubyHash,
} from '../../../src/codec/ruby/index.ts';

const failure = (bytes: string | Uint8Array, limits = DEFAULT_YAML_LIMITS): RubyError => {
  try {
    decodeYaml(Buffer.from(bytes), limits);
  } catch (error) {
    if (error instanceof RubyError) return error;
    throw error;
  }
  throw new Error('decoded');
};

/** Lists of which each holds the one before it nine times. */
const aliasBomb = (levels: number): string => {
  const lines = ['- &a0 [lol, lol, lol]'];
  for (let level = 1; level < levels; level++)
    lines.push(
      `- &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  return `${lines.join('\n')}\n`;
};

describe('hostile YAML', () => {
  it.each<[string, string, RubyErrorCode]>([
    ['two documents', '--- a\n--- b\n', 'malformed'],
    ['a directive', '%YAML 1.1\n--- a\n', 'malformed'],
    ['a control character', '"a\x01"', 'malformed'],
    ['NUL', 'a\0', 'malformed'],
    ['a byte order mark', '\ufeffa', 'malformed'],
    ['an open quote', '"a', 'malformed'],
    ['an open list', '[a', 'malformed'],
    ['an unknown alias', '- *a', 'malformed'],
    ['an anchor that libyaml reads otherwise', '&b:s a', 'malformed'],
    ['a block of text without indentation', '--- |\na\n', 'malformed'],
    ['a binary without base64', '!binary "a b!"', 'malformed'],
    ['a regexp without slashes', '!ruby/regexp a', 'malformed'],
    ['a number that is none', '0x_', 'malformed'],
    ['a Struct with a number for a name', '!ruby/struct:S {1: 2}', 'malformed'],
    ['a list in itself', '&a [*a]', 'cycle'],
    ['a hash in itself', '&a {b: [*a]}', 'cycle'],
    ['a hash in its own key', '&a {? *a : b}', 'cycle'],
    ['a hash merged into itself', '&a {<<: *a}', 'cycle'],
    ['an alias bomb', aliasBomb(12), 'limit'],
    ['a million digits', '9'.repeat(1_000_000), 'limit'],
    ['a million base-60 digits', `1:${'0'.repeat(2)}`.replace('1', '1'.repeat(900_000)), 'limit'],
  ])('%s', (_, text, code) => {
    expect(failure(text).code).toBe(code);
  });

  it('is malformed where it is not UTF-8', () => {
    expect(failure(Buffer.of(0x22, 0xff, 0x22)).code).toBe('malformed');
  });

  it.each<[string, unknown]>([
    ['2024-1-01', '2024-01-01'],
    ['2024-02-30', '2024-02-30'],
    ['!ruby/object:Gem::Requirement {}', '#<Gem::Requirement>'],
    ['!ruby/object {}', '#<Object>'],
    ['!ruby/object:BigDecimal 18:0.1e0', '0.1e0'],
    ['!ruby/object:DateTime 2024-01-01 00:00:00 Z', '2024-01-01T00:00:00+00:00'],
    ['!ruby/range 1..2', '1..2'],
    ['!ruby/range {begin: 1, end: 2, excl: false}', '1..2'],
    ["!ruby/class 'String'", 'String'],
    ["!ruby/module 'Kernel'", 'Kernel'],
    ['!ruby/encoding UTF-8', 'UTF-8'],
    ['!ruby/string:MyText 12', '12'],
    ['!str:MyText a', 'a'],
    ['!ruby/array:MyList [a]', ['a']],
    ['!ruby/hash:MyHash {a: b}', new RubyHash([['a', 'b']])],
    ['!map:MyHash {a: b}', new RubyHash([['a', 'b']])],
    ['!ruby/exception:RuntimeError {message: a}', 'a'],
    ['!ruby/exception:RuntimeError {message: }', 'RuntimeError'],
    ['!ruby/marshalable:Foo {a: b}', ['a', 'b']],
    ['!ruby/hash-with-ivars {elements: {a: 1}, ivars: {b: 2}}', new RubyHash([['a', 1]])],
    ['!!set {a}', new RubyHash([['a', null]])],
    [
      '!!omap [a: b, c: d]',
      new RubyHash([
        ['a', 'b'],
        ['c', 'd'],
      ]),
    ],
    ['!foo 12', 12],
    ['!foo "12"', 12],
    ['!foo "a b"', 'a b'],
    ['!foo {a: b}', new RubyHash([['a', 'b']])],
    ['&a !ruby/object:Foo {a: *a}', new RubyHash([['a', '#<Foo>']])],
  ])('reads, and never makes, %s', (text, value) => {
    expect(decodeYaml(Buffer.from(`--- ${text}\n`))).toEqual(value);
  });

  it('says where it is that something is wrong', () => {
    expect(failure('data:\n- 1\n- a b: *none\n').path).toEqual(['data', 1, 'a b']);
  });

  it.each([
    ['flow lists', '['.repeat(100_000)],
    ['closed flow lists', `${'['.repeat(15_000)}${']'.repeat(15_000)}`],
    ['flow hashes', '{a: '.repeat(20_000)],
    ['flow hashes as keys', '{'.repeat(20_000)],
    ['block lists', '- '.repeat(40_000)],
    ['explicit keys', '? '.repeat(40_000)],
    ['block hashes', Array.from({ length: 1200 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['lists as flow keys', `${'['.repeat(2000)}a${']: b'.repeat(2000)}`],
  ])('never overflows the stack: %s', (_, text) => {
    for (const maxDepth of [64, 1_000_000])
      expect(['limit', 'malformed']).toContain(failure(text, { ...DEFAULT_YAML_LIMITS, maxDepth }).code);
    expect(failure(text.slice(0, 20_000)).code).toMatch(/limit|malformed/);
  });

  it('reads what is as deep as the deepest limit allows, and no deeper', () => {
    const limits = { ...DEFAULT_YAML_LIMITS, maxDepth: 1_000_000 };
    const nested = (levels: number): string => `${'['.repeat(levels)}a${']'.repeat(levels)}`;
    expect(decodeYaml(Buffer.from(nested(255)), limits)).toHaveLength(1);
    expect(failure(nested(256), limits).code).toBe('limit');
  });

  it('tells keys apart at a price of their text, however deep they are and whatever they hold again', () => {
    const deep = `? ${'['.repeat(60)}"\\"\\""${']'.repeat(60)}\n: 1\n`;
    expect(decodeYaml(Buffer.from(deep))).toBeInstanceOf(RubyHash);
    const within = Array.from(
      { length: 10 },
      (_, n) => `? &k${n} [${n === 0 ? 'x' : `*k${n - 1}, *k${n - 1}`}]\n: 1\n`,
    );
    const read = decodeYaml(Buffer.from(within.join('')));
    expect(read instanceof RubyHash && read.entries.length).toBe(10);
  });

  it('counts the depth that aliases reach', () => {
    const nested = (inner: string): string => `${'['.repeat(20)}${inner}${']'.repeat(20)}`;
    const chain = ['a', '*b0', '*b1', '*b2', '*b3'].map((inner, i) => `- &b${i} ${nested(inner)}\n`).join('');
    expect(failure(chain).message).toContain('deeper');
    expect(decodeYaml(Buffer.from(chain), { ...DEFAULT_YAML_LIMITS, maxDepth: 110 })).toHaveLength(5);
  });

  it('counts the text that aliases repeat', () => {
    expect(failure(`- &a ${'a'.repeat(10_000)}\n${'- *a\n'.repeat(1000)}`).message).toContain('repeat');
  });

  it('bounds tokens before it makes nodes of them', () => {
    for (const text of ['- a\n', 'a: b\n', '# c\n', '@\n', '- "\n', '] '])
      expect(failure(text.repeat(120_000)).code).toMatch(/limit|malformed/);
  });

  it('holds the limits on bytes, elements, depth and digits exactly', () => {
    const limits = { maxBytes: 9, maxDepth: 2, maxElements: 3 };
    expect(decodeYaml(Buffer.from('[1, 2]'), { ...limits, maxBytes: 6 })).toEqual([1, 2]);
    expect(failure('[1, 2]', { ...limits, maxBytes: 5 }).code).toBe('limit');
    expect(failure('[1, 2, 3]', limits).code).toBe('limit');
    expect(failure('[[1]]', limits).code).toBe('limit');
    expect(decodeYaml(Buffer.from(`${2n ** 8192n - 1n}`))).toBe(2n ** 8192n - 1n);
    expect(failure('9'.repeat(2468)).code).toBe('limit');
  });
});
