import fc from 'fast-check';
import {
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
import { describeValue } from './describe.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    'yes',
    'No',
    '~',
    'null',
    '',
    '1',
    '-1.5',
    '0x1f',
    '1:30:00',
    ':a',
    '2020-01-01',
    '2020-01-01 10:00:00 Z',
  ),
  fc.constantFrom(
    '- a',
    'a: b',
    'a #b',
    '"',
    "'",
    'a\nb\n',
    ' a',
    '<<',
    '=',
    '.inf',
    '%',
    '@',
    '\u2028',
    '\u0085',
    '\ufeff',
  ),
);

const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }).map((big): number | bigint => {
    const small = Number(big);
    return Number.isSafeInteger(small) ? small : big;
  }),
);

const float = fc
  .oneof(
    fc.double(),
    fc.constantFrom(
      0,
      -0,
      1,
      1.5,
      100,
      1e15,
      1e16,
      1e21,
      1e22,
      1e-4,
      1e-5,
      123.456,
      5e-324,
      Number.MAX_VALUE,
    ),
  )
  .map((value) => new RubyFloat(value));

const name = fc.oneof(
  fc.constantFrom(
    'body',
    'ttl',
    'agent',
    'E',
    'encoding',
    'é',
    'a b',
    '',
    '[]=',
    '1',
    'x\ny',
    "'q'",
    '"q"',
    ':x',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);

const foreign = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => new RubyString(Buffer.from(bytes), 'ASCII-8BIT')),
  fc
    .tuple(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom('ISO-8859-1', 'UTF-16LE', 'EUC-JP', 'Windows-1252'),
    )
    .map(([bytes, encoding]) => new RubyString(Buffer.from(bytes), encoding)),
  fc
    .tuple(fc.uint8Array({ maxLength: 20 }), fc.constantFrom('UTF-8', 'US-ASCII'))
    .map(([bytes, encoding]) => new RubyString(Buffer.concat([bytes, Buffer.of(0xff)]), encoding)),
);

const regexp = fc
  .tuple(
    fc.constantFrom('', 'a', 'a/b', '^\\d+$', 'é|ü', 'a\nb', 'a\\/b', '[/]', 'x/mi'),
    fc.integer({ min: 0, max: 7 }),
  )
  .map(([source, options]) => new RubyRegexp(source, options));

/** From the year -300 to 4000, and some in years that do not fit Ruby's 16 bits. */
export const time = fc
  .tuple(
    fc.oneof(
      fc.bigInt({ min: -(2n ** 56n), max: 2n ** 56n }).map((us) => us * 1000n),
      fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 61n }).map((ns) => ns * 1000n),
    ),
    fc.constantFrom(undefined, 0, 7200, -12_600, 20_700, 86_399),
  )
  .map(([nanoseconds, offset]) => new RubyTime(nanoseconds, offset));

/** Any value that both formats can write. */
export const plainValue = tree(
  fc.oneof(fc.constant(null), fc.boolean(), integer, float, text, symbol(), foreign, regexp),
);

/** Any value that Marshal can write. */
export const marshalValue = tree(
  fc.oneof(fc.constant(null), fc.boolean(), integer, float, text, symbol(), foreign, regexp, time),
  (value) => [
    fc.uniqueArray(value, { maxLength: 4, selector: keyOf }).map((members) => new RubySet(members)),
    fc.tuple(value, value).map(
      ([left, right]) =>
        new RubyStruct('Pair', [
          ['left', left],
          ['right', right],
        ]),
    ),
  ],
);

function symbol(): fc.Arbitrary<RubySymbol> {
  return name.map((text) => new RubySymbol(text));
}

/** Keys that Ruby holds different are different here; a binary string of ASCII is the same key as the text. */
export function keyOf(value: RubyValue): string {
  const ascii = value instanceof RubyString && value.bytes.every((byte) => byte < 0x80);
  if (value instanceof RubyFloat && value.value === 0) return 'zero';
  return JSON.stringify(describeValue(ascii ? value.bytes.toString('latin1') : value));
}

function tree(
  leaf: fc.Arbitrary<RubyValue>,
  more: (value: fc.Arbitrary<RubyValue>) => fc.Arbitrary<RubyValue>[] = () => [],
): fc.Arbitrary<RubyValue> {
  return fc.letrec<{ value: RubyValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 5 }),
      fc
        .uniqueArray(fc.tuple(fc.oneof({ weight: 3, arbitrary: leaf }, tie('value')), tie('value')), {
          maxLength: 5,
          selector: ([key]) => keyOf(key),
        })
        .map((entries) => new RubyHash(entries)),
      ...more(tie('value')),
    ),
  })).value;
}
