import { describe, expect, it } from 'vitest';
import {
  decodeYaml,
  encodeYaml,
  RubyFloat,
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../../../src/codec/ruby/index.ts';

const read = (text: string): RubyValue => decodeYaml(Buffer.from(text));
const float = (value: number): RubyFloat => new RubyFloat(value);
const symbol = (name: string): RubySymbol => new RubySymbol(name);
const hash = (...entries: [RubyValue, RubyValue][]): RubyHash => new RubyHash(entries);

describe('YAML as Psych reads it', () => {
  it.each<[string, RubyValue]>([
    ['', null],
    ['~', null],
    ['Null', null],
    ['yes', true],
    ['On', true],
    ['no', false],
    ['OFF', false],
    ['y', 'y'],
    ['nope', 'nope'],
    ['truely', 'truely'],
    ['1_000', 1000],
    ['1,000', 1000],
    ['0755', 493],
    ['08', '08'],
    ['0o17', '0o17'],
    ['-0x1F', -31],
    ['0b101', 5],
    ['1:30', 5400],
    ['1:30:15', 5415],
    ['1:30:15.5', float(5415.5)],
    ['1.5', float(1.5)],
    ['1.', float(1)],
    ['.5', float(0.5)],
    ['1.0e+20', float(1e20)],
    ['1e5', '1e5'],
    ['.', '.'],
    ['.inf', float(Number.POSITIVE_INFINITY)],
    ['-.Inf', float(Number.NEGATIVE_INFINITY)],
    ['.NaN', float(Number.NaN)],
    ['123456789012345678901234567890', 123456789012345678901234567890n],
    [':a', symbol('a')],
    [':a b', symbol('a b')],
    [':"a b"', symbol('a b')],
    ["':a'", ':a'],
    ['"yes"', 'yes'],
    ['! "yes"', true],
    ['!!str yes', 'yes'],
    ['!!int "5"', 5],
    ['!float 1', float(1)],
    ['!ruby/sym a', symbol('a')],
    ['!ruby/symbol "1 b"', symbol('1 b')],
    ['!ruby/regexp /a\\/b/mix', new RubyRegexp('a\\/b', 7)],
    ['!binary |-\n  /w==\n', new RubyString(Buffer.of(255), 'ASCII-8BIT')],
    [
      '2024-02-03 04:05:06.000000007 Z',
      new RubyTime(BigInt(Date.UTC(2024, 1, 3, 4, 5, 6)) * 1_000_000n + 7n, undefined),
    ],
    ['2024-02-03 04:05:06 +01:00', new RubyTime(BigInt(Date.UTC(2024, 1, 3, 3, 5, 6)) * 1_000_000n, 3600)],
    ['2024-13-03 04:05:06 Z', '2024-13-03 04:05:06 Z'],
    ['|\n  a\n  b\n', 'a\nb\n'],
    ['a\n\n  b', 'a\nb'],
  ])('%j', (text, value) => {
    expect(read(`--- ${text}`)).toEqual(value);
  });

  it('reads a Set and a Struct', () => {
    expect(read('--- !ruby/object:Set\nhash:\n  1: true\n  a: true\n')).toEqual(new RubySet([1, 'a']));
    expect(read('--- !ruby/struct:Fleet::Node\nname: a\nup: true\n')).toEqual(
      new RubyStruct('Fleet::Node', [
        ['name', 'a'],
        ['up', true],
      ]),
    );
  });

  it('gives aliases as the same value', () => {
    const value = read('- &1 [a]\n- *1\n');
    expect(value).toEqual([['a'], ['a']]);
    expect(Array.isArray(value) && value[0] === value[1]).toBe(true);
  });

  it('takes the last of equal keys, in the place of the first', () => {
    expect(read('a: 1\nb: 2\na: 3\n')).toEqual(hash(['a', 3], ['b', 2]));
    expect(read('[a]: 1\n? - a\n: 2\n')).toEqual(hash([['a'], 2]));
  });

  it('merges under <<, unless its value is no hash', () => {
    expect(read('x: 1\n<<: {x: 2, y: 3}\n')).toEqual(hash(['x', 2], ['y', 3]));
    expect(read('<<: [{x: 1}, {x: 2, y: 3}]\n')).toEqual(hash(['x', 1], ['y', 3]));
    expect(read('"<<": {x: 1}\n')).toEqual(hash(['x', 1]));
    expect(read('!!str "<<": {x: 1}\n')).toEqual(hash(['<<', hash(['x', 1])]));
    expect(read('<<: 1\n')).toEqual(hash(['<<', 1]));
  });
});

describe('YAML as we write it', () => {
  it.each<[RubyValue, string]>([
    [null, '--- null\n'],
    ['ping', '--- ping\n'],
    ['yes', '--- "yes"\n'],
    ['a: b\n\té\u{1f600}', '--- "a: b\\n\\t\\xe9\\U0001f600"\n'],
    [symbol('ttl'), '--- :ttl\n'],
    [symbol('a b'), '--- !ruby/symbol "a b"\n'],
    [float(1e20), '--- 100000000000000000000.0\n'],
    [float(1e-7), '--- 1.0e-7\n'],
    [new RubyString(Buffer.of(0xe9), 'ISO-8859-1'), '--- !binary "6Q=="\n'],
    [new RubyRegexp('a/b', 5), '--- !ruby/regexp "/a/b/mi"\n'],
    [[], '--- []\n'],
    [hash([symbol('a'), ['b', hash(['<<', 1])]]), '---\n:a:\n  - b\n  -\n    !!str "<<": 1\n'],
    [hash([[], 1]), '---\n? []\n: 1\n'],
  ])('%#', (value, text) => {
    expect(encodeYaml(value).toString()).toBe(text);
  });

  it('writes shared references without aliases, which daemons refuse', () => {
    const shared = ['a'];
    expect(encodeYaml([shared, shared]).toString()).toBe('---\n-\n  - a\n-\n  - a\n');
  });

  it.each([
    ['a Time', new RubyTime(0n, undefined)],
    ['a Set', new RubySet([])],
    ['a Struct', new RubyStruct('S', [])],
    ['an unsafe number', 2 ** 53],
    ['half a surrogate pair', '\ud800'],
    ['a list in itself', endless()],
  ])('does not write %s', (_, value) => {
    expect(() => encodeYaml(value)).toThrow(expect.objectContaining({ code: 'unwritable' }));
  });
});

function endless(): RubyValue {
  const list: RubyValue[] = [];
  list.push(list);
  return list;
}
