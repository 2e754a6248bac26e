import { describe, expect, it } from 'vitest';
import {
  decodeMarshal,
  encodeMarshal,
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

/** A document from Latin-1 text, as `Marshal.dump(…).inspect` shows it. */
const doc = (text: string): Buffer => Buffer.from(`\x04\b${text}`, 'latin1');
const read = (text: string): RubyValue => decodeMarshal(doc(text));

/** What Ruby 3.1 printed for `Marshal.dump`, and the value. */
const LITERALS: readonly (readonly [what: string, text: string, value: RubyValue])[] = [
  ['nil', '0', null],
  ['true', 'T', true],
  ['0', 'i\0', 0],
  ['122', 'i\x7f', 122],
  ['123', 'i\x01\x7b', 123],
  ['-123', 'i\x80', -123],
  ['-124', 'i\xff\x84', -124],
  ['-129', 'i\xff\x7f', -129],
  ['-257', 'i\xfe\xff\xfe', -257],
  ['2**30 - 1', 'i\x04\xff\xff\xff?', 2 ** 30 - 1],
  ['-2**30', 'i\xfc\0\0\0\xc0', -(2 ** 30)],
  ['2**30', 'l+\x07\0\0\0@', 2 ** 30],
  ['-2**30 - 1', 'l-\x07\x01\0\0@', -(2 ** 30) - 1],
  ['2**40', 'l+\b\0\0\0\0\0\x01', 2 ** 40],
  ['2**70', 'l+\n\0\0\0\0\0\0\0\0@\0', 2n ** 70n],
  ['1.5', 'f\b1.5', new RubyFloat(1.5)],
  ['-Infinity', 'f\t-inf', new RubyFloat(Number.NEGATIVE_INFINITY)],
  ['-0.0', 'f\x07-0', new RubyFloat(-0)],
  ['0.0001', 'f\v0.0001', new RubyFloat(0.0001)],
  ['1e-05', 'f\t1e-5', new RubyFloat(1e-5)],
  ['equal floats, one object', '[\bf\b1.5@\x06i\x06', [new RubyFloat(1.5), new RubyFloat(1.5), 1]],
  ['UTF-8', 'I"\x07\xc3\xa9\x06:\x06ET', 'é'],
  ['binary', '"\x07\xff\0', new RubyString(Buffer.of(255, 0), 'ASCII-8BIT')],
  ['broken UTF-8', 'I"\x06\xff\x06:\x06ET', new RubyString(Buffer.of(255), 'UTF-8')],
  ['ISO-8859-1', 'I"\x06\xe9\x06:\rencoding"\x0fISO-8859-1', new RubyString(Buffer.of(0xe9), 'ISO-8859-1')],
  [
    'symbols',
    '[\b:\x06a;\0I:\x07\xc3\xa9\x06:\x06ET',
    [new RubySymbol('a'), new RubySymbol('a'), new RubySymbol('é')],
  ],
  [
    'a hash',
    '{\x07:\x06ai\x06I"\x06b\x06:\x06ET0',
    new RubyHash([
      [new RubySymbol('a'), 1],
      ['b', null],
    ]),
  ],
  ['a regexp', 'I/\x06a\x07\x06:\x06EF', new RubyRegexp('a', 7)],
  ['a regexp in UTF-8', 'I/\x07\xc3\xa9\x11\x06:\x06ET', new RubyRegexp('é', 1)],
  ['a Set', 'o:\bSet\x06:\n@hash}\x07i\x06Ti\x07TF', new RubySet([1, 2])],
  [
    'a Struct',
    'S:\x06S\x07:\x06ai\x06:\x06b0',
    new RubyStruct('S', [
      ['a', 1],
      ['b', null],
    ]),
  ],
];

describe('Marshal', () => {
  it.each(LITERALS)('reads and writes %s as Ruby does', (_, text, value) => {
    expect(read(text)).toEqual(value);
    expect(encodeMarshal(value).toString('latin1')).toBe(`\x04\b${text}`);
  });

  it('tells US-ASCII that is broken from text, and text from binary of the same bytes', () => {
    expect(read('I"\x06a\x06:\x06EF')).toBe('a');
    expect(read('I"\x06\xe9\x06:\x06EF')).toEqual(new RubyString(Buffer.of(0xe9), 'US-ASCII'));
    expect(read('"\x06a')).toEqual(new RubyString(Buffer.from('a'), 'ASCII-8BIT'));
  });

  it('shares the encoding name between strings, as Ruby does', () => {
    const text = '[\x07I"\x06\xe9\x06:\rencoding"\x0fISO-8859-1I"\x06\xe8\x06;\0@\x07';
    const value = [
      new RubyString(Buffer.of(0xe9), 'ISO-8859-1'),
      new RubyString(Buffer.of(0xe8), 'ISO-8859-1'),
    ];
    expect(read(text)).toEqual(value);
    expect(encodeMarshal(value)).toEqual(doc(text));
  });

  it('gives shared references as the same value', () => {
    const value = read('[\x07[\x06i\x06@\x06');
    expect(value).toEqual([[1], [1]]);
    expect(Array.isArray(value) && value[0] === value[1]).toBe(true);
  });

  it('counts a Time after its variables, for links', () => {
    // [t, a, t, a] with t = Time.at(0, 5, :nsec).utc
    const time =
      'Iu:\tTime\r \x80\x11\xc0\0\0\0\0\t:\rnano_numi\n:\rnano_deni\x06:\rsubmicro"\x07\0P:\tzoneI"\bUTC\x06:\x06EF';
    const t = new RubyTime(5n, undefined);
    expect(read(`[\t${time}I"\x06x\x06;\nT@\b@\t`)).toEqual([t, 'x', t, 'x']);
  });

  it('reads times with offsets and in far years', () => {
    const offset =
      'Iu:\tTime\r \x80\x11\x80@\xe2\x01\0\n:\rnano_numi\x02\x15\x03:\rnano_deni\x06:\rsubmicro"\x07x\x90:\tzone0:\voffseti\x02 \x1c';
    expect(read(offset)).toEqual(new RubyTime(123_456_789n, 7200));
    const year1700 = 'Iu:\tTime\x0f@\0\0\xc0\0\0\0\0\x06\xc8\x06:\tzoneI"\bUTC\x06:\x06EF';
    expect(read(year1700)).toEqual(new RubyTime(BigInt(Date.UTC(1700, 0, 2)) * 1_000_000n, undefined));
  });

  it('leaves out a default value and variables of a program', () => {
    expect(read('}\x06:\x06ai\x06i\b')).toEqual(new RubyHash([[new RubySymbol('a'), 1]]));
    expect(read('I"\x06a\x07:\x06ET:\n@notei\x06')).toBe('a');
  });

  it('reads floats as Ruby 1.8 wrote them, with the last bits behind a NUL', () => {
    expect(read('f\x1a1.1000000000000001\0\x99\x9a')).toEqual(new RubyFloat(1.1));
  });

  it.each([
    ['an unsafe number', 2 ** 53],
    ['a fraction that is no RubyFloat', 0.5],
    ['half a surrogate pair', '\ud800'],
    ['half a surrogate pair in a symbol', new RubySymbol('\udc00')],
    ['a Struct without a name', new RubyStruct('', [])],
    ['an encoding without a name', new RubyString(Buffer.of(1), 'a b')],
    ['a year beyond all calendars', new RubyTime(10n ** 30n, undefined)],
    ['a list in itself', endless()],
  ])('does not write %s', (_, value) => {
    expect(() => encodeMarshal(value)).toThrow(expect.objectContaining({ name: 'RubyError' }));
  });
});

function endless(): RubyValue {
  const list: RubyValue[] = [];
  list.push(list);
  return list;
}
