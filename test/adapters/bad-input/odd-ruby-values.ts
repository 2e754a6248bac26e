import {
  RubyFloat,
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubyTime,
  type RubyValue,
  symbol,
} from '../../../src/codec/ruby/value.ts';

const nested = (wrap: (inner: RubyValue) => RubyValue, levels: number): RubyValue => {
  let value: RubyValue = 1;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
};

const text = (bytes: readonly number[], encoding: string): RubyString =>
  new RubyString(Buffer.from(bytes), encoding);

/** What no program writes into a message, and what some write by mistake. */
export const RUBY_VALUES: readonly RubyValue[] = [
  null,
  true,
  0,
  -1,
  2 ** 53,
  10n ** 30n,
  10n ** 2_000n,
  new RubyFloat(Number.NaN),
  new RubyFloat(Number.NEGATIVE_INFINITY),
  new RubyFloat(-0),
  '',
  '\u0000',
  'x'.repeat(20_000),
  '__proto__',
  symbol('__proto__'),
  symbol(''),
  symbol('a b\n'),
  text([0xff, 0xfe], 'ASCII-8BIT'),
  text([0xff], 'UTF-8'),
  text([0xd8, 0x00], 'UTF-16BE'),
  text([0x41], 'UTF-16'),
  text([0x41], 'No-Such-Encoding'),
  new RubyRegexp('a/b', 7),
  new RubyRegexp('(', 0),
  new RubyTime(0n, undefined),
  new RubyTime(10n ** 30n, 86_399),
  new RubyTime(-(10n ** 30n), -1),
  new RubySet([1, 'a', null]),
  new RubyStruct('', []),
  new RubyStruct('A', [['a', 1]]),
  [],
  [[]],
  new RubyHash([]),
  new RubyHash([[null, null]]),
  new RubyHash([
    ['a', 1],
    [symbol('a'), 2],
  ]),
  new RubyHash([[new RubyHash([]), []]]),
  nested((inner) => [inner], 55),
  nested((inner) => new RubyHash([['a', inner]]), 55),
];
