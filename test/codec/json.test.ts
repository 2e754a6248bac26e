import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJson, formatString, parseJson } from '../../src/codec/json.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { Float, type Value } from '../../src/envelope/value.ts';
import { refused } from '../adapters/choria/wire/support.ts';
import { runs } from '../support/seed.ts';

/** The model as what `JSON.parse` would give, which tells nothing of floats and big numbers. */
const plain = (value: Value): unknown => {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]: [string, Value]) => [key, plain(inner)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Float) return value.value;
  return typeof value === 'bigint' ? Number(value) : value;
};

const text = fc.string({ unit: 'binary', maxLength: 12 });
const key = text.filter((name) => name !== 'base64' && name !== '__proto__');

const model: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger().map((value) => value + 0),
    fc
      .bigInt({ min: -(2n ** 200n), max: 2n ** 200n })
      .filter((value) => value > 2n ** 53n || value < -(2n ** 53n)),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((value) => (Number.isInteger(value) ? new Float(value) : value)),
    text,
    fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
  ),
})).value;

describe('JSON', () => {
  it('comes back as the value that was written', () => {
    fc.assert(
      fc.property(model, (value) => {
        expect(parseJson(formatJson(value))).toStrictEqual(value);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('agrees with JSON.parse wherever that is exact', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), fc.constantFrom(0, 2), (json, indent) => {
        const expected: unknown = JSON.parse(json);
        const again = JSON.stringify(expected, undefined, indent);
        expect(plain(parseJson(again))).toStrictEqual(JSON.parse(again));
      }),
      { numRuns: runs(2000) },
    );
  });

  it('accepts no text that JSON.parse does not, and refuses none that it takes', () => {
    const broken = fc.string({
      unit: fc.constantFrom(...'{}[]",:\\ \n\t0123-+.eEutrnflas\u0001'),
      maxLength: 10,
    });
    fc.assert(
      fc.property(broken, (json) => {
        let valid = true;
        try {
          JSON.parse(json);
        } catch {
          valid = false;
        }
        if (valid) parseJson(json);
        else expect(() => parseJson(json)).toThrow(Rejection);
      }),
      { numRuns: runs(20_000) },
    );
  });

  it.each<[string, Value]>([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-123456789012345678901234567890', -123456789012345678901234567890n],
    ['-0', 0],
    ['3.0', new Float(3)],
    ['-0.0', new Float(-0)],
    ['1e3', new Float(1000)],
    ['1.5', 1.5],
    ['{"base64":"/w=="}', Buffer.from([0xff])],
    ['{"base64":"not base64"}', new Map([['base64', 'not base64']])],
    [
      '{"base64":"/w==","x":1}',
      new Map<string, Value>([
        ['base64', '/w=='],
        ['x', 1],
      ]),
    ],
    ['{"__proto__":{"a":1}}', new Map([['__proto__', new Map([['a', 1]])]])],
    [
      '{"a":1,"b":2,"a":3}',
      new Map([
        ['a', 3],
        ['b', 2],
      ]),
    ],
    ['"\\ud83d\\ude00"', '😀'],
  ])('reads %s', (json, value) => {
    expect(parseJson(json)).toStrictEqual(value);
  });

  it('keeps the order of keys that look like numbers', () => {
    const json = '{"b":1,"2":2,"1":3}';
    expect(formatJson(parseJson(json))).toBe(json);
  });

  it.each<[Value, string]>([
    [new Float(3), '3.0'],
    [new Float(-0), '-0.0'],
    [new Float(1e300), '1e+300'],
    [Number.POSITIVE_INFINITY, '"Infinity"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    [Number.NaN, '"NaN"'],
    [2n ** 70n, '1180591620717411303424'],
    [new Uint8Array([255, 254]), '{"base64":"//4="}'],
    ['a\ud800b', '"a\ufffdb"'],
    ['"\\\n\u0000😀', '"\\"\\\\\\n\\u0000😀"'],
    [[], '[]'],
    [new Map(), '{}'],
    [[new Map([['a', [null, true]]])], '[{"a":[null,true]}]'],
  ])('writes %o as %s', (value, json) => {
    expect(formatJson(value)).toBe(json);
  });

  it('writes strings that JSON.parse reads back, and that always have a UTF-8 form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(JSON.parse(formatString(value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f })), (codes) => {
        const literal = formatString(String.fromCharCode(...codes));
        expect(Buffer.from(literal).toString()).toBe(literal);
      }),
    );
  });

  it('refuses deep, wide and long-winded documents', () => {
    const limits = { maxDepth: 3, maxElements: 5 };
    expect(parseJson('[[1,2]]', limits)).toStrictEqual([[1, 2]]);
    refused(() => parseJson('[[[1]]]', limits), 'limit_exceeded', /3 levels at position 3/);
    refused(() => parseJson('[1,2,3,4,5]', limits), 'limit_exceeded', /5 values/);
    refused(() => parseJson('9'.repeat(100_000)), 'limit_exceeded', /digits/);
    refused(() => parseJson('9'.repeat(20_001)), 'limit_exceeded', /20000 digits in a number/);
    expect(parseJson('9'.repeat(20_000))).toBe(10n ** 20_000n - 1n);
    refused(() => parseJson('['.repeat(1_000_000)), 'limit_exceeded', /64 levels/);
  });

  it('says where a document breaks', () => {
    refused(() => parseJson('{"a":1,}'), 'malformed_json', /unexpected text at position 7/);
    refused(() => parseJson('{"a":'), 'malformed_json', /unexpected end at position 5/);
    refused(() => parseJson('"\\x"'), 'malformed_json', /position 0/);
  });

  it('refuses to write what is not of the model', () => {
    // A broken caller is the one thing that the types cannot stop.
    const values: Value[] = JSON.parse('[[]]');
    values.length = 2;
    refused(() => formatJson(values), 'unsupported_value', /undefined/);
  });
});

describe('what JSON has no word for', () => {
  // Ruby's `JSON.dump`, by which Choria's Ruby nodes write, has.
  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
  ])('%s is read as the number that Ruby meant, and written as a text', (word, value) => {
    expect(parseJson(word)).toBe(value);
    expect(parseJson(`{"load": [${word} , 1]}`)).toEqual(new Map([['load', [value, 1]]]));
    expect(formatJson(parseJson(`[${word}]`))).toBe(`["${word}"]`);
  });

  it.each([
    'nan',
    'NAN',
    'Inf',
    'infinity',
    '+Infinity',
    '-NaN',
    '- Infinity',
    'Infinity1',
    'NaNa',
    '[Infinit]',
  ])('%s is none of them', (text) => {
    refused(() => parseJson(text), 'malformed_json');
  });
});

describe('long integers', () => {
  const long = '9'.repeat(2000);

  it('are as many as a table of keys has, but not as many as a message has room for', () => {
    const table = `[${Array(20).fill(long).join()}]`;
    expect(formatJson(parseJson(table))).toBe(table);
    refused(() => parseJson(`[${Array(21).fill(long).join()}]`), 'limit_exceeded', /long numbers/);
    refused(() => formatJson(Array<bigint>(21).fill(BigInt(long))), 'limit_exceeded', /long integers/);
  });

  it('are not those that counters have', () => {
    const counters = `[${Array(20_000).fill('18446744073709551615').join()}]`;
    expect(formatJson(parseJson(counters))).toBe(counters);
  });
});
