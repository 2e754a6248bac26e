import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJson, parseJson } from '../../../../src/adapters/choria/wire/index.ts';
import type { SerializerName } from '../../../../src/adapters/mcollective/wire/serializer.ts';
import {
  dataToRuby,
  fromRuby,
  mapFromRuby,
  toRuby,
} from '../../../../src/adapters/mcollective/wire/values.ts';
import { RubyHash, RubySymbol } from '../../../../src/codec/ruby/value.ts';
import { Float, float, integer, type Value } from '../../../../src/envelope/value.ts';
import { dumpedByRuby, serializers } from './captures.ts';

/** Ruby's own dump of an expression, as it comes out in a reply to a Choria client. */
const asJson = (format: SerializerName, expressions: readonly string[]): readonly string[] =>
  dumpedByRuby(format, expressions).map((bytes) => formatJson(fromRuby(serializers[format].decode(bytes))));

const BOTH: readonly (readonly [ruby: string, json: string])[] = [
  ['nil', 'null'],
  ['true', 'true'],
  ['42', '42'],
  ['-(2**31)', '-2147483648'],
  ['2**53', '9007199254740992'],
  ['2**53 + 1', '9007199254740993'],
  ['-(2**100)', '-1267650600228229401496703205376'],
  ['3.25', '3.25'],
  ['3.0', '3.0'],
  ['-0.0', '-0.0'],
  ['1e300', '1e+300'],
  ['5e-324', '5e-324'],
  ['Float::INFINITY', '"Infinity"'],
  ['-Float::INFINITY', '"-Infinity"'],
  ['Float::NAN', '"NaN"'],
  ['""', '""'],
  ['"héllo ✓ 𝄞"', '"héllo ✓ 𝄞"'],
  ['"tab\\tquote\\" line\\n"', '"tab\\tquote\\" line\\n"'],
  [':symbol', '"symbol"'],
  [':"ein Symbol ö"', '"ein Symbol ö"'],
  ['[1, [2, [[]]], {}]', '[1,[2,[[]]],{}]'],
  ['{:a => 1, "b" => {:c => [nil]}}', '{"a":1,"b":{"c":[null]}}'],
  ['{1 => "one", -(2**70) => "big"}', '{"1":"one","-1180591620717411303424":"big"}'],
  ['{nil => 1, true => 2}', '{"":1,"true":2}'],
  ['{"z" => 1, "a" => 2, "10" => 3, "9" => 4}', '{"z":1,"a":2,"10":3,"9":4}'],
  ['Time.at(0).utc', '"1970-01-01T00:00:00Z"'],
  ['Time.utc(2020, 2, 29, 23, 59, 59 + 1/2r)', '"2020-02-29T23:59:59.5Z"'],
  ['Time.at(-1, 999_999_999, :nsec).utc', '"1969-12-31T23:59:59.999999999Z"'],
  ['Time.new(2020, 1, 2, 3, 4, 5, "+02:00")', '"2020-01-02T03:04:05+02:00"'],
  ['Time.new(2020, 1, 2, 3, 4, 5, "-09:30")', '"2020-01-02T03:04:05-09:30"'],
  ['/a.b/', '"/a.b/"'],
  ['/a.b/mix', '"/a.b/mix"'],
  ['Set.new([1, :a, [2]])', '[1,"a",[2]]'],
  ['Point.new(1, {:deep => 2})', '{"x":1,"y":{"deep":2}}'],
  ['(s = "same"; [s, s])', '["same","same"]'],
  ['"binary \\xff\\x00".b', '{"base64":"YmluYXJ5IP8A"}'],
];

/** Only Marshal says of a string what encoding it has; YAML is UTF-8 or `!binary`. */
const ENCODED: readonly (readonly [ruby: string, json: string])[] = [
  ['"ascii".b', '"ascii"'],
  ['"ascii".force_encoding("US-ASCII")', '"ascii"'],
  // As daemons in the C locale, and those of Ruby 1.8, have all their text.
  ['"café".b', '"café"'],
  ['"café".dup.force_encoding("US-ASCII")', '"café"'],
  [':"café".to_s.b.to_sym', '"café"'],
  ['"caf\\xe9".b.force_encoding("US-ASCII")', '{"base64":"Y2Fm6Q=="}'],
  ['"caf\\xe9".b.force_encoding("ISO-8859-1")', '"café"'],
  // The Encoding Standard's latin1 is windows-1252, which has a euro sign in this place.
  ['"\\x80".b.force_encoding("ISO-8859-1")', '"\u0080"'],
  ['"\\x80".b.force_encoding("Windows-1252")', '"€"'],
  ['"\\xa4".b.force_encoding("ISO-8859-15")', '"€"'],
  ['"\\x80 \\xe4".b.force_encoding("Windows-1250")', '"€ ä"'],
  ['"\\xef".b.force_encoding("Windows-1251")', '"п"'],
  ['"日本".encode("Windows-31J")', '"日本"'],
  ['"日本".encode("Shift_JIS")', '"日本"'],
  ['"日本".encode("EUC-JP")', '"日本"'],
  ['"日本".encode("ISO-2022-JP")', '"日本"'],
  ['"привет".encode("KOI8-R")', '"привет"'],
  ['"ひ𝄞".encode("UTF-16LE")', '"ひ𝄞"'],
  ['"ひ𝄞".encode("UTF-16BE")', '"ひ𝄞"'],
  ['"ひ𝄞".encode("UTF-16")', '"ひ𝄞"'],
  ['"ab".encode("UTF-16BE")', '"ab"'],
  ['"\\xff\\xfea\\x00".b.force_encoding("UTF-16")', '"a"'],
  // Not text: broken, unknown, or not decodable here.
  ['"broken \\xff"', '{"base64":"YnJva2VuIP8="}'],
  ['"\\x81".b.force_encoding("Windows-31J")', '{"base64":"gQ=="}'],
  ['"\\xd8\\x00".b.force_encoding("UTF-16BE")', '{"base64":"2AA="}'],
  ['"a".encode("UTF-32LE")', '"a"'],
  ['"\\x80".b.force_encoding("IBM437")', '"Ç"'],
  ['"e\\u0301".dup.force_encoding("UTF8-MAC")', '"é"'],
  ['"a".encode("UTF-16BE").force_encoding("UTF-16")', '{"base64":"AGE="}'],
  ['"a".b.force_encoding("UTF-7")', '{"base64":"YQ=="}'],
  // The one before was broken; a decoder must not remember that.
  ['"本".encode("Windows-31J")', '"本"'],
];

/** Cases by their Ruby expression, all dumped by one process. */
const dumped = (cases: Readonly<Record<string, string>>): readonly Case[] => {
  const dumps = dumpedByRuby('marshal', Object.keys(cases));
  return Object.entries(cases).map(([ruby, expected], at) => ({
    ruby,
    expected,
    bytes: dumps[at] ?? Buffer.alloc(0),
  }));
};

interface Case {
  readonly ruby: string;
  readonly bytes: Buffer;
  readonly expected: string;
}

describe('Ruby values on their way to JSON', () => {
  it.each(['marshal', 'yaml'] as const)('are those of the table, out of Ruby’s own %s', (format) => {
    const found = asJson(
      format,
      BOTH.map(([ruby]) => ruby),
    );
    expect(BOTH.map(([ruby], at) => [ruby, found[at]])).toEqual(BOTH);
  });

  it('are text in any encoding that can be read, and base64 else', () => {
    const found = asJson(
      'marshal',
      ENCODED.map(([ruby]) => ruby),
    );
    expect(ENCODED.map(([ruby], at) => [ruby, found[at]])).toEqual(ENCODED);
  });

  it('keep the instant of a time whose offset ISO 8601 cannot write', () => {
    expect(asJson('marshal', ['Time.at(0).localtime(3630)'])).toEqual(['"1970-01-01T00:00:00Z"']);
  });

  const colliding = dumped({
    '{:a => 1, "a" => 2}': '"a"',
    '{1 => 1, "1" => 2}': '"1"',
    '{nil => 1, "" => 2}': '""',
    '{"caf\\xe9".b.force_encoding("ISO-8859-1") => 1, "café" => 2}': '"café"',
  });
  it.each(colliding)('are refused where two keys would become one: $ruby', ({ bytes, expected }) => {
    expect(() => fromRuby(serializers.marshal.decode(bytes))).toThrow(
      expect.objectContaining({ code: 'unsupported_value', message: expect.stringContaining(expected) }),
    );
  });

  it('name a colliding key in no more words than a log line bears', () => {
    const name = 'k'.repeat(100_000);
    const twice = new RubyHash([
      [name, 1],
      [new RubySymbol(name), 2],
    ]);
    let message = '';
    try {
      mapFromRuby(twice);
    } catch (error) {
      if (error instanceof Error) message = error.message;
    }
    expect(message).toContain('kkkk');
    expect(message.length).toBeLessThan(200);
  });

  const keys = dumped({
    '{[1, nil] => 1}': '{"[1,null]":1}',
    '{{:a => 2} => 1}': '{"{\\"a\\":2}":1}',
    '{1.5 => 1, 1e20 => 2, 1e-5 => 3, 3.0 => 4}': '{"1.5":1,"1.0e+20":2,"1.0e-05":3,"3.0":4}',
    '{"\\xff".b => 1}': '{"/w==":1}',
    '{"é".b => 1}': '{"é":1}',
    '{"é".dup.force_encoding("US-ASCII") => 1}': '{"é":1}',
    '{"é".encode("CP850") => 1}': '{"é":1}',
    '{"é".b.to_sym => 1}': '{"é":1}',
    '{"\\xff".b.to_sym => 1}': '{"/w==":1}',
    '{Time.at(0).utc => 1}': '{"1970-01-01T00:00:00Z":1}',
    '{/a/i => 1}': '{"/a/i":1}',
    '{(1..2) => 1}': '{"1..2":1}',
  });
  it.each(keys)('have keys after the same rules: $ruby', ({ bytes, expected }) => {
    expect(formatJson(fromRuby(serializers.marshal.decode(bytes)))).toBe(expected);
  });

  const misplaced = dumped({
    '{:packages => [1, {"x y" => {:a => 1, "a" => 2}}]}': 'in data.packages[1]["x y"]',
    '[Time.utc(300_000)]': 'in [0]',
    '{"\\e[2J" => Time.utc(300_000)}': 'in ["?[2J"]',
  });
  it.each(misplaced)('are refused by their place: $ruby', ({ bytes, expected }) => {
    expect(() => fromRuby(serializers.marshal.decode(bytes))).toThrow(
      expect.objectContaining({ message: expect.stringContaining(expected) }),
    );
  });
});

const text = fc.string({ unit: 'binary', maxLength: 12 });
const scalars: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(integer),
  fc.double().map(float),
  fc.integer().map((value) => new Float(value)),
  text,
  // Binary of ASCII alone is text to Ruby; see the table.
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from([...bytes, 0xff])),
);
const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(text, tie('value')), { selector: ([key]) => key, maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
})).value;

/** Infinity and NaN have no literal, and a map that looks like binary is read as binary: known, documented. */
const isPlain = (json: string): boolean => !/"-?Infinity"|"NaN"|\{"base64":"[^"]*"\}/.test(json);

describe.each(['marshal', 'yaml'] as const)('JSON values on their way through Ruby’s %s', (format) => {
  const { encode, decode } = serializers[format];

  it('come back as they were', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(formatJson(fromRuby(decode(encode(toRuby(value)))))).toBe(formatJson(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it('come back as they were also where the keys of data are symbols', () => {
    const maps = fc
      .uniqueArray(fc.tuple(text, values), { selector: ([key]) => key, maxLength: 5 })
      .map((entries) => new Map(entries));
    fc.assert(
      fc.property(maps, (data) => {
        const back = decode(encode(dataToRuby(data)));
        expect(formatJson(fromRuby(back))).toBe(formatJson(data));
      }),
      { numRuns: 300 },
    );
  });

  it('come back as they were from JSON text', () => {
    fc.assert(
      fc.property(values.map(formatJson).filter(isPlain), (json) => {
        expect(formatJson(fromRuby(decode(encode(toRuby(parseJson(json))))))).toBe(json);
      }),
      { numRuns: 500 },
    );
  });
});

describe('JSON values on their way to Ruby', () => {
  it('have symbols as keys of data, and strings below', () => {
    const data = new Map<string, Value>([['a', new Map([['b', 1]])]]);
    expect(dataToRuby(data)).toEqual(new RubyHash([[new RubySymbol('a'), new RubyHash([['b', 1]])]]));
  });

  it('stay integers or floats as they were written', () => {
    const json = '{"a":3,"b":3.0,"c":1e2,"d":12345678901234567890,"e":-0.0}';
    const ruby = serializers.marshal.encode(toRuby(parseJson(json)));
    expect(formatJson(fromRuby(serializers.marshal.decode(ruby)))).toBe(
      '{"a":3,"b":3.0,"c":100.0,"d":12345678901234567890,"e":-0.0}',
    );
  });

  it('become binary strings where they are {"base64": …}', () => {
    expect(toRuby(parseJson('{"base64":"/wA="}'))).toMatchObject({
      bytes: Buffer.from([0xff, 0]),
      encoding: 'ASCII-8BIT',
    });
    expect(toRuby(parseJson('{"base64":"not base64!"}'))).toBeInstanceOf(RubyHash);
  });

  it('are refused where text has half of a surrogate pair, which no encoding of Ruby’s can say', () => {
    for (const format of ['marshal', 'yaml'] as const)
      expect(() => serializers[format].encode(toRuby(parseJson('["\\ud800"]')))).toThrow(
        expect.objectContaining({ code: 'unsupported_value' }),
      );
  });
});
